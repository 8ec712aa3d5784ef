import { describe, expect, test } from 'bun:test'
import type { RequestId } from '../../src/core/ids.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import type { SubscribeResult, TelemetryApi } from '../../src/engine/ports.ts'
import { Subscriptions } from '../../src/telemetry/subscriptions.ts'
import { realClock } from '../engine/fakes.ts'
import { until } from '../harness.ts'

const success = { status: 'success', errorType: null } as const
const id = '6d68ca91-49c9-448d-89b8-7ca3e6dc66aa' as RequestId
const at = (): number => realClock.now()
const initStart = (): PlatformEvent => ({ type: 'initStart', at: at(), phase: 'init' })
const initReport = (
  verdict: typeof success | { status: 'error'; errorType: null } = success,
): PlatformEvent => ({
  type: 'initReport',
  at: at(),
  phase: 'init',
  verdict,
  durationMs: 1,
})
const start = (): PlatformEvent => ({ type: 'start', at: at(), id, traceId: '' })
const log = (text: string): PlatformEvent => ({
  type: 'log',
  at: at(),
  process: 'runtime',
  bytes: new TextEncoder().encode(text),
  recordedAt: null,
})

interface Taken {
  readonly type: string
  readonly record: unknown
}

/** Somebody who takes everything. */
function listen() {
  const taken: Taken[] = []
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      taken.push(...((await request.json()) as Taken[]))
      return new Response('')
    },
  })
  return {
    port: server.port as number,
    taken,
    types: () => taken.map(({ type }) => type.replace('platform.', '')),
    [Symbol.asyncDispose]: () => server.stop(true),
  }
}

function subscriptions() {
  const warnings: object[] = []
  const ports: number[] = []
  const counts = { deliveries: 0, retries: 0, droppedRecords: 0 }
  const all = new Subscriptions({
    clock: realClock,
    facts: {
      managed: false,
      functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:test_function',
      functionName: 'greet',
      functionVersion: '$LATEST',
      memorySizeMb: 128,
      instanceId: '$LATEST',
      initializationType: 'on-demand',
    },
    json: false,
    counts: () => counts,
    warn: (fields) => warnings.push(fields),
    destined: (port) => ports.push(port),
  })
  const tell = (...events: readonly PlatformEvent[]): void => {
    for (const event of events) all.listener(event)
  }
  const subscribe = (
    port: number,
    types: readonly string[] = ['platform', 'function'],
    { name = 'watch', api = 'telemetry' as TelemetryApi, accepted = true } = {},
  ): Promise<SubscribeResult> =>
    all.subscribe({
      api,
      name,
      body: JSON.stringify({
        ...(api === 'telemetry' && { schemaVersion: '2022-12-13' }),
        types,
        destination: { protocol: 'HTTP', URI: `http://sandbox:${port}` },
        buffering: { timeoutMs: 25 },
      }),
      accept: () => accepted,
    })
  return { all, tell, subscribe, warnings, ports, counts }
}

describe('who subscribes', () => {
  test('gets what happened since the start of this init, and what happens then', async () => {
    await using server = listen()
    const { all, tell, subscribe, ports } = subscriptions()
    using _ = all
    tell(initStart(), log('of an earlier attempt\n'), initReport({ status: 'error', errorType: null }))
    tell(initStart(), log('loading\n'))
    expect([all.active, all.wanted]).toEqual([false, false])
    expect(await subscribe(server.port)).toEqual({ kind: 'subscribed', types: ['platform', 'function'] })
    expect([all.active, all.wanted, ports]).toEqual([true, true, [server.port]])
    tell(initReport(), start())
    await until('all', () => server.taken.length === 4)
    expect(server.types()).toEqual(['initStart', 'function', 'initReport', 'start'])
    expect(server.taken[1]?.record).toBe('loading\n')
  })

  test('gets only the types that were asked for', async () => {
    await using server = listen()
    const { all, tell, subscribe } = subscriptions()
    using _ = all
    tell(initStart(), log('one\n'))
    await subscribe(server.port, ['function'])
    tell(initReport(), start(), log('two\n'))
    await all.flush(5000)
    expect(server.taken.map(({ record }) => record)).toEqual(['one\n', 'two\n'])
  })

  test('again, gets nothing twice, and what is new of other types', async () => {
    await using first = listen()
    await using second = listen()
    const { all, tell, subscribe } = subscriptions()
    using _ = all
    tell(initStart(), log('loading\n'))
    await subscribe(first.port, ['platform'])
    await until('the first', () => first.taken.length === 1)
    await subscribe(second.port)
    tell(initReport())
    await until('the second', () => second.taken.length === 2)
    expect([first.types(), second.types()]).toEqual([['initStart'], ['function', 'initReport']])
  })

  test('keeps its subscription in the next init', async () => {
    await using server = listen()
    const { all, tell, subscribe } = subscriptions()
    using _ = all
    tell(initStart())
    await subscribe(server.port)
    tell(initReport(), initStart())
    await subscribe(server.port)
    tell(initReport())
    await until('all', () => server.taken.length === 4)
    expect(server.types()).toEqual(['initStart', 'initReport', 'initStart', 'initReport'])
  })

  test('is told of what was too much to keep during init', async () => {
    await using server = listen()
    const { all, tell, subscribe, counts, warnings } = subscriptions()
    using _ = all
    tell(initStart())
    const line = `${'x'.repeat(99_999)}\n`
    for (let n = 0; n < 100; n++) tell(log(line))
    await subscribe(server.port)
    await all.flush(20_000)
    await until('the loss', () => server.types().includes('logsDropped'))
    const kept = server.types().filter((type) => type === 'function').length
    expect(server.taken[0]).toMatchObject({
      type: 'platform.logsDropped',
      record: { reason: 'too much was logged during init' },
    })
    // the start of init is among the lost
    expect(counts.droppedRecords).toBeGreaterThanOrEqual(101 - kept)
    expect(warnings).toHaveLength(1)
  })
})

describe('a subscription is refused', () => {
  test('when the rules say so, and leaves nothing behind', async () => {
    await using server = listen()
    const { all, tell, subscribe, ports } = subscriptions()
    tell(initStart())
    expect(await subscribe(server.port, ['platform'], { accepted: false })).toEqual({ kind: 'refused' })
    expect([all.active, ports]).toEqual([false, []])
  })

  test('to an extension that has one of the other API, until it starts again', async () => {
    await using server = listen()
    const { all, tell, subscribe } = subscriptions()
    using _ = all
    tell(initStart())
    expect((await subscribe(server.port)).kind).toBe('subscribed')
    expect((await subscribe(server.port, ['platform'], { api: 'logs' })).kind).toBe('invalid')
    expect((await subscribe(server.port, ['platform'], { api: 'logs', name: 'other' })).kind).toBe(
      'subscribed',
    )
    tell(initReport(), initStart())
    expect((await subscribe(server.port, ['platform'], { api: 'logs' })).kind).toBe('subscribed')
  })
})

test('without a subscription nothing is kept once init has ended', async () => {
  await using server = listen()
  const { all, tell, subscribe } = subscriptions()
  using _ = all
  tell(initStart(), initReport(), start(), log('later\n'))
  await subscribe(server.port)
  tell(log('now\n'))
  await all.flush(5000)
  expect(server.taken.map(({ record }) => record)).toEqual(['now\n'])
})
