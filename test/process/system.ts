/** What the tests of this folder see of the system, and how they start things. */
import { expect } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExitStatus, LaunchFailure, RunningProcess } from '../../src/engine/ports.ts'
import { createProcesses, type ProcessesOptions, type SystemProcesses } from '../../src/process/processes.ts'
import { until } from '../harness.ts'

export const fixtureFolder = join(import.meta.dir, '../fixtures/process')

export const searchPath = process.env.PATH ?? '/usr/bin:/bin'

/** Both ways to treat processes: what is there on Linux alone, and what is there everywhere. */
export const platforms = [
  ['linux', (options: ProcessesOptions = {}) => createProcesses(options)],
  ['portable', (options: ProcessesOptions = {}) => createProcesses({ ...options, portable: true })],
] as const

/** What may be /bin/sh: bash in this way on macOS, dash on Debian, busybox on Alpine. */
export const shells = [
  ['bash', '--posix'],
  ['dash'],
  ['busybox', 'sh'],
  ['zsh', '--emulate', 'sh'],
  ['ksh'],
].filter(([name = '']) => Bun.which(name) !== null)

/** All processes of the machine. */
export const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/** Processes of these groups that are alive; zombies are not. */
export const survivors = (groups: readonly number[]): number[] =>
  pids().filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return groups.includes(Number(group)) && state !== 'Z' && state !== 'X'
    } catch {
      return false
    }
  })

export const descriptors = (): number => readdirSync('/proc/self/fd').length

/** Kills an emulator's stand-in with three families; what is left of them, which is killed too. */
export const killedEmulatorLeaves = async (
  command: readonly string[],
  how: readonly string[] = [],
): Promise<number[]> => {
  const emulator = Bun.spawn([...command, fixtureFolder, ...how], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  for await (const chunk of emulator.stdout) {
    text += Buffer.from(chunk).toString()
    if (text.endsWith('\n')) break
  }
  const groups: number[] = JSON.parse(text)
  expect(groups).toHaveLength(3)
  expect(survivors(groups).length).toBeGreaterThanOrEqual(6)
  emulator.kill('SIGKILL')
  await emulator.exited
  await until('nobody is left', () => survivors(groups).length === 0).catch(() => {})
  const left = survivors(groups)
  for (const pid of left) process.kill(pid, 'SIGKILL')
  return left
}

/** A started process with everything it has told so far. */
export interface Watched {
  readonly child: RunningProcess
  readonly exited: Promise<ExitStatus>
  /** the peak of its memory as told at exit */
  peak(): number | undefined
  output(): string
}

export interface Start {
  readonly argv: readonly [string, ...string[]]
  readonly cwd?: string
  readonly env?: Record<string, string>
  readonly logFd?: boolean
  /** Called at exit, before `exited` resolves. */
  readonly onExit?: (watched: Watched) => void
}

export const spawn = (
  processes: SystemProcesses,
  { argv, cwd = '/', env = { PATH: searchPath }, logFd = false, onExit }: Start,
): Watched | LaunchFailure => {
  const chunks: Uint8Array[] = []
  let peak: number | undefined
  const { promise: exited, resolve } = Promise.withResolvers<ExitStatus>()
  const child = processes.spawn(
    { name: 'runtime', argv, cwd, env, logFd },
    {
      output: (chunk) => chunks.push(chunk),
      exit(status, peakBytes) {
        peak = peakBytes
        onExit?.(watched as Watched)
        resolve(status)
      },
    },
  )
  if (!('pid' in child)) return child
  const watched: Watched = { child, exited, peak: () => peak, output: () => Buffer.concat(chunks).toString() }
  return watched
}

/** The same for a process that must start. */
export const start = (processes: SystemProcesses, how: Start): Watched => {
  const started = spawn(processes, how)
  if ('child' in started) return started
  throw new Error(started.text)
}
