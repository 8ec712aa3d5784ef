import { expect, setDefaultTimeout, test } from 'bun:test'
import { join } from 'node:path'

setDefaultTimeout(120_000)

test('an event to each misbehaving destination ends once, in a record or in the log', async () => {
  const run = join(import.meta.dir, 'run.ts')
  const child = Bun.spawn(
    [process.execPath, '--no-env-file', run, 'events', '--faults', '8', '--seed', '3'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [out, code] = await Promise.all([child.stdout.text(), child.exited, child.stderr.text()])
  expect(out).toEndWith('8 passed, 0 failed\n')
  expect(code).toBe(0)
})
