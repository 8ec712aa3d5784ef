import { describe, expect, test } from 'bun:test'
import { type GatewayOptions, openGateway } from '../../src/gateway/server.ts'
import { fakeLog } from '../engine/fakes.ts'
import { until } from '../harness.ts'
import { connect, exchange } from '../kit/peer.ts'
import { answer, FakePool, invokeOptions, ok } from './fakes.ts'

const path = '/2015-03-31/functions/function/invocations'

function open(pool = new FakePool(), over: Partial<GatewayOptions> = {}) {
  const log = fakeLog()
  const gateway = openGateway(
    { only: pool.served },
    {
      ...invokeOptions,
      hostname: '127.0.0.1',
      port: 0,
      origins: ['http://localhost:3000'],
      log,
      metrics: () => ({ contentType: 'text/plain; version=0.0.4', text: async () => 'a_metric 1\n' }),
      durable: null,
      dashboard: () => '{}',
      ...over,
    },
  )
  return {
    pool,
    log,
    gateway,
    url: `http://127.0.0.1:${gateway.port}`,
    [Symbol.asyncDispose]: () => gateway.stop(),
  }
}

test.each(['localhoGET /nowhere HTTP/1.1', 'a b', '/', ''])(
  "a request for the host '%s' is answered by its path",
  async (host) => {
    await using opened = open()
    using wire = await connect(opened.gateway.port)
    wire.send(`GET /nowhere?a=b&Qualifier=%zz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    expect(await wire.until(/\r\n\r\n/)).toStartWith('HTTP/1.1 404 Not Found\r\n')
  },
)

describe('invocations', () => {
  test('are answered with the headers of the service, in its spelling', async () => {
    await using opened = open()
    const id = '6f9b2e5c-0000-4000-8000-000000000001'
    const { head, body } = await exchange(
      opened.gateway.port,
      [`POST ${path} HTTP/1.1`, `X-Amzn-RequestId: ${id}`, 'Content-Length: 2'],
      '{}',
    )
    expect({ head: head.toSorted(), body }).toEqual({
      head: [
        'Content-Length: 4',
        'Content-Type: application/json',
        'HTTP/1.1 200 OK',
        'X-Amz-Executed-Version: $LATEST',
        `x-amzn-RequestId: ${id}`,
      ],
      body: '"ok"',
    })
  })

  const refused =
    '{"Type":"User","Message":"An invocation is a POST; for example curl -XPOST with -d and a JSON event."}'

  test('are a POST for a signed caller', async () => {
    await using opened = open()
    const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=x' }
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD']) {
      const response = await fetch(opened.url + path, { method, headers })
      expect([method, response.status, response.headers.get('allow'), await response.text()]).toEqual([
        method,
        405,
        'POST',
        method === 'HEAD' ? '' : refused,
      ])
    }
    expect(opened.pool.invocations).toEqual([])
  })

  test('may be a GET, PUT, PATCH or DELETE of another caller, and nothing else', async () => {
    await using opened = open()
    const methods = ['GET', 'PUT', 'PATCH', 'DELETE']
    for (const method of methods) expect((await fetch(opened.url + path, { method })).status).toBe(200)
    expect(opened.pool.invocations).toHaveLength(methods.length)
    for (const method of ['HEAD', 'OPTIONS']) {
      const response = await fetch(opened.url + path, { method })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, GET, PUT, PATCH, DELETE'])
    }
    expect(opened.pool.invocations).toHaveLength(methods.length)
  })

  test('may have any name, and percent signs in it', async () => {
    await using opened = open()
    const name = encodeURIComponent('arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST')
    const response = await fetch(`${opened.url}/2015-03-31/functions/${name}/invocations`, { method: 'POST' })
    expect([response.status, response.headers.get('x-amz-executed-version')]).toEqual([200, '$LATEST'])
  })

  test('go on when their caller goes away', async () => {
    await using opened = open()
    opened.pool.run = () => {}
    using wire = await connect(opened.gateway.port)
    wire.send(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`)
    await until('the invocation', () => opened.pool.invocations.length > 0)
    wire.leave()
    opened.pool.run = (invocation) => answer(invocation, ok())
    answer(opened.pool.first, ok())
    expect((await fetch(opened.url + path, { method: 'POST' })).status).toBe(200)
    expect(opened.log.lines).toEqual([])
  })

  test('that break off run nothing', async () => {
    await using opened = open()
    const wire = await connect(opened.gateway.port)
    wire.send(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{`)
    wire.leave()
    expect((await fetch(opened.url + path, { method: 'POST', body: '"after"' })).status).toBe(200)
    expect(opened.pool.invocations).toHaveLength(1)
  })

  test('one byte over the limit are refused, in both framings', async () => {
    await using opened = open()
    const streamed = new ReadableStream({
      start(controller) {
        for (let count = 0; count < 6; count++) controller.enqueue(new Uint8Array(1_048_576))
        controller.enqueue(new Uint8Array(1))
        controller.close()
      },
    })
    for (const body of [new Uint8Array(6_291_457), streamed]) {
      const response = await fetch(opened.url + path, { method: 'POST', body })
      expect([response.status, response.headers.get('x-amzn-errortype'), await response.text()]).toEqual([
        413,
        'RequestEntityTooLargeException',
        '{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}',
      ])
    }
    expect(opened.pool.invocations).toEqual([])
    const fits = await fetch(opened.url + path, { method: 'POST', body: new Uint8Array(6_291_456) })
    expect([fits.status, opened.pool.first.payload.size]).toEqual([200, 6_291_456])
  })
})

describe('the listener', () => {
  test('takes no address twice', async () => {
    await using opened = open()
    const { port } = opened.gateway
    expect(() => open(new FakePool(), { port })).toThrow(`Is port ${port} in use?`)
  })

  test('that was closed takes nobody, and still answers who waits', async () => {
    await using opened = open()
    opened.pool.run = () => {}
    const waits = fetch(opened.url + path, { method: 'POST' })
    await until('the invocation', () => opened.pool.invocations.length > 0)
    opened.gateway.close()
    await until('the address to be free', () =>
      fetch(`${opened.url}/_rie/ready`, { keepalive: false }).then(
        () => false,
        () => true,
      ),
    )
    answer(opened.pool.first, ok())
    expect(await (await waits).text()).toBe('"ok"')
  })

  test('answers, and logs, what fails in the emulator itself', async () => {
    await using opened = open()
    opened.pool.has = () => {
      throw new Error('a bug')
    }
    const headers = { 'x-amzn-requestid': '6f9b2e5c-0000-4000-8000-000000000001' }
    const response = await fetch(opened.url + path, { method: 'POST', headers })
    expect([response.status, await response.text()]).toEqual([
      500,
      '{"Type":"Service","Message":"The emulator failed to handle this request; its log says why."}',
    ])
    expect(opened.log.lines).toEqual([
      {
        level: 'error',
        fields: { error: 'Error: a bug' },
        message: 'a request failed in the emulator',
      },
    ])
  })

  test('answers, and logs, what fails in a route of its own', async () => {
    await using opened = open()
    opened.pool.snapshot = () => {
      throw new Error('a bug')
    }
    const response = await fetch(`${opened.url}/_rie/health`)
    expect([response.status, await response.text()]).toEqual([
      500,
      '{"Type":"Service","Message":"The emulator failed to handle this request; its log says why."}',
    ])
    expect(opened.log.lines).toEqual([
      { level: 'error', fields: { error: 'Error: a bug' }, message: 'a request failed in the emulator' },
    ])
  })

  test('says what to send instead of what it does not serve', async () => {
    await using opened = open()
    for (const [method, where] of [
      ['GET', '/'],
      ['POST', '/2015-03-31/functions/function/invocations/'],
      ['GET', '/2014-11-13/functions/f/invoke-async/'],
      ['POST', '/2014-11-13/functions/invoke-async/'],
    ] as const) {
      const response = await fetch(opened.url + where, { method })
      expect([response.status, await response.text()]).toEqual([
        404,
        `{"Type":"User","Message":"${method} ${where} is not served; invoke with POST /2015-03-31/functions/function/invocations"}`,
      ])
    }
  })
})

test('a page of a named origin may invoke and read, and one of another runs nothing', async () => {
  await using setup = open()
  const post = (origin: string) =>
    fetch(setup.url + path, { method: 'POST', body: '{}', headers: { origin } })
  const named = await post('http://localhost:3000')
  expect([named.status, named.headers.get('access-control-allow-origin')]).toEqual([
    200,
    'http://localhost:3000',
  ])
  const own = await post(setup.url)
  expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, null])
  const foreign = await post('https://page.example')
  expect([foreign.status, foreign.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException'])
  expect(await foreign.text()).toContain('--cors https://page.example lets this one')
  const link = await fetch(`${setup.url}/_rie/health`, { headers: { 'sec-fetch-site': 'cross-site' } })
  expect([link.status, await link.text()]).toEqual([
    403,
    expect.stringContaining('open the address yourself, not by a link'),
  ])
  const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' }
  const preflight = await fetch(setup.url + path, { method: 'OPTIONS', headers })
  expect([preflight.status, preflight.headers.get('access-control-max-age')]).toEqual([204, '600'])
  const health = await fetch(`${setup.url}/_rie/health`, { headers: { origin: 'http://localhost:3000' } })
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok', queued: 0, environments: [] }])
  expect(health.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
  expect(setup.pool.invocations).toHaveLength(2)
})
