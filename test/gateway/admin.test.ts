import { expect, test } from 'bun:test'
import type { Failure } from '../../src/engine/last-failure.ts'
import type { Pool } from '../../src/engine/pool.ts'
import { admin } from '../../src/gateway/admin.ts'
import type { ServedFunction, ServedFunctions } from '../../src/gateway/served.ts'
import type { Origin } from '../../src/http/hono.ts'
import { FakeExchange } from '../http/fake.ts'

const environments = [{ id: 1, state: 'idle' }]

const failure: Failure = {
  at: 0,
  environment: 1,
  during: 'init',
  errorType: 'Runtime.UserCodeSyntaxError',
  errorMessage: 'Expected "}"',
}

const originOf = (target: string): Origin => ({ target, peer: '127.0.0.1', exchange: new FakeExchange() })

/** The router over a pool in this situation; counts how often the figures were loaded. */
function over(
  situation: {
    draining?: boolean
    ready?: boolean
    snapshot?: () => { state: string }[]
    warmUp?: () => void
  } = {},
  lastFailure: Failure | null = null,
  named = false,
) {
  const pool = {
    draining: false,
    ready: true,
    waiting: 3,
    snapshot: () => environments,
    state: () => ({ queued: 3, longestWaitMs: 7, environments }),
    ...situation,
  } as unknown as Pool
  const loads: string[] = []
  const served = {
    name: 'f',
    pool,
    limits: { maxEnvironments: 2, maxQueue: 9 },
    asyncEvents: { waiting: 2, waitingBytes: 12 },
    lastFailure: { value: lastFailure },
    durable: null,
  } as unknown as ServedFunction
  const functions: ServedFunctions = named
    ? { only: null, all: [served, { ...served, name: 'g' }], find: () => null, arnOf: (name) => name }
    : { only: served }
  const router = admin(functions, {
    metrics: () => {
      loads.push('loaded')
      return { contentType: 'text/plain; version=0.0.4', text: async () => 'a_metric 1\n' }
    },
    dashboard: () => '{"panels":[]}\n',
  })
  const get = async (path: string) => {
    const response = await router.fetch(new Request(`http://x${path}`), originOf(path))
    return [response.status, response.headers.get('content-type'), await response.text()]
  }
  return { get, loads, router }
}

test('health says how things are', async () => {
  const body = (status: string) =>
    `{"status":"${status}","queued":3,"environments":[{"id":1,"state":"idle"}]}`
  expect(await over().get('/_rie/health')).toEqual([200, 'application/json', body('ok')])
  expect(await over({ draining: true }).get('/_rie/health')).toEqual([
    200,
    'application/json',
    body('stopping'),
  ])
})

test('ready says whether an invocation would find an initialised environment', async () => {
  expect(await over().get('/_rie/ready')).toEqual([200, 'application/json', '{"ready":true}'])
  expect(await over({ ready: false }).get('/_rie/ready')).toEqual([
    503,
    'application/json',
    '{"ready":false,"reason":"no initialised environment is free","state":"busy"}',
  ])
})

const next = 'the next invocation, or GET /_rie/ready?init=1, initialises it'
test.each([
  ['cold', null, 'idle', `nothing was invoked yet: ${next}`],
  ['cold', failure, 'failed', `init failed: Runtime.UserCodeSyntaxError: Expected "}"; ${next}`],
  ['starting', null, 'starting', 'init is running'],
  ['starting', failure, 'starting', 'init is running, after Runtime.UserCodeSyntaxError: Expected "}"'],
  ['busy', failure, 'busy', 'no initialised environment is free'],
] as const)('ready says why it is not: %s, %p', async (activity, last, state, reason) => {
  const one = over({ ready: false, snapshot: () => [{ state: activity }] }, last)
  const [status, , body] = await one.get('/_rie/ready')
  expect([status, JSON.parse(body as string)]).toEqual([503, { ready: false, reason, state }])
})

test('ready initialises where it is asked to, and only then', async () => {
  let starts = 0
  const one = over({ ready: false, snapshot: () => [{ state: 'cold' }], warmUp: () => starts++ })
  for (const query of ['', '?init=0', '?other=1']) await one.get(`/_rie/ready${query}`)
  expect(starts).toBe(0)
  expect((await one.get('/_rie/ready?init=1'))[0]).toBe(503)
  expect(starts).toBe(1)
  await over({ warmUp: () => starts++ }).get('/_rie/ready?init=1')
  expect(starts).toBe(1)
})

test('state names the last failure', async () => {
  const [, , body] = await over({}, failure).get('/_rie/state')
  expect(JSON.parse(body as string).lastError).toEqual({ ...failure, at: '1970-01-01T00:00:00.000Z' })
})

test('state is everything, and the limits', async () => {
  expect(await over().get('/_rie/state')).toEqual([
    200,
    'application/json',
    '{"status":"ok","maxEnvironments":2,"maxQueue":9,"queued":3,"longestWaitMs":7,"environments":[{"id":1,"state":"idle"}],"asyncEvents":{"waiting":2,"waitingBytes":12},"lastError":null}',
  ])
})

test('metrics are loaded when they are asked for, once', async () => {
  const { get, loads } = over()
  expect(loads).toEqual([])
  for (let count = 0; count < 2; count++) {
    expect(await get('/_rie/metrics')).toEqual([200, 'text/plain; version=0.0.4', 'a_metric 1\n'])
  }
  expect(loads).toEqual(['loaded'])
})

test('a path with a slash too many is sent on to the one without, whatever it is', async () => {
  const { router } = over()
  for (const [sent, clean] of [
    [
      '//2015-03-31//functions/f/invocations?Qualifier=a//b',
      '/2015-03-31/functions/f/invocations?Qualifier=a//b',
    ],
    ['///', '/'],
    ['//', '/'],
    ['//example.org/x', '/example.org/x'],
    ['/_rie//health', '/_rie/health'],
  ]) {
    const { status, headers } = await router.fetch(new Request('http://x/'), originOf(sent as string))
    expect([status, headers.get('location')]).toEqual([307, clean as string])
  }
})

test('what is not served gets an answer that says what is', async () => {
  expect(await over().get('/_rie/nothing')).toEqual([
    404,
    'application/json',
    '{"Type":"User","Message":"GET /_rie/nothing is not served; invoke with POST /2015-03-31/functions/function/invocations"}',
  ])
  expect(await over().get('/2025-12-01/functions/function/durable-executions')).toEqual([
    404,
    'application/json',
    '{"Type":"User","Message":"GET /2025-12-01/functions/function/durable-executions is not served; no function here is a durable one (--durable)"}',
  ])
})

test('the dashboard is served as it is', async () => {
  expect(await over().get('/_rie/dashboard.json')).toEqual([200, 'application/json', '{"panels":[]}\n'])
})

test('several functions are told of by their names, and all have to be ready', async () => {
  const ready = over({}, null, true)
  expect(await ready.get('/_rie/ready')).toEqual([200, 'application/json', '{"ready":true}'])
  const [, , state] = await ready.get('/_rie/state')
  expect(Object.keys(JSON.parse(state as string).functions)).toEqual(['f', 'g'])
  expect(JSON.parse(state as string)).toMatchObject({
    status: 'ok',
    functions: { f: { maxQueue: 9, queued: 3, asyncEvents: { waiting: 2 }, lastError: null } },
  })
  const [, , health] = await ready.get('/_rie/health')
  expect(JSON.parse(health as string)).toMatchObject({ status: 'ok', functions: { g: { queued: 3 } } })
  let starts = 0
  const cold = over({ ready: false, snapshot: () => [{ state: 'cold' }], warmUp: () => starts++ }, null, true)
  const [status, , body] = await cold.get('/_rie/ready?init=1')
  expect([status, starts]).toEqual([503, 2])
  expect(JSON.parse(body as string)).toMatchObject({
    ready: false,
    functions: { f: { state: 'idle' }, g: { state: 'idle' } },
  })
  const [, , help] = await cold.get('/nowhere')
  expect(help).toContain('/2015-03-31/functions/f/invocations')
})
