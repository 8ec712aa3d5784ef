import { expect, test } from 'bun:test'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createProcesses } from '../../../src/process/processes.ts'
import { start } from '../system.ts'

test('a process may have as many open files as on Lambda, and no more than it could: our own limit is ours', async () => {
  const limit = (text: string): string[] => /Max open files\s+(\d+)\s+(\d+)/.exec(text)?.slice(1) ?? []
  using processes = createProcesses()
  const before = limit(readFileSync('/proc/self/limits', 'utf8'))
  const { output, exited } = start(processes, { argv: ['cat', '/proc/self/limits'] })
  expect(limit(readFileSync('/proc/self/limits', 'utf8'))).toEqual(before)
  await exited
  const hard = before[1] as string
  expect(limit(output())).toEqual([String(Math.min(1024, Number(hard))), hard])
})

test('a process has that limit too when our own descriptors leave no room below it', async () => {
  const held = Array.from({ length: 1100 }, () => openSync('/dev/null', 'r'))
  try {
    using processes = createProcesses()
    const { output, exited } = start(processes, {
      // it has the limit a moment after its start
      argv: ['sh', '-c', 'until grep -E "Max open files +1024 " /proc/$$/limits; do sleep 0.01; done'],
    })
    expect(await exited).toEqual({ kind: 'code', code: 0 })
    expect(output()).toMatch(/Max open files\s+1024\s/)
  } finally {
    for (const fd of held) closeSync(fd)
  }
})
