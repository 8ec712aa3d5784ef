/** What a person sees on a terminal. */

import { expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { patience, tempDir, until } from './harness.ts'

setDefaultTimeout(4 * patience)

const main = join(import.meta.dir, '../src/main.ts')

/** A screen that is as wide as it needs to be: what is written over is gone. */
class Screen {
  #text = ''
  readonly #decoder = new TextDecoder()

  write(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true })
  }

  get lines(): string[] {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are such characters
    const plain = this.#text.replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, '')
    return plain
      .split('\n')
      .map((line) => line.split('\r').reduce((shown, part) => part + shown.slice(part.length), ''))
  }
}

/** The emulator on a terminal. */
function onTerminal(cwd: string, ...words: string[]) {
  const screen = new Screen()
  const addresses = [
    '--runtime-interface-emulator-address',
    '127.0.0.1:0',
    '--runtime-api-address',
    '127.0.0.1:0',
  ]
  const child = Bun.spawn([process.execPath, '--no-env-file', main, ...addresses, ...words], {
    cwd,
    env: { PATH: process.env.PATH, TERM: 'xterm-256color' },
    terminal: { cols: 400, rows: 60, data: (_, bytes) => screen.write(bytes) },
  })
  const url = () =>
    until('it to say how to call it', () => screen.lines.join('\n').match(/curl -XPOST (\S+)/)?.[1])
  return {
    screen,
    url,
    child,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

/** Writes a record as Lambda's clients do, with carriage returns for its line breaks, and answers. */
const runtime = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while curl -sS -D head -o event "$api/next"; do
  printf 'TypeError: save failed, %s\\r    at save (app.js:12:7)\\r    at handler (app.js:3:9)\\n' "$(cat event)"
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: //Ip' head | tr -d '\\r')
  curl -sS -o answer -d '{}' "$api/$id/response"
done
`

test('every line of a stack trace is there, each below the one before', async () => {
  using folder = tempDir()
  await Bun.write(join(folder.path, 'bootstrap'), runtime)
  chmodSync(join(folder.path, 'bootstrap'), 0o755)
  await using seen = onTerminal(folder.path, './bootstrap')
  const answer = await fetch(await seen.url(), { method: 'POST', body: '{"name":"Ada"}' })
  expect(answer.status).toBe(200)
  await until('REPORT', () => seen.screen.lines.some((line) => line.startsWith('REPORT ')))
  const { lines } = seen.screen
  const first = lines.indexOf('TypeError: save failed, {"name":"Ada"}')
  expect(lines.slice(first, first + 3)).toEqual([
    'TypeError: save failed, {"name":"Ada"}',
    '    at save (app.js:12:7)',
    '    at handler (app.js:3:9)',
  ])
})

test('the log is for people: what runs, where, and how to call it, and no JSON', async () => {
  using folder = tempDir()
  await Bun.write(join(folder.path, 'index.mjs'), "export const handler = async () => 'ok'")
  await using seen = onTerminal(folder.path, '--handler', 'index.handler')
  await seen.url()
  await until('what is served', () => seen.screen.lines.some((line) => line.includes('serving')))
  const text = seen.screen.lines.join('\n')
  expect(text).toContain("INFO: listening: [INFO] (rapid) exec '")
  expect(text).toContain(`(cwd=${folder.path}, handler=index.handler)`)
  expect(text).toContain('Send an event:  curl -XPOST http://localhost:')
  expect(text).not.toContain('{"level"')
})

test('what ends it is a sentence', async () => {
  await using seen = onTerminal('/', '--timeout', 'soon', 'cmd')
  expect(await seen.child.exited).toBe(2)
  await until('the sentence', () => seen.screen.lines.length > 1)
  expect(seen.screen.lines[0]).toBe(
    'aws-lambda-rie: --timeout is "soon"; allowed is a whole number from 1 to 2147483',
  )
})
