import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { createProcesses } from '../../../src/process/processes.ts'
import { fixtureFolder } from '../system.ts'

const expected = { codes: Array.from({ length: 60 }, (_, i) => i), reaped: true }

const run = async (command: readonly string[]): Promise<unknown> => {
  await using reaper = Bun.spawn([...command], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = await reaper.stdout.text()
  expect(await reaper.exited).toBe(0)
  return JSON.parse(output)
}

const fixture = [process.execPath, join(fixtureFolder, 'reaps-orphans.ts')] as const

test('orphans are reaped and no exit status of our own children is lost', async () => {
  expect(await run(fixture)).toEqual(expected)
})

const namespace = ['unshare', '--pid', '--fork', '--mount-proc']
const mayUnshare =
  Bun.which('unshare') !== null && Bun.spawnSync([...namespace, 'true'], { stderr: 'ignore' }).exitCode === 0
if (!mayUnshare) console.log('reap: PID 1 skipped, unshare --pid is not allowed or not installed')

test.skipIf(!mayUnshare)('PID 1 reaps what it inherits', async () => {
  expect(await run([...namespace, ...fixture])).toEqual(expected)
})

test('nothing is reaped where we are not PID 1', () => {
  using processes = createProcesses()
  expect(processes.reapOrphans()).toBe(0)
})
