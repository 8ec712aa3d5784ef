import { describe, expect, test } from 'bun:test'
import type { Verdict } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import { type JsonLogOptions, jsonLog } from '../../src/telemetry/json-log.ts'
import { bytesOf } from '../../src/telemetry/sink.ts'
import { FakeClock } from '../engine/fakes.ts'
import { flaw } from './schemas.ts'

const id = '6d68ca91-49c9-448d-89b8-7ca3e6dc66aa' as RequestId
const facts = {
  managed: false,
  functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:test_function',
  functionName: 'greet',
  functionVersion: '$LATEST',
  memorySizeMb: 128,
  instanceId: '$LATEST',
  initializationType: 'on-demand',
}
const success: Verdict = { status: 'success', errorType: null }
const failure: Verdict = { status: 'error', errorType: 'Runtime.ExitError' }
const at = 1000

/** One event of each type, which ended well or did not. */
const events = (verdict: Verdict): PlatformEvent[] => [
  { type: 'initStart', at, phase: 'init' },
  { type: 'initRuntimeDone', at, phase: 'init', verdict },
  { type: 'extension', at, name: 'watch', state: verdict === success ? 'Ready' : 'InitError', events: [] },
  { type: 'initReport', at, phase: 'init', verdict, durationMs: 5 },
  { type: 'subscribed', at, api: 'telemetry', name: 'watch', types: ['platform'] },
  { type: 'start', at, id, traceId: '' },
  { type: 'answered', at, id, outcome: { kind: 'timeout' }, durationMs: 1 },
  {
    type: 'runtimeDone',
    at,
    id,
    traceId: '',
    verdict,
    durationMs: 1,
    producedBytes: null,
    respondingAt: null,
    respondedAt: null,
  },
  {
    type: 'report',
    at,
    id,
    traceId: '',
    verdict,
    durationMs: 1,
    initMs: null,
    memoryBytes: 0,
    runtimeDoneAt: at,
    respondingAt: null,
    respondedAt: null,
  },
  { type: 'shutdown', at, reason: 'spindown' },
]

function write(all: readonly PlatformEvent[], over: Partial<JsonLogOptions> = {}): string {
  let text = ''
  const listener = jsonLog({
    facts,
    clock: new FakeClock(),
    applicationLevel: 'INFO',
    systemLevel: 'INFO',
    write: (lines) => {
      text += new TextDecoder().decode(bytesOf(lines))
    },
    ...over,
  })
  for (const event of all) listener(event)
  return text
}

const types = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).type.slice('platform.'.length))

describe('platform events are written by their level', () => {
  test('INFO, the default', () => {
    expect(types(write(events(success)))).toEqual(['extension', 'telemetrySubscription', 'start', 'report'])
    expect(types(write(events(failure)))).toEqual([
      'initRuntimeDone',
      'extension',
      'initReport',
      'telemetrySubscription',
      'start',
      'runtimeDone',
      'report',
    ])
  })

  test('DEBUG', () => {
    expect(types(write(events(success), { systemLevel: 'DEBUG' }))).toEqual([
      'initStart',
      'initRuntimeDone',
      'extension',
      'initReport',
      'telemetrySubscription',
      'start',
      'runtimeDone',
      'report',
    ])
  })

  test('WARN', () => {
    expect(write(events(success), { systemLevel: 'WARN' })).toBe('')
    expect(types(write(events(failure), { systemLevel: 'WARN' }))).toEqual([
      'initRuntimeDone',
      'extension',
      'initReport',
      'runtimeDone',
      'report',
    ])
  })

  test('an init that is not on demand is told at INFO', () => {
    const text = write(events(success), { facts: { ...facts, initializationType: 'snap-start' } })
    expect(types(text)).toContain('initReport')
  })
})

test('each line is a record of the latest schema', () => {
  for (const verdict of [success, failure]) {
    for (const line of write(events(verdict), { systemLevel: 'DEBUG' }).split('\n').slice(0, -1)) {
      expect(flaw('telemetry 2025-01-29', JSON.parse(line))).toBeNull()
    }
  }
})

test('a subscription to the Logs API has its own name', () => {
  expect(types(write([{ type: 'subscribed', at, api: 'logs', name: 'watch', types: ['platform'] }]))).toEqual(
    ['logsSubscription'],
  )
})

describe('lines of the function', () => {
  const wrote = (text: string, over: object = {}): PlatformEvent =>
    ({
      type: 'log',
      at,
      process: 'runtime',
      bytes: new TextEncoder().encode(text),
      recordedAt: null,
      ...over,
    }) as PlatformEvent
  const lines = [
    'plain text\n',
    '{"level":"TRACE","n":1}\n',
    '{"level":"debug"}\n',
    '{"message":"none"}\n',
    '{"level":"odd"}\n',
    '{"level":"INFO"}\n',
    '{"level":"WARN"}\n',
    '{"level":"ERROR"}\n',
    '{"level":"FATAL"}\n',
    '{"level":7}\n',
    '{"broken\n',
    '[1]\n',
  ]
  const written = (applicationLevel: JsonLogOptions['applicationLevel']) =>
    write([wrote(lines.join(''))], { applicationLevel })

  test('pass as they are with TRACE', () => expect(written('TRACE')).toBe(lines.join('')))

  test('that are objects of a lower level are left out; without a known level they count as INFO', () => {
    const without = (...left: string[]): string => lines.filter((line) => !left.includes(line)).join('')
    const [, trace, debug, none, odd, info, warn, error, , seven] = lines as string[]
    expect(written('DEBUG')).toBe(without(trace as string))
    expect(written('INFO')).toBe(without(trace as string, debug as string))
    const infos = [trace, debug, none, odd, info, seven] as string[]
    expect(written('WARN')).toBe(without(...infos))
    // the names that Python's loggers have for two of them
    const python = ['{"level":"WARNING"}\n', '{"level":"CRITICAL"}\n']
    expect(write([wrote(python.join(''))], { applicationLevel: 'WARN' })).toBe(python.join(''))
    expect(write([wrote(python.join(''))], { applicationLevel: 'FATAL' })).toBe(python[1] as string)
    expect(written('FATAL')).toBe(without(...infos, warn as string, error as string))
  })

  test('of a logger are whole, and end in a newline', () => {
    const record = wrote('{\n "level": "WARN"\n}', { recordedAt: 5 })
    expect(write([record])).toBe('{\n "level": "WARN"\n}\n')
    expect(write([record], { applicationLevel: 'ERROR' })).toBe('')
  })

  test('of extensions pass as they are', () => {
    expect(write([wrote('{"level":"TRACE"}\n', { process: 'extension:watch' })])).toBe('{"level":"TRACE"}\n')
  })
})
