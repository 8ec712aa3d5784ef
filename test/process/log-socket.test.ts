import { expect, test } from 'bun:test'
import { existsSync, mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { openLogSocket } from '../../src/process/log-socket.ts'
import { tempDir, until } from '../harness.ts'

async function said(path: string, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(path, () => socket.end(text))
  socket.on('close', () => resolve()).on('error', reject)
  await promise
}

test.each([
  ['short', ''],
  ['too long for a socket', 'l'.repeat(120)],
])('a worker reaches the socket where the path of temporary files is %s', async (_, name) => {
  using temporary = tempDir()
  const folder = join(temporary.path, name)
  mkdirSync(folder, { recursive: true })
  const text: string[] = []
  let ended = 0
  const stream = { push: (chunk: Uint8Array) => text.push(Buffer.from(chunk).toString()), end: () => ended++ }
  let path: string
  {
    using socket = openLogSocket(() => stream, folder)
    path = socket.path
    expect(Buffer.byteLength(path)).toBeLessThan(104)
    expect(path.startsWith(folder)).toBe(name === '')
    await said(path, 'one line\n')
    await until('the line to be there', () => ended === 1)
    expect(text.join('')).toBe('one line\n')
  }
  expect(existsSync(path)).toBe(false)
})
