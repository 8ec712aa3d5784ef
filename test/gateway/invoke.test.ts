import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import { type InvokeSettings, invoke, isGoodType } from '../../src/gateway/invoke.ts'
import { encoded } from '../../src/http/collect.ts'
import { type FakeAnswer, FakeExchange, textOf } from '../http/fake.ts'
import { answer, FakePool, invokeOptions, ok } from './fakes.ts'

const id = '6f9b2e5c-0000-4000-8000-000000000001'
const path = '/2015-03-31/functions/function/invocations'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

interface Sent {
  readonly segment?: string
  readonly query?: string
  readonly body?: string
  readonly headers?: Record<string, string>
  readonly options?: Partial<InvokeSettings>
}

/** Sends one request, and hands on the whole answer. */
async function send(pool: FakePool, sent: Sent = {}) {
  const { segment = 'function', query = '', body = '{}', headers = {}, options = {} } = sent
  const exchange = new FakeExchange({
    target: `${path}${query}`,
    body,
    headers: { 'x-amzn-requestid': id, ...headers },
  })
  invoke(pool.served, { ...invokeOptions, ...options }, exchange, segment)
  return whole(await exchange.answered())
}

/** The whole answer, with the names of its headers in lower case. */
function whole({ status, headers, text }: FakeAnswer) {
  const pairs: [string, string][] = []
  for (let index = 0; index < headers.length; index += 2) {
    pairs.push([(headers[index] as string).toLowerCase(), headers[index + 1] as string])
  }
  return { status, headers: Object.fromEntries(pairs), body: text }
}

const json = { 'content-type': 'application/json' }
const always = { ...json, 'x-amz-executed-version': '$LATEST', 'x-amzn-requestid': id }
const lambda = { options: { dialect: 'lambda' } } as const
const outcome = (pool: FakePool, value: Outcome, tail: string | null = null) => {
  pool.run = (invocation) => answer(invocation, value, tail)
}

describe('what a caller sends becomes an invocation', () => {
  test('with all its facts', async () => {
    const pool = new FakePool()
    await send(pool, {
      body: '{"é": 1}',
      headers: {
        'x-amz-client-context': Buffer.from('{"é":1}').toString('base64'),
        'x-amz-cognito-identity': '{"cognitoIdentityId":"i"}',
        'x-amzn-trace-id': 'Root=x;Parent=y;Sampled=1',
        'x-amz-tenant-id': 'blue',
      },
    })
    const { payload, streams, receiver, ...facts } = pool.first
    expect([streams, receiver]).toEqual(['declared', null])
    expect({ ...facts, payload: textOf(payload) }).toEqual({
      id: id as never,
      payload: '{"é": 1}',
      arn: pool.arn,
      traceId: 'Root=x;Parent=y;Sampled=1',
      clientContext: '{"\\u00e9":1}',
      cognitoIdentity: '{"cognitoIdentityId":"i","cognitoIdentityPoolId":""}',
      tenant: 'blue',
      tail: false,
      startedAt: 1,
      deadline: 0,
      deliveryId: null,
    } as never)
  })

  test('with nothing but its bytes', async () => {
    const pool = new FakePool()
    const exchange = new FakeExchange({ target: path, body: 'not json' })
    invoke(pool.served, invokeOptions, exchange, 'function')
    const sent = (await exchange.answered()).header('x-amzn-requestid')
    expect(sent).toMatch(uuid)
    expect(pool.first).toMatchObject({
      id: sent,
      traceId: expect.stringMatching(/^Root=1-6553f100-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/),
      clientContext: null,
      cognitoIdentity: null,
      tenant: null,
    })
    expect(textOf(pool.first.payload)).toBe('not json')
  })

  test('with an empty object in place of no bytes, in both dialects', async () => {
    for (const dialect of ['rie', 'lambda'] as const) {
      const pool = new FakePool()
      invoke(pool.served, { ...invokeOptions, dialect }, new FakeExchange({ target: path }), 'function')
      await send(pool, { body: '', options: { dialect } })
      expect(pool.invocations.map(({ payload }) => textOf(payload))).toEqual(['{}', '{}'])
    }
  })

  test('with the qualifier in the ARN, and with the version that runs', async () => {
    const rows: [sent: Sent, qualifier: string, version: string][] = [
      [{ segment: 'function:prod' }, 'prod', '12'],
      [{ segment: 'other%3A%24LATEST' }, '$LATEST', '$LATEST'],
      [{ query: '?Qualifier=7' }, '7', '7'],
      [{ segment: 'arn:aws:lambda:us-east-1:999999999999:function:other:live' }, 'live', '12'],
    ]
    for (const [sent, qualifier, version] of rows) {
      const pool = new FakePool()
      pool.version = '12'
      const { headers } = await send(pool, sent)
      expect([pool.first.arn, headers['x-amz-executed-version']]).toEqual([
        `${pool.arn}:${qualifier}`,
        version,
      ])
    }
  })

  test('with a new id when its own is in flight', async () => {
    const pool = new FakePool()
    pool.ids.add(id as never)
    const { headers } = await send(pool)
    expect(headers['x-amzn-requestid']).toMatch(uuid)
    expect(headers['x-amzn-requestid']).not.toBe(id)
  })
})

test('the first of two requests with one id keeps it, whichever came first', async () => {
  const pool = new FakePool()
  pool.run = (invocation) => {
    pool.ids.add(invocation.id)
  }
  const slow = new FakeExchange({ target: path, headers: { 'x-amzn-requestid': id }, end: null })
  invoke(pool.served, invokeOptions, slow, 'function')
  const quick = send(pool)
  expect(pool.invocations).toHaveLength(1)
  slow.reader?.chunk(Buffer.from('"slow"'))
  slow.reader?.end({ kind: 'complete', trailers: [] })
  const [first, second] = pool.invocations
  expect(first?.id).toBe(id as never)
  expect(second?.id).toMatch(uuid)
  expect(second?.id).not.toBe(id as never)
  expect(second?.traceId).not.toBe(first?.traceId as string)
  for (const invocation of pool.invocations) answer(invocation, ok())
  expect((await quick).headers['x-amzn-requestid']).toBe(id)
  expect((await slow.answered()).header('x-amzn-requestid')).toBe(second?.id as string)
})

describe('an outcome becomes the answer', () => {
  test('success', async () => {
    expect(await send(new FakePool())).toEqual({ status: 200, headers: always, body: '"ok"' })
  })

  test('failure, in both dialects', async () => {
    const pool = new FakePool()
    outcome(pool, { kind: 'timeout' })
    const failed = { ...always, 'x-amz-function-error': 'Unhandled' }
    expect(await send(pool)).toEqual({
      status: 200,
      headers: { ...failed, 'content-type': 'text/plain; charset=utf-8' },
      body: 'Task timed out after 3.00 seconds',
    })
    const trace = { 'x-amzn-trace-id': 'Root=1-a;Parent=b;Sampled=1' }
    expect(await send(pool, { headers: { 'amz-sdk-invocation-id': 'x', ...trace } })).toEqual({
      status: 200,
      headers: { ...failed, 'x-amzn-trace-id': 'root=1-a;parent=b;sampled=1' },
      body: `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ${id} Error: Task timed out after 3.00 seconds"}`,
    })
  })

  test('no room', async () => {
    const pool = new FakePool()
    pool.run = (invocation) => invocation.settle({ kind: 'throttled' })
    expect(await send(pool)).toEqual({
      status: 429,
      headers: { ...always, 'x-amzn-errortype': 'TooManyRequestsException', 'retry-after': '1' },
      body: '{"Type":"User","Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}',
    })
  })

  test('a stop before and after it began', async () => {
    const before = new FakePool()
    before.run = (invocation) => invocation.settle({ kind: 'shutdown' })
    const after = new FakePool()
    outcome(after, { kind: 'shutdown' })
    const expected = {
      status: 503,
      headers: { ...always, 'x-amzn-errortype': 'ServiceUnavailableException' },
      body: '{"Type":"Service","Message":"The emulator is shutting down; this invocation was not finished."}',
    }
    expect(await send(before, { headers: { 'x-amz-log-type': 'Tail' } })).toEqual(expected)
    expect(await send(after)).toEqual(expected)
  })

  test('at once, before the invocation is over', async () => {
    const pool = new FakePool()
    pool.run = (invocation) => {
      invocation.startedAt = 1
      invocation.settle({ kind: 'response', payload: encoded('1'), contentType: null })
    }
    expect((await send(pool)).body).toBe('1')
  })
})

describe('the log', () => {
  const tail = { headers: { 'x-amz-log-type': 'Tail' } }

  test('is in the answer of who asked for it', async () => {
    const pool = new FakePool()
    outcome(pool, { kind: 'response', payload: encoded('1'), contentType: null }, 'START é\nEND\n')
    expect(await send(pool, tail)).toEqual({
      status: 200,
      headers: { ...always, 'x-amz-log-result': Buffer.from('START é\nEND\n').toString('base64') },
      body: '1',
    })
    expect(pool.first.tail).toBe(true)
  })

  test('is waited for', async () => {
    const pool = new FakePool()
    pool.run = (invocation) => {
      invocation.startedAt = 1
      invocation.settle({ kind: 'timeout' })
    }
    let answered = false
    const asked = send(pool, tail).then((response) => {
      answered = true
      return response
    })
    while (pool.invocations.length === 0) await Promise.resolve()
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    pool.first.over?.(new Uint8Array(0), {} as never)
    expect((await asked).headers).toMatchObject({
      'x-amz-log-result': '',
      'x-amz-function-error': 'Unhandled',
    })
  })
})

describe('the invocation type', () => {
  test('Event is taken for later with all its facts, and answered at once', async () => {
    const pool = new FakePool()
    const trace = 'Root=1-a;Parent=b;Sampled=1'
    const headers = {
      'x-amz-invocation-type': 'Event',
      'x-amz-log-type': 'Tail',
      'x-amzn-trace-id': trace,
      'x-amz-tenant-id': 'blue',
      'x-amz-client-context': Buffer.from('{"a":1}').toString('base64'),
    }
    expect(await send(pool, { headers, query: '?Qualifier=live', body: '{"b":2}' })).toEqual({
      status: 202,
      headers: { 'x-amzn-requestid': id },
      body: '',
    })
    expect(pool.invocations).toEqual([])
    expect(pool.events.map((event) => ({ ...event, payload: textOf(event.payload) }))).toEqual([
      {
        id: id as never,
        payload: '{"b":2}',
        arn: `${pool.arn}:live`,
        traceId: trace,
        clientContext: '{"a":1}',
        cognitoIdentity: null,
        tenant: 'blue',
      },
    ])
  })

  test('Event is refused if it is not taken, since nobody would ever run it', async () => {
    const pool = new FakePool()
    for (const [acceptance, status, type] of [
      ['full', 429, 'TooManyRequestsException'],
      ['stopping', 503, 'ServiceUnavailableException'],
    ] as const) {
      pool.acceptance = acceptance
      const refused = await send(pool, { headers: { 'x-amz-invocation-type': 'Event' } })
      expect([refused.status, refused.headers['x-amzn-errortype']]).toEqual([status, type])
    }
  })

  test('Event with the id of one that has not ended gets another', async () => {
    const pool = new FakePool()
    pool.ids.add(id as never)
    const { headers } = await send(pool, { headers: { 'x-amz-invocation-type': 'Event' } })
    expect(headers['x-amzn-requestid']).not.toBe(id)
    expect(pool.events.map((event) => event.id as string)).toEqual([headers['x-amzn-requestid'] as string])
  })

  test('Event has the headers of the service for an SDK', async () => {
    const headers = { 'x-amz-invocation-type': 'Event', 'x-amzn-trace-id': 'Root=1-a;Parent=b;Sampled=1' }
    expect(await send(new FakePool(), { headers, ...lambda })).toEqual({
      status: 202,
      headers: { 'x-amzn-requestid': id, 'x-amzn-trace-id': 'root=1-a;sampled=1' },
      body: '',
    })
  })

  test('Event has a limit of its own, at the byte, in both dialects', async () => {
    const limit = 1_048_576
    for (const dialect of ['rie', 'lambda'] as const) {
      const asynchronous = (bytes: number): Sent => {
        const body = `"${'x'.repeat(bytes - 2)}"`
        const headers = { 'x-amz-invocation-type': 'Event', 'content-length': String(bytes) }
        return { body, headers, options: { dialect } }
      }
      const pool = new FakePool()
      expect((await send(pool, asynchronous(limit))).status).toBe(202)
      const refused = await send(pool, asynchronous(limit + 1))
      expect([refused.status, refused.headers['x-amzn-errortype'], refused.body]).toEqual([
        413,
        'RequestEntityTooLargeException',
        '{"Message":"Request must be smaller than 1048576 bytes for the InvokeFunction operation"}',
      ])
      expect(pool.events).toHaveLength(1)
    }
  })

  test('DryRun runs nothing', async () => {
    const pool = new FakePool()
    expect(await send(pool, { headers: { 'x-amz-invocation-type': 'DryRun' } })).toEqual({
      status: 204,
      headers: { 'x-amzn-requestid': id },
      body: '',
    })
    expect(pool.invocations).toEqual([])
  })
})

describe('what is wrong is refused before anything runs', () => {
  const rows: [name: string, sent: Sent, type: string][] = [
    ['a function name', { segment: 'a%20b' }, 'InvalidParameterValueException'],
    ['a qualifier', { query: '?Qualifier=%E6%97%A5' }, 'InvalidParameterValueException'],
    ['an invocation type', { headers: { 'x-amz-invocation-type': 'x' } }, 'InvalidParameterValueException'],
    ['a log type', { headers: { 'x-amz-log-type': 'x' } }, 'InvalidParameterValueException'],
    ['a tenant', { headers: { 'x-amz-tenant-id': 'a,b' } }, 'InvalidParameterValueException'],
    ['a client context', { headers: { 'x-amz-client-context': '%' } }, 'InvalidRequestContentException'],
    ['JSON for an SDK', { body: '{"a":', ...lambda }, 'InvalidRequestContentException'],
    ['a second qualifier', { segment: 'f:a', query: '?Qualifier=b' }, 'InvalidParameterValueException'],
  ]
  test.each(rows)('%s', async (_, sent, type) => {
    const pool = new FakePool()
    const refused = await send(pool, sent)
    expect(refused).toMatchObject({
      status: 400,
      headers: { ...json, 'x-amzn-requestid': id, 'x-amzn-errortype': type },
    })
    expect(Object.keys(JSON.parse(refused.body))).toEqual(['Type', 'message'])
    expect(refused.headers).not.toContainKey('x-amz-executed-version')
    expect(refused.headers).not.toContainKey('x-amz-function-error')
    expect(pool.invocations).toEqual([])
  })

  test('JSON is said to be none in the words of the service, and where', async () => {
    const { body } = await send(new FakePool(), { body: 'oops', ...lambda })
    expect(JSON.parse(body).message).toBe(
      "Could not parse request body into json: Could not parse payload into json: unexpected 'o' at offset 0",
    )
  })
})

describe('a body', () => {
  const limit = 6_291_456

  test('that announces more than the limit is refused unread', async () => {
    const pool = new FakePool()
    const exchange = new FakeExchange({
      target: path,
      headers: { 'content-length': String(limit + 1) },
      end: null,
    })
    invoke(pool.served, invokeOptions, exchange, null)
    expect(exchange.answer?.status).toBe(413)
    expect(exchange.reader).toBe(null)
    expect(pool.invocations).toEqual([])
  })

  test('is handed on in the pieces that came', async () => {
    const pool = new FakePool()
    const pieces = [new Uint8Array(3_000_000), new Uint8Array(limit - 3_000_000)]
    const exchange = new FakeExchange({ target: path, body: pieces })
    invoke(pool.served, invokeOptions, exchange, null)
    expect(pool.first.payload.size).toBe(limit)
    expect(pool.first.payload.chunks[1]).toBe(pieces[1] as Uint8Array)
  })

  test('that breaks off runs nothing', async () => {
    const pool = new FakePool()
    const exchange = new FakeExchange({ target: path, body: '{', end: { kind: 'truncated' } })
    invoke(pool.served, invokeOptions, exchange, null)
    expect(exchange.answer?.status).toBe(400)
    expect(pool.invocations).toEqual([])
  })
})

test('the type of a stream is looked at unless the stream before had the same', () => {
  const types = [
    'text/x',
    'text/x',
    'text/\u2028',
    'text/\u2028',
    'text/x',
    'text/y\r\nSet-Cookie: a=b',
    'text/é',
  ]
  expect(types.map(isGoodType)).toEqual([true, true, false, false, true, false, true])
})
