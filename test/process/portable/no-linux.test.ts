/** The fixture in which the emulator believes that the machine is a Mac: what is Linux's own really fails there. */

import { expect, test } from 'bun:test'
import { join } from 'node:path'

const root = join(import.meta.dir, '../../..')

async function said(script: string): Promise<string> {
  const preload = join(root, 'test/fixtures/portable/no-linux.ts')
  const program = Bun.spawn([process.execPath, '--no-env-file', '--preload', preload, '-e', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, error] = await Promise.all([program.stdout.text(), program.stderr.text()])
  return (await program.exited) === 0 ? out.trim() : error
}

test('the processes of Linux cannot be had', async () => {
  expect(await said("(await import('./src/process/linux/libc.ts')).libc()")).toContain(
    'there is no libc.so.6',
  )
})

test('what asks /proc is told that there is nothing', async () => {
  const script = `
    const { rawArguments } = await import('./src/process/raw.ts')
    const { ancestry } = await import('./src/process/linux/ancestors.ts')
    console.log(JSON.stringify([rawArguments(['\\ufffd']), ancestry.look().parentOf(process.pid)]))`
  expect(await said(script)).toBe(JSON.stringify([['\ufffd'], 0]))
})

test('the portable layer is chosen, and works', async () => {
  const script = `
    const { createProcesses } = await import('./src/process/processes.ts')
    using processes = createProcesses()
    const text = []
    const { promise, resolve } = Promise.withResolvers()
    const events = { output: (chunk) => text.push(Buffer.from(chunk).toString()), exit: resolve }
    const spec = { name: 'runtime', argv: ['sh', '-c', 'echo one; echo two >&2; exit 3'], cwd: '/', env: process.env }
    const child = processes.spawn(spec, events)
    const status = await promise
    child.drain()
    console.log(JSON.stringify([status, text.join(''), process.platform]))`
  expect(await said(script)).toBe(JSON.stringify([{ kind: 'code', code: 3 }, 'one\ntwo\n', 'darwin']))
})
