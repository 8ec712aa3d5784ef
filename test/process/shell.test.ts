import { expect, test } from 'bun:test'
import { realpathSync } from 'node:fs'
import { runShell } from '../../src/process/shell.ts'
import { tempDir } from '../harness.ts'

test('a line runs in its folder, and both of its streams come in their order', async () => {
  using folder = tempDir()
  const { ended } = runShell('pwd; echo wrong >&2; echo last; exit 3', folder.path)
  expect(await ended).toEqual({ code: 3, output: `${realpathSync(folder.path)}\nwrong\nlast\n` })
})

test('of a long output the end is kept', async () => {
  const { ended } = runShell("head -c 200000 /dev/zero | tr '\\0' x; echo end", '/')
  const { output } = await ended
  expect(output).toHaveLength(65_536)
  expect(output).toEndWith('xxend\n')
})

test('it ends with its shell, though what that has left in the background holds both streams', async () => {
  const run = runShell('sleep 600 & echo built $!', '/')
  const { code, output } = await run.ended
  process.kill(Number(output.split(' ')[1]), 'SIGKILL')
  expect([code, output]).toEqual([0, expect.stringMatching(/^built \d+\n$/)])
})

test('it ends with all that it has started', async () => {
  const run = runShell('sleep 600 & sleep 600', '/')
  run.kill()
  expect((await run.ended).code).not.toBe(0)
})
