import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchdogScript } from '../../../src/process/portable/watchdog.ts'
import { createProcesses } from '../../../src/process/processes.ts'
import { stat, until } from '../../harness.ts'
import { fixtureFolder, killedEmulatorLeaves, pids, shells, start, survivors } from '../system.ts'

const emulator = [process.execPath, join(fixtureFolder, 'emulator.ts')] as const

test.each(Array.from({ length: 5 }, (_, i) => i + 1))(
  'an emulator that is killed leaves no process behind (round %d)',
  async () => {
    expect(await killedEmulatorLeaves(emulator, ['portable'])).toEqual([])
  },
)

test.each(Array.from({ length: 5 }, (_, i) => i + 1))(
  'an emulator that is killed in a start, before it has the number of the process, leaves nothing behind (round %d)',
  async () => {
    await using dies = Bun.spawn([process.execPath, join(fixtureFolder, 'dies-in-a-start.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const group = Number(await dies.stdout.text())
    expect(group).toBeGreaterThan(1)
    await dies.exited
    expect(dies.signalCode).toBe('SIGKILL')
    try {
      await until('the group is gone', () => survivors([group]).length === 0)
    } finally {
      for (const pid of survivors([group])) process.kill(pid, 'SIGKILL')
    }
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

test('a process that starts when the watchdog has just been killed is as it would be', async () => {
  using processes = createProcesses({ portable: true })
  start(processes, { argv: ['sleep', '1000000'] })
  await until('it runs', () => watchdogs().length === 1)
  const [pid] = watchdogs() as [number]
  process.kill(pid, 'SIGKILL')
  // nobody else has the reading end, so that what is written to it fails; nothing has told the emulator of that yet
  for (let state = stat(pid)?.[0]; state !== undefined && state !== 'Z'; ) state = stat(pid)?.[0]
  const { output, exited } = start(processes, { argv: ['grep', 'SigIgn', '/proc/self/status'] })
  expect(await exited).toEqual({ kind: 'code', code: 0 })
  expect(output()).toBe('SigIgn:\t0000000000000000\n')
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

const untold = [
  ['which the emulator was about to tell', ['start 1', 'born 1 GROUP'], 'is killed'],
  ['of a start after one that failed', ['start 1', 'start 2', 'born 2 GROUP'], 'is killed'],
  [
    'beside one of the start before, told late',
    ['start 1', 'guard 999999999', 'start 2', 'born 2 GROUP', 'born 1 999999998'],
    'is killed',
  ],
  ['told after the emulator has told it', ['start 1', 'guard GROUP', 'born 1 GROUP'], 'is killed'],
  [
    'told before the emulator has told it, and forgotten',
    ['start 1', 'born 1 GROUP', 'guard GROUP', 'forget GROUP'],
    'goes on',
  ],
  ['told after it was forgotten', ['start 1', 'guard GROUP', 'forget GROUP', 'born 1 GROUP'], 'goes on'],
  [
    'told after it was forgotten and another start began',
    ['start 1', 'guard GROUP', 'forget GROUP', 'start 2', 'born 1 GROUP'],
    'goes on',
  ],
] as const

test.each(shells.flatMap((shell) => untold.map((row) => [shell.join(' '), ...row, shell] as const)))(
  '%s hears of a group by its process: %s',
  async (_, __, lines, end, shell) => {
    await using leader = Bun.spawn(['cat'], { stdin: 'pipe', stdout: 'pipe', detached: true })
    const told = lines.map((line) => `${line.replace('GROUP', String(leader.pid))}\n`).join('')
    await using watchdog = Bun.spawn([...shell, '-c', watchdogScript], { stdin: Buffer.from(told) })
    await watchdog.exited
    if (end === 'goes on') {
      // whoever has been killed answers no more
      leader.stdin.write('alive')
      leader.stdin.end()
      expect(await leader.stdout.text()).toBe('alive')
    } else {
      await leader.exited
      expect(leader.signalCode).toBe('SIGKILL')
    }
  },
)
