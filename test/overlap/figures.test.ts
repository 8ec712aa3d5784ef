/** `/_rie/metrics` and `/_rie/state` after traffic that is known to the last invocation. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { patience, until } from '../harness.ts'
import { type Scene, scene } from './scene.ts'

setDefaultTimeout(4 * patience)

/** All samples by their name and labels, as Prometheus reads them. */
async function metrics({ emulator }: Scene): Promise<Map<string, number>> {
  const response = await fetch(`${emulator.url}/_rie/metrics`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const samples = new Map<string, number>()
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || /^# (?:HELP|TYPE) [a-z_]+ /.test(line)) continue
    const [, name = '', value = ''] = /^([a-z_]+(?:\{[a-z]+="[^"]*"\})?) (\S+)$/.exec(line) ?? []
    expect({ line, name: name !== '', value: Number(value) }).toEqual({
      line,
      name: true,
      value: expect.any(Number),
    })
    samples.set(name, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value))
  }
  return samples
}

const some = (samples: Map<string, number>, pattern: RegExp): Record<string, number> =>
  Object.fromEntries([...samples].filter(([name, value]) => value !== 0 && pattern.test(name)))

test('what has happened is counted, right after it has happened', async () => {
  await using here = await scene({ maxQueue: 1, env: { AWS_LAMBDA_FUNCTION_NAME: 'f' } })
  const { emulator } = here
  for (let count = 0; count < 3; count++) await emulator.invoke({ bytes: 1000 })
  await emulator.invoke({ fail: 'on purpose' })
  await emulator.invoke({ bytes: 6_291_557 })
  const first = emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  const second = emulator.invoke({ bytes: 100_000 })
  await here.queued(1)
  expect((await emulator.invoke({})).statusCode).toBe(429)
  const during = await metrics(here)
  expect(some(during, /queue_depth|environments/)).toEqual({
    lambda_rie_queue_depth: 1,
    lambda_rie_environments_limit: 1,
    'lambda_rie_environments{state="busy"}': 1,
  })
  here.release('go')
  await Promise.all([first, second])
  await emulator.invoke({ exit: 7 })
  const after = await metrics(here)
  expect(some(after, /invocations_total/)).toEqual({
    'lambda_rie_invocations_total{outcome="success"}': 5,
    'lambda_rie_invocations_total{outcome="error"}': 1,
    'lambda_rie_invocations_total{outcome="response_too_large"}': 1,
    'lambda_rie_invocations_total{outcome="throttled"}': 1,
    'lambda_rie_invocations_total{outcome="environment_failed"}': 1,
  })
  expect(some(after, /restarts/)).toEqual({ 'lambda_rie_restarts_total{cause="Runtime.ExitError"}': 1 })
  expect(some(after, /_count/)).toEqual({
    lambda_rie_invocation_duration_seconds_count: 8,
    lambda_rie_init_duration_seconds_count: 1,
    lambda_rie_queue_wait_seconds_count: 8,
    lambda_rie_response_bytes_count: 6,
  })
  expect(after.get('lambda_rie_queue_wait_seconds_sum')).toBeGreaterThan(0)
  expect(after.get('lambda_rie_response_bytes_bucket{le="65536"}')).toBe(5)
  expect(after.get('lambda_rie_response_bytes_bucket{le="+Inf"}')).toBe(6)
  expect(after.get('lambda_rie_queue_depth')).toBe(0)
  expect(after.get('process_resident_memory_bytes')).toBeGreaterThan(10 * 1024 * 1024)
})

test('a time-out is counted, with how long it took', async () => {
  await using here = await scene({ functionTimeoutSeconds: 1 })
  await here.emulator.invoke({ hang: true })
  const after = await metrics(here)
  expect(some(after, /invocations_total|restarts/)).toEqual({
    'lambda_rie_invocations_total{outcome="timeout"}': 1,
    'lambda_rie_restarts_total{cause="timeout"}': 1,
  })
  expect(after.get('lambda_rie_invocation_duration_seconds_sum')).toBeGreaterThan(1)
  expect(some(after, /invocation_duration_seconds_bucket\{le="0\.5"/)).toEqual({})
})

test('a histogram is cumulative, and its last bucket is its count', async () => {
  await using here = await scene()
  for (let count = 0; count < 5; count++) await here.emulator.invoke({})
  const samples = [...(await metrics(here))].filter(([name]) =>
    name.startsWith('lambda_rie_invocation_duration_'),
  )
  const buckets = samples.filter(([name]) => name.includes('_bucket')).map(([, value]) => value)
  expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
  expect(buckets.at(-1)).toBe(5)
  expect(new Map(samples).get('lambda_rie_invocation_duration_seconds_count')).toBe(5)
})

test('the state tells what waits, what runs and where', async () => {
  await using here = await scene({ maxEnvironments: 2, maxQueue: 10 })
  const { emulator } = here
  const state = async (): Promise<unknown> => (await fetch(`${emulator.url}/_rie/state`)).json()
  const untouched = {
    id: 1,
    state: 'cold',
    phase: 'cold',
    free: false,
    invocations: [],
    streaming: [],
    starts: 0,
    extensions: [],
    processes: {},
    tenant: null,
    memoryBytes: 0,
    idleMs: 0,
  }
  const asyncEvents = { waiting: 0, waitingBytes: 0 }
  const limits = { status: 'ok', maxEnvironments: 2, maxQueue: 10, asyncEvents, lastError: null }
  expect(await state()).toEqual({ ...limits, queued: 0, longestWaitMs: 0, environments: [untouched] })
  const calls = [1, 2].map((n) => emulator.invoke({ name: `n${n}`, hold: 'go' }, { tenantId: 'red' }))
  await Promise.all([here.inside('n1'), here.inside('n2')])
  calls.push(emulator.invoke({}, { tenantId: 'red' }))
  await here.queued(1)
  const busy = (id: number) => ({
    ...untouched,
    id,
    state: 'busy',
    phase: 'serving',
    invocations: [expect.any(String)],
    starts: 1,
    processes: { runtime: expect.any(Number) },
    tenant: 'red',
    memoryBytes: expect.any(Number),
  })
  const expected = {
    ...limits,
    queued: 1,
    longestWaitMs: expect.any(Number),
    environments: [busy(1), busy(2)],
  }
  expect(await state()).toEqual(expected)
  here.release('go')
  await Promise.all(calls)
  await until('both to idle', () => emulator.state().environments.every((one) => one.state === 'idle'))
})
