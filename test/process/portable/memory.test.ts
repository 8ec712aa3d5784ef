import { expect, test } from 'bun:test'
import { createProcesses } from '../../../src/process/processes.ts'
import { until } from '../../harness.ts'
import { start } from '../system.ts'

const megabyte = 1024 * 1024
/** Says "ready" when it has touched this many megabytes, and keeps them. */
const holds = (megabytes: number): string =>
  `const held = Buffer.alloc(${megabytes * megabyte}, 1); console.log('ready'); setInterval(() => held, 1e6)`
const env = { PATH: process.env.PATH ?? '', BUN: process.execPath }

test('the first look has a figure at once', async () => {
  using processes = createProcesses({ portable: true })
  const { child, output } = start(processes, { argv: [process.execPath, '-e', holds(100)] })
  await until('it is ready', () => output() === 'ready\n')
  await until('a look has seen it all', () => processes.memory([child]) > 100 * megabyte)
  const other = start(processes, { argv: ['sleep', '1000000'] })
  expect(processes.memory([other.child])).toBeGreaterThan(0)
  expect(processes.memory([other.child])).toBeLessThan(100 * megabyte)
  expect(processes.memory([])).toBe(0)
})

test('children, grandchildren, and orphans of the group count', async () => {
  using processes = createProcesses({ portable: true })
  const one = `"$BUN" -e "${holds(60)}"`
  const { child, output } = start(processes, {
    argv: ['sh', '-c', `${one} & (${one} &); sh -c '(${one.replaceAll("'", `'"'"'`)})'`],
    env,
  })
  await until('three are ready', () => output() === 'ready\n'.repeat(3))
  await until('a look has seen all', () => processes.memory([child]) > 180 * megabyte)
})

test('what is gone has no memory, and its peak is told at its exit', async () => {
  using processes = createProcesses({ portable: true })
  const { child, exited, peak, output } = start(processes, { argv: [process.execPath, '-e', holds(60)] })
  await until('it is ready', () => output() === 'ready\n')
  await until('a look has seen it', () => processes.memory([child]) > 60 * megabyte)
  child.signal('SIGKILL')
  await exited
  expect(peak()).toBeGreaterThan(60 * megabyte)
  await until('a look has not seen it', () => processes.memory([child]) === 0)
})
