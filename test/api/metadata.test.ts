import { expect, test } from 'bun:test'
import { listening } from './stage.ts'

const path = '/2026-01-15/metadata/execution-environment'
const zone = '{"AvailabilityZoneID":"use1-az1"}'

test('the metadata endpoint answers those who have the token of the environment', async () => {
  await using staged = listening()
  const ask = async (to: string, init?: RequestInit) => {
    const response = await staged.fetch(to, init)
    return [response.status, response.headers.get('content-type'), await response.text()]
  }
  const bearer = (authorization: string) => ({ headers: { authorization } })
  for (const to of [path, `${path}/`, `${path}?a=b`]) {
    expect(await ask(to, bearer('Bearer token'))).toEqual([200, 'application/json', zone])
  }
  const plain = 'text/plain; charset=utf-8'
  for (const init of [undefined, ...['token', 'bearer token', 'Bearer tokens', 'Bearer'].map(bearer)]) {
    expect(await ask(path, init)).toEqual([401, plain, 'Unauthorized\n'])
  }
  for (const to of ['/2026-01-15', '/2026-01-15/metadata', `${path}/x`]) {
    expect(await ask(to, bearer('Bearer token'))).toEqual([404, plain, '404 page not found\n'])
  }
  expect((await staged.post(path, '', { authorization: 'Bearer token' })).status).toBe(405)
})

test('its answer may be kept for half a day', async () => {
  await using staged = listening()
  const { headers } = await staged.fetch(path, { headers: { authorization: 'Bearer token' } })
  expect(headers.get('cache-control')).toBe('private, max-age=43200, immutable')
})
