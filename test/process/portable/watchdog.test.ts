import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchdogScript } from '../../../src/process/portable/watchdog.ts'
import { createProcesses } from '../../../src/process/processes.ts'
import { stat, until } from '../../harness.ts'
import { fixtureFolder, killedEmulatorLeaves, pids, start, survivors } from '../system.ts'

const emulator = [process.execPath, join(fixtureFolder, 'emulator.ts')] as const

test.each(Array.from({ length: 5 }, (_, i) => i + 1))(
  'an emulator that is killed leaves no process behind (round %d)',
  async () => {
    expect(await killedEmulatorLeaves(emulator, ['portable'])).toEqual([])
  },
)

/** Shells that are children of this process, and in a session of their own, that hold the watchdog's script. */
const watchdogs = (): number[] =>
  pids().filter((pid) => {
    const fields = stat(pid)
    try {
      return (
        fields !== undefined &&
        fields[0] !== 'Z' &&
        Number(fields[1]) === process.pid &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('forget) groups=')
      )
    } catch {
      return false
    }
  })

test('there is one watchdog for all processes, none before the first, and none after the last', async () => {
  await until('those of other tests are gone', () => watchdogs().length === 0)
  {
    using processes = createProcesses({ portable: true })
    expect(watchdogs()).toEqual([])
    start(processes, { argv: ['sleep', '1000000'] })
    start(processes, { argv: ['sleep', '1000000'] })
    await until('it runs', () => watchdogs().length === 1)
    const [pid] = watchdogs() as [number]
    // its own session: a signal to ours from a terminal is none to it
    expect(Number(stat(pid)?.[3])).toBe(pid)
  }
  await until('it has ended', () => watchdogs().length === 0)
})

test('a watchdog that is killed is replaced by one that guards the same groups', async () => {
  const warnings: string[] = []
  using processes = createProcesses({ portable: true, warn: (message) => warnings.push(message) })
  const { child, exited } = start(processes, { argv: ['sleep', '1000000'] })
  const forgotten = start(processes, { argv: ['sleep', '1000000'] })
  forgotten.child.dispose()
  await forgotten.exited
  await until('it runs', () => watchdogs().length === 1)
  const [first] = watchdogs() as [number]
  process.kill(first, 'SIGKILL')
  const [second] = await until('another one runs', () => {
    const found = watchdogs().filter((pid) => pid !== first)
    return found.length === 1 && found
  })
  expect(second).not.toBe(first)
  expect(survivors([child.pid])).toEqual([child.pid])
  expect(warnings).toEqual([])
  child.signal('SIGTERM')
  expect(await exited).toEqual({ kind: 'signal', signal: 'SIGTERM' })
})

test('a watchdog that hears of no group kills nothing', async () => {
  const alive: number[] = []
  {
    using processes = createProcesses({ portable: true })
    const { child, exited } = start(processes, { argv: ['sleep', '1000000'] })
    child.dispose()
    await exited
    await using other = Bun.spawn(['sleep', '1000000'], { detached: true })
    alive.push(other.pid)
    processes[Symbol.dispose]()
    await until('the watchdog has ended', () => watchdogs().length === 0)
    expect(survivors(alive)).toEqual(alive)
  }
})

/** What may be /bin/sh: bash in this way on macOS, dash on Debian, busybox on Alpine. */
const shells = [['bash', '--posix'], ['dash'], ['busybox', 'sh'], ['zsh', '--emulate', 'sh'], ['ksh']].filter(
  ([name = '']) => Bun.which(name) !== null,
)

test.each(shells.map((shell) => [shell.join(' '), shell] as const))(
  '%s kills the groups that were not forgotten, and no other',
  async (_, shell) => {
    const group = () => Bun.spawn(['sh', '-c', 'sleep 1000000 & sleep 1000000'], { detached: true })
    await using first = group()
    await using forgotten = group()
    await using last = group()
    await using never = group()
    const groups = [first.pid, forgotten.pid, last.pid, never.pid]
    try {
      await until('all run', () => groups.every((each) => survivors([each]).length === 3))
      const lines = ['guard 999999999', ...groups.slice(0, 3).map((each) => `guard ${each}`)]
      lines.push(`forget ${forgotten.pid}`, 'forget 999999999', '')
      await using watchdog = Bun.spawn([...shell, '-c', watchdogScript], {
        stdin: Buffer.from(lines.join('\n')),
      })
      await watchdog.exited
      await until('the guarded to be gone', () => survivors([first.pid, last.pid]).length === 0)
      expect(survivors([forgotten.pid])).toHaveLength(3)
      expect(survivors([never.pid])).toHaveLength(3)
    } finally {
      for (const pid of survivors(groups)) process.kill(pid, 'SIGKILL')
    }
  },
)
