/** What subscribers of the Telemetry and the Logs API get, for every end that an invocation or an init can have. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { both, ready, registered } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { Upload } from './streams.ts'
import { logsPath, type Received, Subscriber } from './subscriber.ts'
import { starting, watched } from './telemetry.ts'

const trace = 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1'

/** A cold start with a subscriber to everything, up to the point at which the runtime has its event. */
export async function invoked(
  rie: Emulator,
  subscriber: Subscriber,
  headers: Record<string, string> = {},
  over: object = {},
  path?: string,
) {
  const call = rie.invoke('{}', headers)
  const { watcher } = await registered(rie, { watcher: both })
  await subscriber.subscribe(rie, watcher, over, path)
  await rie.runtime()
  watcher.park()
  const { id } = await rie.next()
  return { call, watcher, id }
}

const kinds = (records: readonly Received[]): string[] =>
  records.filter(({ type }) => type.startsWith('platform.')).map(({ type }) => type.slice('platform.'.length))

const spansOf = ({ record }: Received): Record<string, number> =>
  Object.fromEntries(
    record.spans.map(({ name, durationMs }: { name: string; durationMs: number }) => [name, durationMs]),
  )

/** The figures of REPORT, which are those of the record, and the spans of what the runtime did, which add up. */
async function figures(rie: Emulator, subscriber: Subscriber): Promise<void> {
  const done = await subscriber.one('platform.runtimeDone')
  const report = await subscriber.one('platform.report')
  const [, duration, billed, memory, used] = (await rie.stdout.until(
    /^REPORT .*\tDuration: ([\d.]+) ms\tBilled Duration: (\d+) ms\tMemory Size: (\d+) MB\tMax Memory Used: (\d+) MB/m,
  )) as unknown as string[]
  const { metrics } = report.record
  // one has three decimals, the other two
  expect(Math.abs(metrics.durationMs - Number(duration))).toBeLessThan(0.0056)
  expect([metrics.billedDurationMs, metrics.memorySizeMB, metrics.maxMemoryUsedMB]).toEqual(
    [billed, memory, used].map(Number),
  )
  const spans = spansOf(done)
  const sum = Object.values(spans).reduce((total, one) => total + one, 0)
  expect(sum).toBeLessThanOrEqual(done.record.metrics.durationMs + 0.002)
  expect(done.record.metrics.durationMs + (spansOf(report).extensionOverhead as number)).toBeCloseTo(
    metrics.durationMs,
    2,
  )
}

export const telemetryRecords = chapter('Telemetry API: records', (it) => {
  it.external('tells an extension everything since the start of its init', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const call = rie.invoke()
    await (await rie.extension('watcher')).ask('echo before subscribing')
    const { watcher } = await registered(rie, { watcher: both })
    await subscriber.subscribe(rie, watcher)
    await rie.runtime()
    watcher.park()
    await rie.reply()
    await watcher.pass()
    await call
    await subscriber.one('platform.report')
    expect(subscriber.records.map(({ type }) => type)).toEqual([
      'platform.initStart',
      'extension',
      'platform.telemetrySubscription',
      'platform.initRuntimeDone',
      'platform.extension',
      'platform.initReport',
      'platform.start',
      'platform.runtimeDone',
      'platform.report',
    ])
    expect(subscriber.of('extension')[0]?.record).toBe('before subscribing\n')
    expect(subscriber.of('platform.initStart')[0]?.record).toMatchObject({
      initializationType: 'on-demand',
      phase: 'init',
      functionName: 'test_function',
      functionVersion: '$LATEST',
    })
    expect(subscriber.of('platform.initRuntimeDone')[0]?.record).toMatchObject({
      phase: 'init',
      status: 'success',
    })
    expect(subscriber.of('platform.extension')[0]?.record).toEqual({
      name: 'watcher',
      state: 'Ready',
      events: ['INVOKE', 'SHUTDOWN'],
    })
    const times = subscriber.records.map(({ time }) => time)
    expect(times).toEqual(times.toSorted())
  })

  it.external('tells of a success, with figures that agree and add up', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber, { 'X-Amzn-Trace-Id': trace })
    await rie.respond(id, '"12345678"')
    rie.park()
    await watcher.pass()
    await call
    const tracing = { spanId: '0efbd19962d95b05', type: 'X-Amzn-Trace-Id', value: trace }
    expect((await subscriber.one('platform.start')).record).toEqual({
      requestId: id,
      version: '$LATEST',
      tracing,
    })
    const { record } = await subscriber.one('platform.runtimeDone')
    expect(record).toMatchObject({
      requestId: id,
      status: 'success',
      metrics: { producedBytes: 10 },
      tracing,
    })
    expect(record.spans.map(({ name }: { name: string }) => name)).toEqual([
      'responseLatency',
      'responseDuration',
      'runtimeOverhead',
    ])
    expect((await subscriber.one('platform.report')).record).toMatchObject({
      requestId: id,
      status: 'success',
      tracing,
    })
    await figures(rie, subscriber)
  })

  it.external('tells that the runtime is done before the extensions are', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await rie.respond(id)
    rie.park()
    await subscriber.one('platform.runtimeDone')
    expect(subscriber.of('platform.report')).toEqual([])
    await watcher.pass()
    await call
    await subscriber.one('platform.report')
    await figures(rie, subscriber)
  })

  it.external("tells of a handler's error", async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await rie.error(id, '{"errorType":"Oops"}', { 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' })
    rie.park()
    await watcher.pass()
    await call
    const end = { requestId: id, status: 'error', errorType: 'Function.Oops' }
    expect((await subscriber.one('platform.runtimeDone')).record).toMatchObject(end)
    expect((await subscriber.one('platform.report')).record).toMatchObject(end)
    await figures(rie, subscriber)
  })

  const ends: readonly (readonly [
    what: string,
    happens: (rie: Emulator, id: string) => Promise<unknown>,
    end: object,
    spans: readonly string[],
  ])[] = [
    [
      'a runtime that exits',
      async (rie) => (await rie.runtime()).tell('exit 3'),
      { status: 'error', errorType: 'Runtime.ExitError' },
      [],
    ],
    [
      'a runtime that is killed',
      async (rie) => (await rie.runtime()).kill(),
      { status: 'error', errorType: 'Runtime.ExitError' },
      [],
    ],
    [
      'a response that is too large',
      async (rie, id) => {
        await rie.respond(id, `"${'x'.repeat(6_291_600)}"`)
        rie.park()
      },
      { status: 'error', errorType: 'Function.ResponseSizeTooLarge' },
      ['responseLatency'],
    ],
    [
      'a stream that fails',
      async (rie, id) => {
        using upload = await Upload.begin(rie, id)
        upload.write('begun')
        await upload.fail('Function.Boom', '{"errorMessage":"boom"}')
        rie.park()
      },
      { status: 'error', errorType: 'Function.Boom' },
      // it was read to its end, where the error is
      ['responseLatency', 'responseDuration', 'runtimeOverhead'],
    ],
    [
      'an extension that crashes',
      async (rie) => (await rie.extension('watcher')).tell('exit 4'),
      { status: 'error', errorType: 'Extension.Crash' },
      [],
    ],
    ['a stop in the middle of it', async (rie) => rie.signal('SIGTERM'), { status: 'error' }, []],
  ]
  for (const [what, happens, end, spans] of ends) {
    it.external(`tells of ${what}`, async ({ start }) => {
      await using rie = await start({ ...watched, env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '0' } })
      await using subscriber = new Subscriber()
      const { call, watcher, id } = await invoked(rie, subscriber)
      await watcher.event()
      watcher.park()
      await happens(rie, id)
      const { record } = await subscriber.one('platform.report')
      expect(record).toMatchObject({ requestId: id, ...end })
      const done = await subscriber.one('platform.runtimeDone')
      expect(done.record).toMatchObject(end)
      expect(Object.keys(spansOf(done))).toEqual([...spans])
      await call.catch(() => {})
    })
  }

  it.external('tells of a time-out, before SHUTDOWN is told', async ({ start }) => {
    await using rie = await start({ ...watched, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber, {}, { buffering: { timeoutMs: 30_000 } })
    await watcher.event()
    const shutdown = await watcher.event()
    expect(JSON.parse(shutdown.text)).toMatchObject({ eventType: 'SHUTDOWN', shutdownReason: 'timeout' })
    // all of it is there, although no batch was due
    expect(subscriber.of('platform.report').map(({ record }) => [record.requestId, record.status])).toEqual([
      [id, 'timeout'],
    ])
    expect(subscriber.of('platform.runtimeDone').map(({ record }) => record.status)).toEqual(['timeout'])
    await call
  })

  it.external('tells of both attempts of an init that fails', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher } = await starting(rie)
    await subscriber.subscribe(rie, watcher)
    ;(await rie.runtime()).tell('exit 5')
    const again = await registered(rie, { watcher: both }, 2)
    await subscriber.subscribe(rie, again.watcher)
    ;(await rie.runtime(2)).tell('exit 6')
    await call
    await subscriber.one('platform.report')
    const told = subscriber.records.filter(({ type }) => /init|report|runtimeDone/.test(type))
    expect(told.map(({ type, record }) => [type, record.phase ?? null, record.status ?? null])).toEqual([
      ['platform.initStart', 'init', null],
      ['platform.initRuntimeDone', 'init', 'error'],
      ['platform.initReport', 'init', 'error'],
      ['platform.initStart', 'invoke', null],
      ['platform.initRuntimeDone', 'invoke', 'error'],
      ['platform.initReport', 'invoke', 'error'],
      ['platform.runtimeDone', null, 'error'],
      ['platform.report', null, 'error'],
    ])
  })

  it.external('tells of an init that takes too long', async ({ start }) => {
    await using rie = await start({ ...watched, env: { AWS_LAMBDA_RIE_INIT_TIMEOUT: '4' } })
    await using subscriber = new Subscriber()
    const { call, watcher } = await starting(rie)
    await subscriber.subscribe(rie, watcher)
    await rie.runtime()
    const { record } = await subscriber.one('platform.initReport')
    expect(record).toMatchObject({ phase: 'init', status: 'timeout' })
    call.catch(() => {})
  })

  it.external('tells of a stream, whose latency ends with its first byte', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await rie.respond(id, 'x'.repeat(5000), { 'Lambda-Runtime-Function-Response-Mode': 'streaming' })
    rie.park()
    await watcher.pass()
    await call
    const done = await subscriber.one('platform.runtimeDone')
    expect(done.record).toMatchObject({ status: 'success', metrics: { producedBytes: 5000 } })
    expect(Object.keys(spansOf(done))).toEqual(['responseLatency', 'responseDuration', 'runtimeOverhead'])
    await subscriber.one('platform.report')
    await figures(rie, subscriber)
  })

  it.external('tells of each try of an Event, all under its one request id', async ({ start }) => {
    await using rie = await start({ ...watched, flags: ['--async-retry-delays', '0'] })
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber, { 'X-Amz-Invocation-Type': 'Event' })
    await rie.error(id, '{"errorType":"Wrong"}')
    rie.park()
    await watcher.pass()
    expect((await call).status).toBe(202)
    expect((await rie.reply()).id).toBe(id)
    await watcher.pass()
    await subscriber.one('platform.report', 2)
    for (const type of ['platform.start', 'platform.runtimeDone', 'platform.report']) {
      const told = subscriber.of(type).map(({ record }) => [record.requestId, record.status])
      const [failed, done] = type === 'platform.start' ? [undefined, undefined] : ['error', 'success']
      expect([type, told]).toEqual([
        type,
        [
          [id, failed],
          [id, done],
        ],
      ])
    }
  })

  it.external('keeps a subscription when the environment starts again', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, id } = await invoked(rie, subscriber)
    ;(await rie.runtime()).tell('exit 1')
    await call
    rie.drop()
    const again = rie.invoke()
    await ready(rie, { watcher: [] }, 2)
    rie.runtime(2, true)
    await rie.reply()
    await again
    await subscriber.one('platform.report', 2)
    expect(kinds(subscriber.records).filter((kind) => kind === 'initStart' || kind === 'start')).toEqual([
      'initStart',
      'start',
      'initStart',
      'start',
    ])
    expect(subscriber.of('platform.report').map(({ record }) => record.requestId === id)).toEqual([
      true,
      false,
    ])
  })

  it.external(
    'has what the function and its extensions print, each of its type, with their newlines',
    async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      const { call, watcher, id } = await invoked(rie, subscriber)
      await (await rie.runtime()).ask('echo one; echo; echo "  two" >&2; printf unfinished')
      await (await rie.extension('watcher')).ask('echo "{\\"level\\":\\"INFO\\"}"')
      await rie.respond(id)
      rie.park()
      await watcher.pass()
      await call
      await subscriber.one('platform.report')
      expect(subscriber.of('function').map(({ record }) => record)).toEqual([
        'one\n',
        '\n',
        '  two\n',
        'unfinished\n',
      ])
      expect(subscriber.of('extension').map(({ record }) => record)).toEqual(['{"level":"INFO"}\n'])
    },
  )

  it.external('has only the types that were asked for', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber, {}, { types: ['function'] })
    await (await rie.runtime()).ask('echo hello')
    await rie.respond(id)
    rie.park()
    await watcher.pass()
    await call
    await subscriber.one('function')
    await rie.stdout.until(/^REPORT/m)
    expect(subscriber.records.map(({ type }) => type)).toEqual(['function'])
  })

  it.external('has the records of the Logs API for a subscriber of the Logs API', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber, {}, {}, logsPath)
    await rie.error(id, '{}', { 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' })
    rie.park()
    await watcher.pass()
    await call
    await subscriber.one('platform.report')
    expect(kinds(subscriber.records)).toEqual([
      'logsSubscription',
      'extension',
      'start',
      'runtimeDone',
      'end',
      'report',
    ])
    expect(subscriber.of('platform.runtimeDone')[0]?.record).toEqual({ requestId: id, status: 'failure' })
    ;(await rie.runtime()).tell('exit 1')
    expect((await subscriber.one('platform.fault')).record).toContain(
      'Runtime exited with error: exit status 1',
    )
  })

  it.external('puts lines that print JSON into strings', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await (await rie.runtime()).ask('echo "{\\"a\\":1}"')
    await rie.respond(id)
    rie.park()
    await watcher.pass()
    await call
    expect((await subscriber.one('function')).record).toBe('{"a":1}\n')
    await until('the report', () => subscriber.of('platform.report')[0])
  })
})
