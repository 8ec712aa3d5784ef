import { expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProcesses } from '../../../src/process/processes.ts'
import { stat, until } from '../../harness.ts'
import { descriptors, fixtureFolder, start } from '../system.ts'

const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024

const megabyte = 1024 * 1024
/** Says "ready" when it has touched this many megabytes, and keeps them. */
const holds = (megabytes: number): string =>
  `const held = Buffer.alloc(${megabytes * megabyte}, 1); console.log('ready'); setInterval(() => held, 1e6)`

test('the memory of one process is its peak', async () => {
  using processes = createProcesses()
  const { child, output } = start(processes, { argv: [process.execPath, '-e', holds(100)] })
  await until('it is ready', () => output() === 'ready\n')
  await until('both agree', () => processes.memory([child]) === peakOf(child.pid))
  expect(processes.memory([child])).toBeGreaterThan(100 * megabyte)
})

test('children, grandchildren and orphans count', async () => {
  using processes = createProcesses()
  const one = `"$BUN" -e "${holds(60)}"`
  const { child, output } = start(processes, {
    argv: ['sh', '-c', `${one} & (${one} &); sh -c '(${one.replaceAll("'", `'"'"'`)})'`],
    env: { PATH: process.env.PATH ?? '', BUN: process.execPath },
  })
  await until('three are ready', () => output() === 'ready\n'.repeat(3))
  expect(processes.memory([child])).toBeGreaterThan(180 * megabyte)
  expect(processes.memory([])).toBe(0)
})

test('a descendant in a session of its own counts', async () => {
  using processes = createProcesses()
  const { child, output } = start(processes, {
    argv: ['sh', '-c', `setsid "$BUN" -e "${holds(60)}" & wait`],
    env: { PATH: process.env.PATH ?? '', BUN: process.execPath },
  })
  await until('it is ready', () => output() === 'ready\n')
  expect(processes.memory([child])).toBeGreaterThan(60 * megabyte)
  // Not in our group, so not ours to kill: end it through its parent's list.
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim().split(' ')
  for (const pid of children) process.kill(Number(pid), 'SIGKILL')
})

test('a process that was started after the last look counts', async () => {
  using processes = createProcesses()
  const { child, output } = start(processes, {
    argv: ['sh', '-c', `echo first; "$BUN" -e "${holds(60)}" & wait`],
    env: { PATH: process.env.PATH ?? '', BUN: process.execPath },
  })
  await until('the first is there', () => output().startsWith('first\n'))
  const before = processes.memory([child])
  expect(before).toBeGreaterThan(0)
  await until('the second is ready', () => output() === 'first\nready\n')
  expect(processes.memory([child])).toBeGreaterThan(60 * megabyte)
})

test('memory that was taken and given back between two looks counts', async () => {
  using processes = createProcesses()
  const { child, output } = start(processes, {
    argv: [process.execPath, join(fixtureFolder, 'gives-memory-back.ts'), String(120 * megabyte)],
  })
  await until('it is ready', () => output() === 'ready\n')
  expect(processes.memory([child])).toBeLessThan(120 * megabyte)
  process.kill(child.pid, 'SIGUSR2')
  await until('it has given back', () => output() === 'ready\ndone\n')
  expect(processes.memory([child])).toBeGreaterThan(120 * megabyte)
})

test('two environments are measured apart', async () => {
  using processes = createProcesses()
  const large = start(processes, { argv: [process.execPath, '-e', holds(150)] })
  const small = start(processes, { argv: [process.execPath, '-e', holds(1)] })
  await until('both are ready', () => large.output() === 'ready\n' && small.output() === 'ready\n')
  const sizes = [processes.memory([large.child]), processes.memory([small.child])]
  expect(sizes[0]).toBeGreaterThan(150 * megabyte)
  expect(sizes[1]).toBeLessThan(150 * megabyte)
  expect(processes.memory([large.child, small.child])).toBeGreaterThanOrEqual(
    (sizes[0] ?? 0) + (sizes[1] ?? 0),
  )
})

test('of several environments each sees by its second look what it has started, whoever looks between', async () => {
  using processes = createProcesses()
  const other = start(processes, { argv: [process.execPath, '-e', holds(1)] })
  const { child, output } = start(processes, {
    argv: ['sh', '-c', `echo first; "$BUN" -e "${holds(60)}" & wait`],
    env: { PATH: process.env.PATH ?? '', BUN: process.execPath },
  })
  await until('the first are there', () => output().startsWith('first\n') && other.output() === 'ready\n')
  for (const one of [child, other.child]) expect(processes.memory([one])).toBeGreaterThan(0)
  await until('the second is ready', () => output() === 'first\nready\n')
  const looks = [child, other.child, child].map((one) => processes.memory([one]))
  expect(looks[2]).toBeGreaterThan(60 * megabyte)
})

test('the peak of a process that has ended is its own, however large the emulator is', async () => {
  const ballast = Buffer.alloc(200 * megabyte, 1)
  using processes = createProcesses()
  const quick = start(processes, { argv: ['sh', '-c', 'exit 5'] })
  const seen = start(processes, { argv: ['sh', '-c', 'kill -STOP $$; exit 5'] })
  await until('it has stopped', () => stat(seen.child.pid)?.[0] === 'T')
  expect(processes.memory([seen.child])).toBeGreaterThan(0)
  process.kill(seen.child.pid, 'SIGCONT')
  await Promise.all([quick.exited, seen.exited])
  expect(ballast.length).toBe(200 * megabyte)
  expect(seen.peak()).toBeGreaterThan(0)
  for (const { peak } of [quick, seen]) expect(peak()).toBeLessThan(20 * megabyte)
})

test('the peak of a process that was larger than the emulator is the kernel figure', async () => {
  const own = process.resourceUsage().maxRSS * 1024
  using processes = createProcesses()
  const script = `Buffer.alloc(${own + 100 * megabyte}, 1); process.exit(3)`
  const { exited, peak } = start(processes, { argv: [process.execPath, '-e', script] })
  await exited
  expect(peak()).toBeGreaterThan(own + 100 * megabyte)
})

test('what is gone has no memory', async () => {
  using processes = createProcesses()
  // what all looks share stays open
  const first = start(processes, { argv: ['true'] })
  processes.memory([first.child])
  await first.exited
  first.child.dispose()
  const before = descriptors()
  const { child, exited } = start(processes, { argv: ['sleep', '1000000'] })
  expect(processes.memory([child])).toBeGreaterThan(0)
  child.signal('SIGKILL')
  await exited
  expect(processes.memory([child])).toBe(0)
  child.dispose()
  expect(processes.memory([child])).toBe(0)
  await until('all descriptors are closed', () => descriptors() <= before)
})

test('of a process that is known is told also while no descriptor is left, and of all that are new afterwards', async () => {
  const source = join(import.meta.dir, '../../../src/process/linux/memory.ts')
  const program = `
    import { closeSync, openSync } from 'node:fs'
    import { createMemoryMeter } from ${JSON.stringify(source)}
    using meter = createMemoryMeter()
    meter.watch(process.pid)
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null', 'r')) } catch {}
    const without = meter.peak([process.pid])
    for (const fd of taken) closeSync(fd)
    const child = Bun.spawn(['sleep', '600'])
    const own = meter.peak([process.pid])
    console.log(JSON.stringify([taken.length > 0, without > 1e6, own > without]))
    child.kill('SIGKILL')
    process.exit()`
  const child = Bun.spawn(['sh', '-c', 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, program])
  expect(await child.stdout.text()).toBe('[true,true,true]\n')
})
