import { describe, expect, test } from 'bun:test'
import { maxRequestBytes } from '../../../src/core/limits.ts'
import {
  isTextType,
  type UrlFacts,
  type UrlRequest,
  urlEvent,
  urlId,
} from '../../../src/gateway/url/event.ts'

const facts: UrlFacts = {
  requestId: '2599f942-7c76-43a7-ae5a-7138e8ddc5ef',
  traceId: 'Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e;Parent=0123456789abcdef;Sampled=0',
  region: 'eu-west-3',
  port: 8081,
  epoch: Date.UTC(2020, 2, 2, 9, 3, 5, 678),
}

const get: UrlRequest = {
  method: 'GET',
  target: '/',
  peer: '127.0.0.1',
  protocol: 'HTTP/1.1',
  headers: ['Host', 'localhost:8081'],
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const none = new Uint8Array()

// biome-ignore lint/suspicious/noExplicitAny: it is the function's JSON
function eventOf(request: Partial<UrlRequest>, body: Uint8Array = none): any {
  const event = urlEvent({ ...get, ...request }, body, facts)
  if (event === 'too-large') throw new Error('too large')
  return JSON.parse(event.toString())
}

const headersOf = (...headers: string[]) => eventOf({ headers }).headers
const queryOf = (query: string) => eventOf({ target: `/?${query}` }).queryStringParameters

test('an event is the text that JSON.stringify would write, whatever is in it', () => {
  const odd = ['"', '\\', '\t', '\u00e9', '\u2028', '\ud83d\ude00'].join('')
  const target = `/${odd}?a=${odd}&a=%22&__proto__=1`
  const headers = [
    'User-Agent',
    `a"\\\t\u00e9`,
    'Cookie',
    'a="b\\"; c',
    'Content-Type',
    'text/plain',
    '__proto__',
    '"',
  ]
  for (const [text, type] of [
    [odd, 'text/plain'],
    ['', 'text/plain'],
    [odd, 'image/png'],
  ] as const) {
    const sent = headers.map((each) => (each === 'text/plain' ? type : each))
    const event = urlEvent({ ...get, target, headers: sent }, bytes(text), facts)
    expect(JSON.stringify(JSON.parse(event.toString()))).toBe(event.toString())
  }
})

test('an event is payload 2.0, with everything in its place', () => {
  const event = eventOf(
    {
      method: 'POST',
      target: '/a/b%20c?x=1&x=2&y=%2B',
      peer: '192.0.2.1',
      headers: [
        'Host',
        'localhost:8081',
        'Cookie',
        'a=1; b=2',
        'User-Agent',
        'curl/8',
        'Content-Type',
        'text/plain',
      ],
    },
    bytes('hello'),
  )
  expect(event).toEqual({
    version: '2.0',
    routeKey: '$default',
    rawPath: '/a/b%20c',
    rawQueryString: 'x=1&x=2&y=%2B',
    cookies: ['a=1', 'b=2'],
    headers: {
      host: 'localhost:8081',
      'user-agent': 'curl/8',
      'content-type': 'text/plain',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-port': '8081',
      'x-forwarded-proto': 'http',
      'x-amzn-trace-id': facts.traceId,
    },
    queryStringParameters: { x: '1,2', y: '+' },
    requestContext: {
      accountId: 'anonymous',
      apiId: urlId,
      domainName: `${urlId}.lambda-url.eu-west-3.on.aws`,
      domainPrefix: urlId,
      http: {
        method: 'POST',
        path: '/a/b%20c',
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.1',
        userAgent: 'curl/8',
      },
      requestId: facts.requestId,
      routeKey: '$default',
      stage: '$default',
      time: '02/Mar/2020:09:03:05 +0000',
      timeEpoch: 1583139785678,
    },
    body: 'hello',
    isBase64Encoded: false,
  })
  expect(urlId).toMatch(/^[a-z0-9]{32}$/)
})

test('what a request does not have is left out of the event', () => {
  const event = eventOf({ headers: [] })
  expect(Object.keys(event)).toEqual([
    'version',
    'routeKey',
    'rawPath',
    'rawQueryString',
    'headers',
    'requestContext',
    'isBase64Encoded',
  ])
  expect(event.rawQueryString).toBe('')
  expect(event.requestContext.http.userAgent).toBe('')
})

test('path and query are handed on as they were sent', () => {
  for (const [target, path, query] of [
    ['/pa2%Fth/1', '/pa2%Fth/1', ''],
    ['//a/../b//', '//a/../b//', ''],
    ['/?', '/', ''],
    ['/a?b?c', '/a', 'b?c'],
    ['/a%3Fb?%zz', '/a%3Fb', '%zz'],
    ['*', '*', ''],
  ] as const) {
    const event = eventOf({ target })
    expect([event.rawPath, event.requestContext.http.path, event.rawQueryString]).toEqual([path, path, query])
  }
})

describe('query parameters', () => {
  test.each([
    ['a=1&b=2', { a: '1', b: '2' }],
    ['a=1&a=2&a=', { a: '1,2,' }],
    ['a+b=c+d%20e', { 'a b': 'c d e' }],
    ['bare&empty=', { bare: '', empty: '' }],
    ['=v', { '': 'v' }],
    ['a=b=c', { a: 'b=c' }],
    ['%C3%A9=%F0%9F%98%80', { é: '😀' }],
    ['a=%zz&b=%', { a: '%zz', b: '%' }],
    ['a=%ff', { a: '\ufffd' }],
    ['__proto__=1&constructor=2', JSON.parse('{"__proto__":"1","constructor":"2"}')],
    ['&&', undefined],
  ])('%s', (query, parameters) => {
    expect(queryOf(query)).toEqual(parameters)
  })
})

describe('headers', () => {
  test('have names in lower case, and values joined by commas', () => {
    expect(headersOf('X-A', '1', 'x-b', 'two', 'x-a', '3')).toMatchObject({ 'x-a': '1,3', 'x-b': 'two' })
  })

  test('of any name are the function’s', () => {
    const headers = JSON.stringify(headersOf('__proto__', 'p', 'constructor', 'c', '7', 'seven'))
    expect(headers).toContain('"__proto__":"p"')
    expect(headers).toContain('"constructor":"c"')
    expect(headers).toContain('"7":"seven"')
  })

  test('of a proxy in front are kept, and the peer is added', () => {
    const sent = ['X-Forwarded-For', '192.0.2.7', 'X-Forwarded-Proto', 'https', 'X-Forwarded-Port', '443']
    expect(headersOf(...sent)).toMatchObject({
      'x-forwarded-for': '192.0.2.7, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-port': '8081',
    })
  })

  test('keep bytes beyond ASCII as Latin-1', () => {
    expect(headersOf('x-name', 'Ren\u00e9')['x-name']).toBe('René')
  })

  test('may be many', () => {
    const headers = Array.from({ length: 190 }, (_, at) => [`X-H${at}`, 'v'.repeat(5000)]).flat()
    expect(Object.keys(headersOf(...headers))).toHaveLength(194)
  })
})

test('cookies stand in their own list, in order, and in no header', () => {
  const event = eventOf({ headers: ['Cookie', 'a=1;b="x y";; ', 'cookie', 'a=2; c'] })
  expect(event.cookies).toEqual(['a=1', 'b="x y"', 'a=2', 'c'])
  expect(event.headers).not.toHaveProperty('cookie')
  expect(eventOf({ headers: ['Cookie', ' ; '] })).not.toHaveProperty('cookies')
})

describe('a body', () => {
  const typed = (type: string | null, body: Uint8Array) => {
    const event = eventOf({ method: 'POST', headers: type === null ? [] : ['Content-Type', type] }, body)
    return [event.body, event.isBase64Encoded]
  }
  const base64 = (body: Uint8Array): string => Buffer.from(body).toString('base64')

  test.each([
    'text/plain',
    'TEXT/HTML; Charset=UTF-8',
    'application/json',
    'application/problem+json',
    'application/xml',
    'image/svg+xml',
    'application/javascript',
    'application/x-www-form-urlencoded',
    'application/octet-stream; charset=utf-8',
  ])('of type %s is text', (type) => {
    expect(isTextType(type)).toBe(true)
    expect(typed(type, bytes('é"\u0000'))).toEqual(['é"\u0000', false])
  })

  test.each([
    'application/octet-stream',
    'multipart/form-data; boundary=charset',
    'image/png',
    'application/jsonx',
    '',
  ])('of type "%s" is base64', (type) => {
    expect(isTextType(type)).toBe(false)
    expect(typed(type, bytes('hello'))).toEqual(['aGVsbG8=', true])
  })

  test('without a type is base64', () => {
    expect(typed(null, bytes('hello'))).toEqual(['aGVsbG8=', true])
  })

  test('of a text type that is no UTF-8 is base64', () => {
    for (const raw of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x1f, 0x8b, 8]]) {
      const body = Uint8Array.from(raw)
      expect(typed('text/plain; charset=iso-8859-1', body)).toEqual([base64(body), true])
    }
  })

  test('keeps its byte-order mark', () => {
    expect(typed('text/plain', bytes('\ufeffa'))).toEqual(['\ufeffa', false])
  })

  test('that is empty is none, whatever its type', () => {
    expect(typed('text/plain', none)).toEqual([undefined, false])
    expect(typed(null, none)).toEqual([undefined, false])
  })

  test('is limited after it was encoded, at the byte', () => {
    const post = (type: string, body: Uint8Array) =>
      urlEvent({ ...get, method: 'POST', headers: ['Content-Type', type] }, body, facts)
    const rest = (post('text/plain', bytes('x')) as Buffer).length - 1
    const most = maxRequestBytes - rest
    expect((post('text/plain', new Uint8Array(most).fill(97)) as Buffer).length).toBe(maxRequestBytes)
    expect(post('text/plain', new Uint8Array(most + 1).fill(97))).toBe('too-large')
    // a quotation mark takes two bytes in JSON, three bytes take four in base64
    expect(post('text/plain', new Uint8Array(most / 2 + 1).fill(34))).toBe('too-large')
    expect(post('image/png', new Uint8Array((most / 4) * 3 + 3))).toBe('too-large')
    expect(post('image/png', new Uint8Array(Math.floor(most / 4) * 3 - 30))).toBeInstanceOf(Buffer)
    expect(post('image/png', new Uint8Array(maxRequestBytes + 1))).toBe('too-large')
  })
})
