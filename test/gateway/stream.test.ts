import { describe, expect, test } from 'bun:test'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import type { Outcome } from '../../src/core/failure.ts'
import { invokeWithResponseStream } from '../../src/gateway/stream.ts'
import { encoded } from '../../src/http/collect.ts'
import { FakeExchange, type FakeRequest } from '../http/fake.ts'
import { answer, FakePool, invokeOptions } from './fakes.ts'

const codec = new EventStreamCodec(
  (chunk) => (typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk)),
  (text) => new TextEncoder().encode(text),
)

/** The events as `TYPE: PAYLOAD`. */
function eventsIn(bytes: Uint8Array): string[] {
  const body = Buffer.from(bytes)
  const events: string[] = []
  for (let at = 0; at < body.length; at += body.readUInt32BE(at)) {
    const { headers, body: content } = codec.decode(body.subarray(at, at + body.readUInt32BE(at)))
    events.push(`${headers[':event-type']?.value}: ${new TextDecoder().decode(content)}`)
  }
  return events
}

function ask(request: FakeRequest = {}, pool = new FakePool()) {
  const exchange = new FakeExchange({ body: '{}', ...request })
  invokeWithResponseStream(pool.served, invokeOptions, exchange, 'function')
  return { exchange, pool }
}

/** An invocation that streams these pieces, and comes to this. */
function streamed(
  pieces: readonly string[],
  outcome: Outcome,
  headers: Record<string, string> = {},
  log?: string,
) {
  const pool = new FakePool()
  pool.run = (invocation) => {
    invocation.startedAt = 1
    for (const [at, piece] of pieces.entries()) {
      if (at === 0) invocation.begin?.('text/x')
      invocation.receiver?.write(new TextEncoder().encode(piece))
    }
    answer(invocation, outcome, log ?? null)
  }
  const { exchange } = ask({ headers }, pool)
  const bytes =
    exchange.openStream === null ? exchange.answer?.bytes : Buffer.concat(exchange.openStream.pieces)
  return { exchange, pool, events: eventsIn(bytes ?? new Uint8Array()) }
}

const complete = (text: string, contentType: string | null = null): Outcome => ({
  kind: 'response',
  payload: encoded(text),
  contentType,
})

test('each piece of a stream is an event, and the last one says how it ended', () => {
  const { exchange, pool, events } = streamed(['one', 'two'], complete('', 'text/x'))
  expect(events).toEqual(['PayloadChunk: one', 'PayloadChunk: two', 'InvokeComplete: {}'])
  const { status, headers, ended } = exchange.openStream!
  expect([status, ended]).toEqual([200, 'complete'])
  expect(headers).toEqual([
    ...['Content-Type', 'application/vnd.amazon.eventstream', 'x-amzn-RequestId', pool.first.id],
    ...['X-Amz-Executed-Version', '$LATEST', 'X-Amzn-Remapped-Content-Type', 'text/x'],
    ...['X-Amzn-Trace-Id', expect.stringMatching(/^root=1-/)],
  ])
  expect(pool.first.streams).toBe('chunked')
})

test('a buffered response is one event, however long', () => {
  const long = JSON.stringify('x'.repeat(300_000))
  const { exchange, events } = streamed([], complete(long))
  expect(events).toEqual([`PayloadChunk: ${long}`, 'InvokeComplete: {}'])
  expect(exchange.answer?.header('X-Amzn-Remapped-Content-Type')).toBe('application/json')
  expect(streamed([], complete('', 'text/x')).events).toEqual(['InvokeComplete: {}'])
})

describe('what went wrong stands in the last event', () => {
  const document = '{"errorType":"Fruit","errorMessage":"none"}'
  const cases: readonly [string, Outcome, code: string, details: string | RegExp][] = [
    ['an error', { kind: 'error', payload: encoded(document), errorType: 'Function.X' }, 'Fruit', document],
    [
      'an error without a type of its own',
      { kind: 'error', payload: encoded('"oops"'), errorType: 'Function.X' },
      'Function.X',
      '"oops"',
    ],
    ['an error without any type', { kind: 'error', payload: encoded(''), errorType: null }, 'Unhandled', ''],
    [
      'trailers, whose type is handed on as it is',
      {
        kind: 'broken-stream',
        payload: null,
        contentType: 'text/x',
        errorType: 'Runtime.Unknown',
        sentType: 'my type',
        document: encoded(document),
      },
      'my type',
      document,
    ],
    [
      'an exit',
      { kind: 'fault', fault: { errorType: 'Runtime.ExitError', text: 'gone' } },
      'Runtime.ExitError',
      /Error: gone/,
    ],
    ['a timeout', { kind: 'timeout' }, 'Sandbox.Timedout', /Task timed out after 3.00 seconds/],
    [
      'a response that is too large',
      { kind: 'oversize', bytes: 9 },
      'Function.ResponseSizeTooLarge',
      /\(\d+ bytes\)/,
    ],
  ]
  test.each(cases)('%s', (_, outcome, code, details) => {
    for (const pieces of [[], ['half']]) {
      const { events } = streamed(pieces, outcome)
      const last = events.pop() as string
      expect(events).toEqual(pieces.map((piece) => `PayloadChunk: ${piece}`))
      const end = JSON.parse(last.slice('InvokeComplete: '.length))
      expect(end).toEqual({
        ErrorCode: code,
        ErrorDetails: typeof details === 'string' ? details : expect.stringMatching(details),
      })
    }
  })

  test('a stream has a limit of its own', () => {
    const { events } = streamed(['half'], { kind: 'oversize', bytes: 209_715_201, limit: 209_715_200 })
    expect(events.at(-1)).toContain('(209715200 bytes)')
  })
})

test('the log stands in the last event of who asked for it', () => {
  const { events } = streamed(['one'], complete('', 'text/x'), { 'x-amz-log-type': 'Tail' }, 'START\n')
  expect(events).toEqual(['PayloadChunk: one', `InvokeComplete: {"LogResult":"${btoa('START\n')}"}`])
})

test('what was not run is told by a status', () => {
  for (const [kind, status] of [
    ['throttled', 429],
    ['shutdown', 503],
  ] as const) {
    const pool = new FakePool()
    pool.run = (invocation) => invocation.settle({ kind })
    expect(ask({}, pool).exchange.answer?.status).toBe(status)
  }
  expect(ask({ headers: { 'x-amz-invocation-type': 'DryRun' } }).exchange.answer?.status).toBe(204)
  const event = ask({ headers: { 'x-amz-invocation-type': 'Event' } })
  expect([event.exchange.answer?.status, event.pool.invocations]).toEqual([400, []])
  expect(ask({ body: 'no JSON' }).exchange.answer?.status).toBe(400)
})

test('race: a caller who leaves before the first piece gets none, and nobody waits for it', () => {
  const pool = new FakePool()
  pool.run = () => {}
  const { exchange } = ask({}, pool)
  exchange.leave()
  pool.first.begin?.('text/x')
  expect(pool.first.receiver).toBeNull()
  answer(pool.first, complete('', 'text/x'))
  expect([exchange.answer, exchange.openStream]).toEqual([null, null])
})
