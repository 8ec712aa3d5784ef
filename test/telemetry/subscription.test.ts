import { describe, expect, test } from 'bun:test'
import { parseSubscription } from '../../src/telemetry/subscription.ts'

const whole = {
  schemaVersion: '2022-12-13',
  types: ['platform', 'function'],
  destination: { protocol: 'HTTP', URI: 'http://sandbox.localdomain:8080/logs?a=b' },
}
const telemetry = (body: unknown) => parseSubscription('telemetry', JSON.stringify(body))
const logs = (body: unknown) => parseSubscription('logs', JSON.stringify(body))
const problem = (parsed: ReturnType<typeof telemetry>): string =>
  'problem' in parsed ? parsed.problem : 'none'

test('a subscription has the limits of the service unless it names others', () => {
  expect(telemetry(whole)).toEqual({
    api: 'telemetry',
    schemaVersion: '2022-12-13',
    types: ['platform', 'function'],
    destination: {
      protocol: 'HTTP',
      port: 8080,
      target: '/logs?a=b',
      host: 'sandbox.localdomain:8080',
      method: 'POST',
    },
    buffering: { maxItems: 10_000, maxBytes: 262_144, timeoutMs: 1000 },
  })
  const buffering = { maxItems: 1000, maxBytes: 1_048_576, timeoutMs: 25 }
  expect(telemetry({ ...whole, buffering })).toMatchObject({ buffering })
  expect(telemetry({ ...whole, buffering: { maxItems: 2000 } })).toMatchObject({
    buffering: { maxItems: 2000, maxBytes: 262_144, timeoutMs: 1000 },
  })
})

test('each API has its schema versions, and the Logs API does not need one', () => {
  for (const schemaVersion of ['2022-07-01', '2022-12-13', '2025-01-29']) {
    expect(telemetry({ ...whole, schemaVersion })).toMatchObject({ schemaVersion })
    expect(problem(logs({ ...whole, schemaVersion }))).toContain('schemaVersion should be')
  }
  for (const schemaVersion of ['2020-08-15', '2021-03-18']) {
    expect(logs({ ...whole, schemaVersion })).toMatchObject({ schemaVersion })
    expect(problem(telemetry({ ...whole, schemaVersion }))).toContain('schemaVersion should be')
  }
  expect(logs({ ...whole, schemaVersion: undefined })).toMatchObject({ schemaVersion: '2020-08-15' })
})

test('only those schema versions count that are allowed', () => {
  expect(problem(parseSubscription('telemetry', JSON.stringify(whole), ['2025-01-29']))).toBe(
    'schema validation error: schemaVersion should be 2025-01-29',
  )
})

test('types are kept as sent, unknown keys are ignored', () => {
  const types = ['function', 'platform', 'function', 'extension']
  expect(telemetry({ ...whole, types, more: 1, buffering: { more: 2 } })).toMatchObject({ types })
})

describe('destinations', () => {
  const to = (destination: unknown) => telemetry({ ...whole, destination })

  test.each(['sandbox', 'sandbox.localdomain', 'localhost', '127.0.0.1'])('%s is this machine', (host) => {
    expect(to({ protocol: 'HTTP', URI: `http://${host}:1234` })).toMatchObject({
      destination: { port: 1234, target: '/', host: `${host}:1234` },
    })
  })

  test('without a port it is that of HTTP', () => {
    expect(to({ protocol: 'HTTP', URI: 'http://sandbox/x' })).toMatchObject({
      destination: { port: 80, target: '/x', host: 'sandbox' },
    })
  })

  test('TCP has a port', () => {
    expect(to({ protocol: 'TCP', port: 65_535 })).toMatchObject({
      destination: { protocol: 'TCP', port: 65_535 },
    })
  })

  test('other hosts and schemes are refused, with the words of the reference', () => {
    expect([
      problem(to({ protocol: 'HTTP', URI: 'http://example.com:80' })),
      problem(to({ protocol: 'HTTP', URI: 'https://sandbox:80' })),
      problem(to({ protocol: 'HTTP', URI: 'sandbox' })),
    ]).toEqual([
      'Invalid destination: destination.URI host must be sandbox.localdomain',
      'Invalid destination: destination.URI scheme must be http',
      'Invalid destination: destination.URI is no URI: sandbox',
    ])
  })

  test('the Logs API knows method and encoding', () => {
    const destination = { protocol: 'HTTP', URI: 'http://sandbox:8080', method: 'PUT', encoding: 'JSON' }
    expect(logs({ types: ['platform'], destination })).toMatchObject({ destination: { method: 'PUT' } })
    expect(to(destination)).toMatchObject({ destination: { method: 'PUT' } })
    expect(
      problem(logs({ types: ['platform'], destination: { ...destination, method: 'GET', encoding: 'XML' } })),
    ).toBe('schema validation error: method should be POST or PUT; encoding should be JSON')
  })
})

describe('what is wrong is said, all of it', () => {
  const rows: [body: string, problem: string | RegExp][] = [
    ['', /^failed to parse JSON: ./],
    ['{"a":', /^failed to parse JSON: ./],
    ['[]', 'schema validation error: the body should be an object'],
    ['null', 'schema validation error: the body should be an object'],
    [
      '{}',
      'schema validation error: schemaVersion is not provided; types are not provided; destination is not provided',
    ],
    [
      JSON.stringify({ ...whole, types: [], destination: { protocol: 'HTTP' } }),
      'schema validation error: types should not be empty; URI is not provided',
    ],
    [
      JSON.stringify({ ...whole, types: 'platform', destination: 'http://sandbox' }),
      'schema validation error: types should be an array; destination should be an object',
    ],
    [
      JSON.stringify({ ...whole, types: ['platform', 'logs'], destination: { protocol: 'UDP' } }),
      'schema validation error: types should be platform, function or extension; protocol should be HTTP or TCP',
    ],
    [
      JSON.stringify({ ...whole, schemaVersion: '2020-01-01', destination: { protocol: 'TCP', port: 0 } }),
      'schema validation error: schemaVersion should be 2022-07-01, 2022-12-13 or 2025-01-29; port should be a whole number from 1 to 65535',
    ],
    [JSON.stringify({ ...whole, buffering: null }), 'schema validation error: buffering should be an object'],
    [
      JSON.stringify({ ...whole, buffering: { maxItems: 999, maxBytes: 1_048_577, timeoutMs: 25.5 } }),
      'schema validation error: maxItems should be a whole number from 1000 to 10000; maxBytes should be a whole number from 262144 to 1048576; timeoutMs should be a whole number from 25 to 30000',
    ],
    [
      JSON.stringify({ ...whole, destination: { protocol: 'TCP', port: '80' } }),
      'schema validation error: port should be a whole number from 1 to 65535',
    ],
  ]
  test.each(rows)('%s', (body, expected) => {
    const said = problem(parseSubscription('telemetry', body))
    if (typeof expected === 'string') expect(said).toBe(expected)
    else expect(said).toMatch(expected)
  })
})
