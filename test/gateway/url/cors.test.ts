import { describe, expect, test } from 'bun:test'
import {
  isPreflight,
  parseUrlCors,
  preflightFields,
  type UrlCors,
  withCors,
} from '../../../src/gateway/url/cors.ts'

const parse = (config: unknown): UrlCors => {
  const cors = parseUrlCors(JSON.stringify(config))
  if (typeof cors === 'string') throw new Error(cors)
  return cors
}

const asked = (headers: Record<string, string>, method = 'OPTIONS') => ({
  method,
  header: (name: string) => headers[name] ?? null,
})

const whole = {
  AllowCredentials: true,
  AllowHeaders: ['Authorization', 'x-a'],
  AllowMethods: ['GET', 'POST'],
  AllowOrigins: ['https://a.example', 'http://localhost:3000'],
  ExposeHeaders: ['x-b', 'x-c'],
  MaxAge: 300,
}

test('the configuration is the service’s own JSON', () => {
  expect(parse(whole)).toEqual(whole)
  expect(parse({})).toEqual({
    AllowCredentials: false,
    AllowHeaders: [],
    AllowMethods: [],
    AllowOrigins: [],
    ExposeHeaders: [],
    MaxAge: null,
  })
})

describe('a configuration that is wrong is told what is', () => {
  const headers = Array.from({ length: 101 }, (_, at) => `x-${at}`)
  test.each([
    ['{"AllowOrigins":["*"', /^it is no JSON: /],
    ['["*"]', /^it is no object, as \{"AllowOrigins":\["\*"\]\}$/],
    ['"*"', /^it is no object/],
    ['null', /^it is no object/],
    [
      '{"allowOrigins":["*"]}',
      /^"allowOrigins" is no member of it; members are AllowCredentials, AllowHeaders, /,
    ],
    [
      '{"AllowOrigins":"*"}',
      /^AllowOrigins must be a list of at most 100 origins as https:\/\/example.com, or \*$/,
    ],
    ['{"AllowOrigins":[""]}', /^AllowOrigins has ""; allowed are origins/],
    ['{"AllowOrigins":[7]}', /^AllowOrigins has 7; allowed are origins/],
    ['{"AllowOrigins":["https://a\\r\\n"]}', /^AllowOrigins has "https:\/\/a\\r\\n"; allowed/],
    ['{"AllowMethods":["OPTIONS"]}', /^AllowMethods has "OPTIONS"; allowed are GET, PUT, HEAD, /],
    ['{"AllowMethods":["get"]}', /^AllowMethods has "get"; allowed are GET/],
    ['{"AllowMethods":["A","B","C","D","E","F","G"]}', /^AllowMethods must be a list of at most 6 /],
    [
      JSON.stringify({ AllowHeaders: headers }),
      /^AllowHeaders must be a list of at most 100 names of headers/,
    ],
    ['{"AllowHeaders":["a b"]}', /^AllowHeaders has "a b"; allowed are names of headers or \*$/],
    ['{"ExposeHeaders":["a:"]}', /^ExposeHeaders has "a:"; allowed/],
    ['{"AllowCredentials":"true"}', /^AllowCredentials must be true or false$/],
    ['{"MaxAge":86401}', /^MaxAge must be a whole number of seconds from 0 to 86400$/],
    ['{"MaxAge":-1}', /^MaxAge must be/],
    ['{"MaxAge":1.5}', /^MaxAge must be/],
    ['{"MaxAge":"300"}', /^MaxAge must be/],
  ])('%s', (text, problem) => {
    expect(parseUrlCors(text)).toMatch(problem)
  })
})

test('a preflight has an origin and a method that it asks for', () => {
  const both = { origin: 'https://a.example', 'access-control-request-method': 'PUT' }
  expect(isPreflight(asked(both))).toBe(true)
  expect(isPreflight(asked(both, 'GET'))).toBe(false)
  expect(isPreflight(asked({ origin: 'https://a.example' }))).toBe(false)
  expect(isPreflight(asked({ 'access-control-request-method': 'PUT' }))).toBe(false)
})

describe('a preflight', () => {
  const preflight = (config: object, origin: string) =>
    preflightFields(
      parse(config),
      asked({
        origin,
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'authorization, x-z',
      }),
    )

  test('is answered with what is configured', () => {
    expect(preflight(whole, 'http://localhost:3000')).toEqual([
      ...['Access-Control-Allow-Origin', 'http://localhost:3000', 'Vary', 'Origin'],
      ...['Access-Control-Allow-Credentials', 'true'],
      ...['Access-Control-Allow-Methods', 'GET,POST', 'Access-Control-Allow-Headers', 'Authorization,x-a'],
      ...['Access-Control-Max-Age', '300'],
    ])
  })

  test('is answered with what was asked for where all is allowed', () => {
    const all = { AllowOrigins: ['*'], AllowMethods: ['*'], AllowHeaders: ['*'] }
    expect(preflight(all, 'https://b.example')).toEqual([
      ...['Access-Control-Allow-Origin', 'https://b.example', 'Vary', 'Origin'],
      ...['Access-Control-Allow-Methods', 'PUT', 'Access-Control-Allow-Headers', 'authorization, x-z'],
    ])
  })

  test('allows nothing that is not configured', () => {
    expect(preflight({ AllowOrigins: ['*'] }, 'null')).toEqual([
      ...['Access-Control-Allow-Origin', 'null', 'Vary', 'Origin'],
    ])
    expect(preflight(whole, 'https://b.example')).toEqual([])
    expect(preflight(whole, 'https://a.example:444')).toEqual([])
    expect(preflight({}, 'https://a.example')).toEqual([])
  })
})

describe('an answer', () => {
  const own = [
    'x-b',
    '1',
    'access-control-allow-origin',
    '*',
    'Access-Control-Expose-Headers',
    'x-q',
    'Vary',
    'Accept',
  ]

  test('has the headers of the configuration in place of the function’s', () => {
    expect(withCors(own, parse(whole), asked({ origin: 'https://a.example' }))).toEqual([
      ...['x-b', '1', 'Vary', 'Accept'],
      ...['Access-Control-Allow-Origin', 'https://a.example', 'Vary', 'Origin'],
      ...['Access-Control-Allow-Credentials', 'true', 'Access-Control-Expose-Headers', 'x-b,x-c'],
    ])
  })

  test('to an origin that is not allowed, or to no page, has none', () => {
    for (const headers of [{ origin: 'https://b.example' }, {}]) {
      expect(withCors(own, parse(whole), asked(headers))).toEqual(['x-b', '1', 'Vary', 'Accept'])
    }
  })
})
