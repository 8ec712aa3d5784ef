import { describe, expect, test } from 'bun:test'
import {
  corsFields,
  isPreflight,
  type Origins,
  parseOrigins,
  preflightFields,
  sender,
} from '../../src/gateway/cors.ts'

const request = (headers: Record<string, string>, method = 'POST') => ({
  method,
  header: (name: string) => headers[name] ?? null,
})
const page = (origin: string, host = '127.0.0.1:8080') => request({ origin, host })
const origins: Origins = ['http://localhost:3000', 'null']

describe('a list of origins', () => {
  test.each([
    ['http://localhost:3000', ['http://localhost:3000']],
    [' https://A.example , http://[::1]:80,*,null', ['https://a.example', 'http://[::1]', '*', 'null']],
  ])('%s', (text, list) => {
    expect(parseOrigins(text)).toEqual(list)
  })

  test.each([
    ['', '"" is no origin; allowed are origins as http://localhost:3000, *, and null for pages from files'],
    ['localhost:3000', /^"localhost:3000" is no origin; allowed are /],
    ['http://a,,http://b', /^"" is no origin/],
    ['file:///tmp', /^"file:\/\/\/tmp" is no origin/],
    [
      'http://localhost:3000/',
      '"http://localhost:3000/" is more than an origin; write http://localhost:3000',
    ],
    [
      'https://a.example/page?x#y',
      '"https://a.example/page?x#y" is more than an origin; write https://a.example',
    ],
    ['https://me@a.example', '"https://me@a.example" is more than an origin; write https://a.example'],
  ])('%s is told what is wrong', (text, problem) => {
    const read = parseOrigins(text)
    if (typeof problem === 'string') expect(read).toBe(problem)
    else expect(read).toMatch(problem)
  })
})

describe('who sent a request is', () => {
  test.each([
    ['own', request({ host: '127.0.0.1:8080' })],
    ['own', page('http://127.0.0.1:8080')],
    ['own', page('https://Rie.example', 'rie.example')],
    ['named', page('http://localhost:3000')],
    ['named', page('null')],
    ['foreign', page('http://localhost:3001')],
    ['foreign', page('https://localhost:3000')],
    ['foreign', page('http://127.0.0.1')],
    ['foreign', page('http://127.0.0.1:8080.evil.example')],
    ['foreign', page('')],
    ['foreign', request({ origin: 'http://a.example' })],
  ] as const)('%s: %o', (expected, exchange) => {
    expect(sender(origins, exchange)).toBe(expected)
  })

  test('a page elsewhere, whose picture or link has no origin', () => {
    const picture = { host: '127.0.0.1:8080', 'sec-fetch-site': 'cross-site' }
    expect(sender(origins, request(picture, 'GET'))).toBe('foreign')
    expect(sender(['*'], request(picture, 'GET'))).toBe('own')
    expect(sender(origins, request({ ...picture, 'sec-fetch-site': 'none' }, 'GET'))).toBe('own')
  })

  test('a page of any origin where all are named', () => {
    expect(sender(['*'], page('https://anything.example'))).toBe('named')
  })

  test('foreign for every page where none is named', () => {
    expect(sender([], page('null'))).toBe('foreign')
    expect(sender([], page('http://localhost:3000'))).toBe('foreign')
  })
})

test('a page that is named may read the answer and its headers', () => {
  const fields = corsFields(origins, page('http://localhost:3000'))
  expect(fields.slice(0, 5)).toEqual([
    ...['Access-Control-Allow-Origin', 'http://localhost:3000', 'Vary', 'Origin'],
    'Access-Control-Expose-Headers',
  ])
  const exposed = fields[5]?.split(',')
  for (const name of ['x-amz-function-error', 'x-amz-log-result', 'x-amzn-requestid', 'x-amzn-errortype']) {
    expect(exposed).toContain(name)
  }
  for (const other of [page('http://b.example'), page('http://127.0.0.1:8080'), request({})]) {
    expect(corsFields(origins, other)).toEqual([])
  }
})

test('a page that is named may ask for any header', () => {
  const headers = {
    origin: 'http://localhost:3000',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,x-amz-date',
    'access-control-request-private-network': 'true',
  }
  expect(isPreflight(request(headers, 'OPTIONS'))).toBe(true)
  expect(isPreflight(request(headers))).toBe(false)
  expect(isPreflight(request({ origin: 'http://localhost:3000' }, 'OPTIONS'))).toBe(false)
  expect(preflightFields(origins, request(headers, 'OPTIONS'))).toEqual([
    ...['Access-Control-Allow-Origin', 'http://localhost:3000', 'Vary', 'Origin'],
    ...[
      'Access-Control-Allow-Methods',
      'GET,HEAD,POST,PUT,PATCH,DELETE',
      'Access-Control-Allow-Headers',
      'authorization,x-amz-date',
    ],
    ...['Access-Control-Allow-Private-Network', 'true', 'Access-Control-Max-Age', '600'],
  ])
  expect(preflightFields(origins, request({ ...headers, origin: 'http://b.example' }, 'OPTIONS'))).toEqual([])
})
