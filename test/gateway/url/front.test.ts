import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../../src/core/failure.ts'
import { maxRequestBytes } from '../../../src/core/limits.ts'
import { parseUrlCors, type UrlCors } from '../../../src/gateway/url/cors.ts'
import { openFunctionUrl } from '../../../src/gateway/url/server.ts'
import { encoded } from '../../../src/http/collect.ts'
import { listen } from '../../../src/http/listen.ts'
import { until } from '../../harness.ts'
import { textOf } from '../../http/fake.ts'
import { bodyOf, type Stand, stand } from '../../http/stand.ts'
import { answer, FakePool } from '../fakes.ts'

const response = (text: string, contentType: string | null = null): Outcome => ({
  kind: 'response',
  payload: encoded(text),
  contentType,
})

interface Setup extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly pool: FakePool
  readonly warnings: { readonly fields: Record<string, unknown>; readonly message: string }[]
  /** the events so far */
  // biome-ignore lint/suspicious/noExplicitAny: they are the function's JSON
  events(): Promise<any[]>
}

function open(
  outcome: Outcome = response('"ok"'),
  cors: UrlCors | null = null,
  invokeMode: 'BUFFERED' | 'RESPONSE_STREAM' = 'BUFFERED',
): Setup {
  const pool = new FakePool()
  pool.run = (invocation) => answer(invocation, outcome)
  const warnings: Setup['warnings'] = []
  const listener = openFunctionUrl(
    pool.served,
    { hostname: '127.0.0.1', port: 0 },
    {
      invokeMode,
      cors,
      region: 'eu-central-1',
      epoch: () => 1_700_000_000_000,
      log: {
        warn: (fields, message) => warnings.push({ fields: fields as Record<string, unknown>, message }),
        error: (fields, message) => {
          throw new Error(`${message}: ${JSON.stringify(fields)}`)
        },
      },
    },
  )
  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    pool,
    warnings,
    events: () => Promise.all(pool.invocations.map(({ payload }) => JSON.parse(textOf(payload)))),
    [Symbol.asyncDispose]: () => listener.stop(),
  }
}

test('every method and path is the function’s, and an invocation with an id', async () => {
  await using setup = open()
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/2015-03-31/functions/function/invocations'],
    ['PUT', '/_rie/health'],
    ['DELETE', '/a%2Fb/../c?x'],
    ['PATCH', '//'],
    ['OPTIONS', '/'],
  ] as const) {
    const answered = await fetch(setup.url + path, { method })
    expect([method, path, answered.status, await answered.text()]).toEqual([method, path, 200, 'ok'])
  }
  const { id, arn, traceId, clientContext, tenant, tail } = setup.pool.first
  const first = await fetch(setup.url)
  expect(first.headers.get('x-amzn-requestid')).toMatch(/^[0-9a-f-]{36}$/)
  expect(first.headers.get('x-amzn-trace-id')).toMatch(
    /^root=1-6553f100-[0-9a-f]{24};parent=[0-9a-f]{16};sampled=0$/,
  )
  expect({ arn, clientContext, tenant, tail }).toEqual({
    arn: 'arn:aws:lambda:eu-central-1:012345678912:function:test_function',
    clientContext: null,
    tenant: null,
    tail: false,
  })
  const [event] = await setup.events()
  expect([event.requestContext.requestId, event.headers['x-amzn-trace-id']]).toEqual([id, traceId])
  expect(event.headers['x-forwarded-port']).toBe(String(setup.port))
})

test('the caller’s trace goes on', async () => {
  await using setup = open()
  const sent = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
  const answered = await fetch(setup.url, { headers: { 'X-Amzn-Trace-Id': sent } })
  expect(setup.pool.first.traceId).toBe(sent)
  expect(answered.headers.get('x-amzn-trace-id')).toBe(
    'root=1-5759e988-bd862e3fe1be46a994272793;parent=53995c3f42cd8ad8;sampled=1',
  )
})

test('the function’s object is the answer', async () => {
  const text = JSON.stringify({
    statusCode: 418,
    headers: { 'Content-Type': 'text/html', 'x-n': 7, 'Content-Length': '99' },
    cookies: ['a=1', 'b=2; HttpOnly'],
    body: Buffer.from('<p>é').toString('base64'),
    isBase64Encoded: true,
  })
  await using setup = open(response(text))
  const answered = await fetch(setup.url)
  expect([answered.status, await answered.text()]).toEqual([418, '<p>é'])
  expect(answered.headers.get('content-type')).toBe('text/html')
  expect(answered.headers.get('content-length')).toBe('5')
  expect(answered.headers.get('x-n')).toBe('7')
  expect(answered.headers.getSetCookie()).toEqual(['a=1', 'b=2; HttpOnly'])
})

describe('what is no answer is 502, and the log says why', () => {
  const cases: readonly [string, Outcome, string | RegExp][] = [
    ['no JSON', response('hello'), "the answer is no JSON: unexpected 'h' at offset 0"],
    ['a wrong status', response('{"statusCode":99}'), /^statusCode is 99;/],
    [
      'an error of the function',
      { kind: 'error', payload: encoded('{"errorType":"E","errorMessage":"no fruit"}'), errorType: 'E' },
      '{"errorType":"E","errorMessage":"no fruit"}',
    ],
    [
      'an exit',
      { kind: 'fault', fault: { errorType: 'Runtime.ExitError', text: 'Runtime exited' } },
      /^\{"errorType":"Runtime.ExitError","errorMessage":"RequestId: .* Error: Runtime exited"\}$/,
    ],
    ['a timeout', { kind: 'timeout' }, /Task timed out after 3.00 seconds/],
    [
      'an answer over the limit',
      { kind: 'oversize', bytes: 7_000_000 },
      /exceeded maximum allowed payload size/,
    ],
    [
      'a stream that failed',
      {
        kind: 'broken-stream',
        payload: encoded('half'),
        contentType: 'text/plain',
        errorType: null,
        document: null,
      },
      /half/,
    ],
  ]
  test.each(cases)('%s', async (_, outcome, reason) => {
    await using setup = open(outcome)
    const answered = await fetch(setup.url)
    expect([answered.status, await answered.text()]).toEqual([502, 'Internal Server Error'])
    expect(answered.headers.get('content-type')).toBe('text/plain')
    expect(answered.headers.get('x-amzn-requestid')).toBe(setup.pool.first.id)
    const [warning, ...more] = setup.warnings
    expect(more).toEqual([])
    expect(warning?.message).toBe('the Function URL answered 502')
    expect(warning?.fields.requestId).toBe(setup.pool.first.id)
    expect(warning?.fields.reason).toEqual(
      typeof reason === 'string' ? reason : expect.stringMatching(reason),
    )
  })
})

test('a full queue is 429, a shutdown 503', async () => {
  for (const [kind, status] of [
    ['throttled', 429],
    ['shutdown', 503],
  ] as const) {
    await using setup = open({ kind })
    const answered = await fetch(setup.url)
    expect(answered.status).toBe(status)
    expect(answered.headers.get('content-type')).toBe('application/json')
    expect(answered.headers.get('x-amzn-requestid')).toBe(setup.pool.first.id)
  }
})

test('a body over the limit is 413, and runs nothing', async () => {
  await using setup = open()
  for (const body of [new Uint8Array(maxRequestBytes + 1), new Uint8Array(maxRequestBytes - 1000)]) {
    const answered = await fetch(setup.url, { method: 'POST', body })
    expect(answered.status).toBe(413)
    expect(answered.headers.get('x-amzn-errortype')).toBe('RequestEntityTooLargeException')
  }
  expect(setup.pool.invocations).toEqual([])
})

describe('with a configuration for other origins', () => {
  const cors = parseUrlCors(
    '{"AllowOrigins":["https://a.example"],"AllowMethods":["POST"],"MaxAge":5}',
  ) as UrlCors
  const preflight = { Origin: 'https://a.example', 'Access-Control-Request-Method': 'POST' }

  test('a preflight is answered, and runs nothing', async () => {
    await using setup = open(response('"ok"'), cors)
    const answered = await fetch(setup.url, { method: 'OPTIONS', headers: preflight })
    expect([answered.status, await answered.text()]).toEqual([200, ''])
    expect(answered.headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(answered.headers.get('access-control-allow-methods')).toBe('POST')
    expect(answered.headers.get('access-control-max-age')).toBe('5')
    expect(setup.pool.invocations).toEqual([])
    await fetch(setup.url, { method: 'OPTIONS' })
    expect(setup.pool.invocations).toHaveLength(1)
  })

  test('every answer has its headers, also one that is none of the function’s', async () => {
    for (const outcome of [
      response('{"statusCode":200,"headers":{"access-control-allow-origin":"*"}}'),
      response('no JSON'),
      { kind: 'throttled' } as const,
    ]) {
      await using setup = open(outcome, cors)
      const answered = await fetch(setup.url, { headers: { Origin: 'https://a.example' } })
      expect(answered.headers.get('access-control-allow-origin')).toBe('https://a.example')
    }
  })
})

test('without one, a preflight is the function’s', async () => {
  await using setup = open(response('{"statusCode":204,"headers":{"access-control-allow-origin":"*"}}'))
  const headers = { Origin: 'https://a.example', 'Access-Control-Request-Method': 'POST' }
  const answered = await fetch(setup.url, { method: 'OPTIONS', headers })
  expect([answered.status, answered.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
})

describe('on the wire', () => {
  /** Sends one request and hands on all that came back, with the connection closed after the answer. */
  async function ask(port: number, text: string): Promise<string> {
    await using other: Stand = stand(listen)
    const peer = await other.connect('127.0.0.1', port)
    peer.send(text)
    await peer.ended()
    return peer.received
  }

  test('HEAD has the headers of the answer, and no body', async () => {
    await using setup = open(response('{"statusCode":200,"body":"hello"}'))
    const text = await ask(setup.port, 'HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toMatch(/content-length: 5\r\n/i)
    expect(bodyOf(text)).toBe('')
    const [event] = await setup.events()
    expect(event.requestContext.http.method).toBe('HEAD')
  })

  test('HTTP/1.0, a chunked body and Expect are understood', async () => {
    await using setup = open()
    expect(await ask(setup.port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 200 [\s\S]*\r\n\r\nok$/)
    const head = 'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\n'
    const chunked = `${head}Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`
    expect(await ask(setup.port, chunked)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    const upgrade = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n'
    expect(await ask(setup.port, upgrade)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    const events = await setup.events()
    expect(events.map(({ requestContext: { http }, body }) => [http.protocol, http.path, body])).toEqual([
      ['HTTP/1.0', '/', undefined],
      ['HTTP/1.1', '/x', 'hello'],
      ['HTTP/1.1', '/ws', undefined],
    ])
    expect(events[2].headers.upgrade).toBe('websocket')
  })

  test('a body that breaks off runs nothing; a caller who leaves later changes nothing', async () => {
    await using setup = open()
    await using other = stand(listen)
    const broken = await other.connect('127.0.0.1', setup.port)
    broken.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf')
    broken.leave()
    setup.pool.run = () => {}
    const leaver = await other.connect('127.0.0.1', setup.port)
    leaver.send('GET /left HTTP/1.1\r\nHost: a\r\n\r\n')
    await until('an invocation', () => setup.pool.invocations[0])
    leaver.leave()
    answer(setup.pool.first, response('"late"'))
    setup.pool.run = (invocation) => answer(invocation, response('"ok"'))
    expect(await (await fetch(`${setup.url}/next`)).text()).toBe('ok')
    const events = await setup.events()
    expect(events.map(({ rawPath }) => rawPath)).toEqual(['/left', '/next'])
  })
})

describe('in the mode RESPONSE_STREAM', () => {
  const prelude = 'application/vnd.awslambda.http-integration-response'
  const zeros = '\0'.repeat(8)

  /** An invocation that streams these pieces, and comes to this. */
  function streaming(
    contentType: string,
    pieces: readonly string[],
    outcome = response('', contentType),
  ): Setup {
    const setup = open(undefined, null, 'RESPONSE_STREAM')
    setup.pool.run = (invocation) => {
      invocation.startedAt = 1
      for (const [at, piece] of pieces.entries()) {
        if (at === 0) invocation.begin?.(contentType)
        invocation.receiver?.write(new TextEncoder().encode(piece))
      }
      answer(invocation, outcome)
    }
    return setup
  }

  test('a stream has the head of its prelude, wherever that is cut', async () => {
    const whole = `{"statusCode":201,"headers":{"x-a":"b"},"cookies":["c=d"]}${zeros}body`
    for (let at = 1; at < whole.length; at += 7) {
      await using setup = streaming(prelude, [whole.slice(0, at), whole.slice(at)])
      const answered = await fetch(setup.url)
      expect([answered.status, await answered.text(), answered.headers.get('x-a')]).toEqual([
        201,
        'body',
        'b',
      ])
      expect(answered.headers.getSetCookie()).toEqual(['c=d'])
    }
  })

  test('a stream without one has the type of the runtime', async () => {
    await using setup = streaming('text/event-stream', ['data: 1', '\n\n'])
    const answered = await fetch(setup.url)
    expect([answered.status, await answered.text()]).toEqual([200, 'data: 1\n\n'])
    expect(answered.headers.get('content-type')).toBe('text/event-stream')
    expect(answered.headers.get('x-amzn-requestid')).toBe(setup.pool.first.id)
  })

  test('a prelude that is none is 502, and what follows is dropped', async () => {
    await using setup = streaming(prelude, ['hello', zeros, 'body', 'more'])
    const answered = await fetch(setup.url)
    expect([answered.status, await answered.text()]).toEqual([502, 'Internal Server Error'])
    expect(setup.warnings.map(({ message }) => message)).toEqual(['the Function URL answered 502'])
  })

  test('a prelude that never ends is 502', async () => {
    await using setup = streaming(prelude, ['{"statusCode":200}'])
    expect((await fetch(setup.url)).status).toBe(502)
  })

  test('a stream that fails ends as if it were complete, and a bad one is told once', async () => {
    const timeout = { kind: 'timeout' } as const
    await using setup = streaming(prelude, [`{}${zeros}half`], timeout)
    const answered = await fetch(setup.url)
    expect([answered.status, await answered.text()]).toEqual([200, 'half'])
    expect(setup.warnings.map(({ message }) => message)).toEqual(['a stream of the Function URL ended early'])
    await using bad = streaming(prelude, [`no${zeros}`], timeout)
    expect((await fetch(bad.url)).status).toBe(502)
    expect(bad.warnings).toHaveLength(1)
  })
})
