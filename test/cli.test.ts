/** The emulator as a program, where the contract cannot play it. */

import { expect, test } from 'bun:test'
import { join } from 'node:path'

test('on Windows it says where it runs, and ends with exit code 2', async () => {
  const main = join(import.meta.dir, '../src/cli.ts')
  const script = `
    Object.defineProperty(process, 'platform', { value: 'win32' })
    const { main } = await import(${JSON.stringify(main)})
    process.exit(await main(['sleep', '1000'], {}))`
  const program = Bun.spawn([process.execPath, '--no-env-file', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(await program.exited).toBe(2)
  expect(await program.stderr.text()).toContain('run this in WSL')
})
