/** The Function URL: what becomes of a request. */
import { expect } from 'bun:test'
import { type Answer, bytes, type Request, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import type { Options } from './launch.ts'

export const site: Options = { flags: ['--function-url-address', '127.0.0.1:0'] }

/** The event that a request becomes, and the answer that the caller got to `body`. */
export async function visited(
  rie: Emulator,
  path: string,
  what: Omit<Request, 'path'> = {},
  body = '"done"',
  // biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
): Promise<{ readonly event: any; readonly answer: Answer; readonly delivered: Answer }> {
  const call = rie.visit(path, what)
  const delivered = await rie.reply(body)
  return { event: delivered.json, answer: await call, delivered }
}

const maxRequest = 6 * 1024 * 1024

export const functionUrl = chapter('Function URL: requests', (it) => {
  it('makes an event of payload 2.0 of a request', async ({ start }) => {
    await using rie = await start({ ...site, env: { AWS_REGION: 'eu-west-3' } })
    const before = Date.now()
    const headers = { 'User-Agent': 'browser/1', 'Content-Type': 'text/plain', Cookie: 'a=1; b=2' }
    const { event, answer, delivered } = await visited(rie, '/a/b?x=1&x=2&y', {
      method: 'POST',
      headers,
      body: 'hello',
    })
    const { domainPrefix, timeEpoch, time } = event.requestContext
    expect(domainPrefix).toMatch(/^[a-z0-9]{32}$/)
    expect(timeEpoch).toBeGreaterThanOrEqual(before)
    expect(timeEpoch).toBeLessThanOrEqual(Date.now())
    const parts = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) \+0000$/.exec(time)
    const [, day, month, year, clock] = parts ?? []
    expect(Date.parse(`${day} ${month} ${year} ${clock} GMT`)).toBe(Math.floor(timeEpoch / 1000) * 1000)
    expect(event).toEqual({
      version: '2.0',
      routeKey: '$default',
      rawPath: '/a/b',
      rawQueryString: 'x=1&x=2&y',
      cookies: ['a=1', 'b=2'],
      headers: {
        host: `127.0.0.1:${rie.site.port}`,
        'user-agent': 'browser/1',
        'content-type': 'text/plain',
        'content-length': '5',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': String(rie.site.port),
        'x-forwarded-proto': 'http',
        'x-amzn-trace-id': delivered.header('Lambda-Runtime-Trace-Id'),
      },
      queryStringParameters: { x: '1,2', y: '' },
      requestContext: {
        accountId: 'anonymous',
        apiId: domainPrefix,
        domainName: `${domainPrefix}.lambda-url.eu-west-3.on.aws`,
        domainPrefix,
        http: {
          method: 'POST',
          path: '/a/b',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'browser/1',
        },
        requestId: answer.header('x-amzn-RequestId'),
        routeKey: '$default',
        stage: '$default',
        time,
        timeEpoch,
      },
      body: 'hello',
      isBase64Encoded: false,
    })
  })

  it('leaves out of the event what the request does not have', async ({ start }) => {
    await using rie = await start(site)
    const { event } = await visited(rie, '/')
    for (const name of ['cookies', 'queryStringParameters', 'body']) expect(event).not.toHaveProperty(name)
    expect([event.rawPath, event.rawQueryString, event.isBase64Encoded]).toEqual(['/', '', false])
  })

  it('has one made-up id for all requests, also in the next run', async ({ start }) => {
    await using rie = await start(site)
    await using other = await start(site)
    const ids = []
    for (const each of [rie, rie, other]) {
      const { event } = await visited(each, '/')
      ids.push(event.requestContext.apiId)
    }
    expect(new Set(ids).size).toBe(1)
  })

  it('hands path and query on as they were sent', async ({ start }) => {
    await using rie = await start(site)
    for (const [path, rawPath, rawQueryString] of [
      ['/pa2%Fth/1?%zz=%', '/pa2%Fth/1', '%zz=%'],
      ['//a/../b//?a?b', '//a/../b//', 'a?b'],
      ['/2015-03-31/functions/function/invocations', '/2015-03-31/functions/function/invocations', ''],
      ['/_rie/health', '/_rie/health', ''],
    ] as const) {
      const { event } = await visited(rie, path)
      expect([event.rawPath, event.rawQueryString]).toEqual([rawPath, rawQueryString])
    }
  })

  it('decodes the parameters of the query', async ({ start }) => {
    await using rie = await start(site)
    const { event } = await visited(rie, '/?a+b=c+%26&bare&%C3%A9=%F0%9F%98%80&n=1&n=2&bad=%zz')
    expect(event.queryStringParameters).toEqual({
      'a b': 'c &',
      bare: '',
      é: '😀',
      n: '1,2',
      bad: '%zz',
    })
  })

  it('joins the values of a header, and takes the cookies out of them', async ({ start }) => {
    await using rie = await start(site)
    using wire = await Wire.open(rie.site)
    wire.send(
      'GET / HTTP/1.1\r\nHost: example.org\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=1\r\nCookie: b=2; c\r\n\r\n',
    )
    const event = (await rie.reply()).json
    expect([event.headers['x-a'], event.headers.host]).toEqual(['1,2', 'example.org'])
    expect([event.cookies, event.headers.cookie]).toEqual([['a=1', 'b=2', 'c'], undefined])
    expect((await wire.answer()).status).toBe(200)
  })

  it('adds itself to the proxies that a request came through', async ({ start }) => {
    await using rie = await start(site)
    const headers = {
      'X-Forwarded-For': '192.0.2.7',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
    }
    const { event } = await visited(rie, '/', { headers })
    expect(event.headers['x-forwarded-for']).toBe('192.0.2.7, 127.0.0.1')
    expect(event.headers['x-forwarded-proto']).toBe('http')
    expect(event.headers['x-forwarded-port']).toBe(String(rie.site.port))
  })

  it('takes over the trace of a request', async ({ start }) => {
    await using rie = await start(site)
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    const { event, delivered, answer } = await visited(rie, '/', { headers: { 'X-Amzn-Trace-Id': trace } })
    expect([event.headers['x-amzn-trace-id'], delivered.header('Lambda-Runtime-Trace-Id')]).toEqual([
      trace,
      trace,
    ])
    expect(answer.header('X-Amzn-Trace-Id')).toContain('1-5759e988-bd862e3fe1be46a994272793')
  })

  for (const [type, text] of [
    ['text/css', true],
    ['application/json', true],
    ['application/vnd.api+json', true],
    ['application/xml', true],
    ['application/atom+xml', true],
    ['application/javascript', true],
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream; charset=utf-8', true],
    ['application/octet-stream', false],
    ['multipart/form-data; boundary=x', false],
    ['image/png', false],
    ['', false],
  ] as const) {
    it(`hands a body of type "${type}" on as ${text ? 'text' : 'base64'}`, async ({ start }) => {
      await using rie = await start(site)
      const headers: Record<string, string> = type === '' ? {} : { 'Content-Type': type }
      const { event } = await visited(rie, '/', { method: 'POST', headers, body: 'größe' })
      expect([event.body, event.isBase64Encoded]).toEqual(text ? ['größe', false] : ['Z3LDtsOfZQ==', true])
    })
  }

  it('hands a text that is not UTF-8 on as base64', async ({ start }) => {
    await using rie = await start(site)
    const headers = { 'Content-Type': 'text/plain; charset=iso-8859-1' }
    const { event } = await visited(rie, '/', { method: 'POST', headers, body: Uint8Array.of(0xe9) })
    expect([event.body, event.isBase64Encoded]).toEqual(['6Q==', true])
  })

  it('takes an event of 6 MB, and answers 413 to a larger one that runs nothing', async ({ start }) => {
    await using rie = await start(site)
    const post = (length: number) => ({
      method: 'POST',
      headers: { 'Content-Type': 'text/plain' },
      body: Buffer.alloc(length, 'x'),
    })
    const { delivered } = await visited(rie, '/', post(maxRequest - 10_000))
    const rest = delivered.body.length - (maxRequest - 10_000)
    // digits of the time, and of the port, are the same in the next one
    const most = await visited(rie, '/', post(maxRequest - rest))
    expect(most.delivered.body.length).toBe(maxRequest)
    for (const length of [maxRequest - rest + 1, maxRequest + 1]) {
      const answer = await rie.visit('/', post(length))
      expect([answer.status, answer.header('x-amzn-ErrorType')]).toEqual([
        413,
        'RequestEntityTooLargeException',
      ])
      expect(answer.json.Message).toContain('6291456')
    }
    const binary = await rie.visit('/', { method: 'POST', body: Buffer.alloc(5_000_000) })
    expect(binary.status).toBe(413)
  })

  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    it(`hands ${method} on to the function`, async ({ start }) => {
      await using rie = await start(site)
      const { event, answer } = await visited(rie, '/there', { method })
      expect([event.requestContext.http.method, answer.status]).toEqual([method, 200])
    })
  }

  it('speaks HTTP/1.0, and says so in the event', async ({ start }) => {
    await using rie = await start(site)
    using wire = await Wire.open(rie.site)
    wire.send('GET /old HTTP/1.0\r\n\r\n')
    expect((await rie.reply('"old"')).json.requestContext.http.protocol).toBe('HTTP/1.0')
    const answer = await wire.answer()
    expect([answer.status, answer.text]).toEqual([200, 'old'])
    await wire.end()
  })

  it('keeps a connection open for the next request of the URL', async ({ start }) => {
    await using rie = await start(site)
    using wire = await Wire.open(rie.site)
    for (const path of ['/one', '/two']) {
      wire.send(bytes(rie.site, { path }))
      expect((await rie.reply(`"${path}"`)).json.rawPath).toBe(path)
      expect((await wire.answer()).text).toBe(path)
    }
    expect(wire.closed).toBe(false)
  })

  it('says 100 Continue, and takes a body in chunks', async ({ start }) => {
    await using rie = await start(site)
    using wire = await Wire.open(rie.site)
    const headers = { 'Transfer-Encoding': 'chunked', Expect: '100-Continue', 'Content-Type': 'text/plain' }
    wire.send(bytes(rie.site, { method: 'POST', path: '/', headers }))
    await wire.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/)
    wire.send('2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n')
    expect((await rie.reply()).json.body).toBe('hello')
    expect((await wire.answer()).status).toBe(200)
  })

  it('does not ask for a body that is announced as too large', async ({ start }) => {
    await using rie = await start(site)
    using wire = await Wire.open(rie.site)
    const headers = { 'Content-Length': String(maxRequest + 1), Expect: '100-continue' }
    wire.send(bytes(rie.site, { method: 'POST', path: '/', headers }))
    expect(await wire.until(/\r\n\r\n/)).toStartWith('HTTP/1.1 413 ')
  })

  it('takes the upgrade to a WebSocket for a plain request', async ({ start }) => {
    await using rie = await start(site)
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZQ==' }
    const { event, answer } = await visited(rie, '/chat', { headers })
    expect([event.headers.upgrade, answer.status]).toEqual(['websocket', 200])
  })

  it('runs nothing for a body of the URL that breaks off', async ({ start }) => {
    await using rie = await start(site)
    const wire = await Wire.open(rie.site)
    const headers = { 'Content-Length': '99' }
    wire.send(bytes(rie.site, { method: 'POST', path: '/', headers, body: 'half' }))
    await rie.settle()
    wire[Symbol.dispose]()
    await rie.settle()
    expect(rie.runtimes()).toEqual([])
    expect((await visited(rie, '/')).answer.status).toBe(200)
  })

  it('runs an invocation to its end when its visitor leaves', async ({ start }) => {
    await using rie = await start(site)
    const wire = await Wire.open(rie.site)
    wire.send(bytes(rie.site, { path: '/left' }))
    const event = await rie.next()
    wire[Symbol.dispose]()
    await rie.settle()
    expect((await rie.respond(event.id)).status).toBe(202)
    rie.park()
    expect((await visited(rie, '/next')).event.rawPath).toBe('/next')
  })
})
