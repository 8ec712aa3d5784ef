/** Managed Instances: what subscribers of the Telemetry API get. */
import { expect } from 'bun:test'
import { registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { accepted, exitOnCrash, fourSeconds, inFlight } from './managed.ts'
import { logsPath, Subscriber, subscribe } from './subscriber.ts'

const watched = { extensions: scriptedExtensions('watcher'), concurrency: 2 }
const sampled = 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1'
const version = { schemaVersion: '2025-01-29' }

/** An init in which the extension has subscribed to everything, up to the runtime's first poll. */
async function subscribed(rie: Emulator, subscriber: Subscriber) {
  const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
  await subscriber.subscribe(rie, watcher, version, undefined, 'telemetry managed')
  await rie.runtime()
  watcher.park()
  return watcher
}

export const managedTelemetry = chapter('Managed Instances: telemetry', (it) => {
  it.external('telemetry of several at a time has one schema version', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
    for (const schemaVersion of ['2022-07-01', '2022-12-13']) {
      const refused = await subscribe(rie, watcher.id, subscriber.body({ schemaVersion }))
      expect(refused.status).toBe(400)
    }
    expect((await subscribe(rie, watcher.id, subscriber.body(version))).status).toBe(200)
  })

  it.external('telemetry of several at a time has no Logs API', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
    const body = subscriber.body({ schemaVersion: '2021-03-18' })
    expect((await subscribe(rie, watcher.id, body, logsPath)).status).toBe(404)
  })

  it.external('telemetry of several at a time is closed after init', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
    await rie.runtime()
    watcher.park()
    await rie.exchange()
    const refused = await subscribe(rie, watcher.id, subscriber.body(version))
    expect([refused.status, refused.json.errorType]).toEqual([403, 'Telemetry.SubscriptionClosed'])
  })

  it.external('telemetry of several at a time tells of an init', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    await subscribed(rie, subscriber)
    await rie.exchange()
    const initStart = (await subscriber.one('platform.initStart')).record
    expect(initStart).toMatchObject({
      initializationType: 'lambda-managed-instances',
      phase: 'init',
      runtimeVersion: '',
      runtimeVersionArn: '',
      functionName: 'test_function',
      functionVersion: '$LATEST',
      instanceId: '$LATEST',
      instanceMaxMemory: 3008 * 1048576,
    })
    const type = { initializationType: 'lambda-managed-instances', phase: 'init', status: 'success' }
    expect((await subscriber.one('platform.initRuntimeDone')).record).toMatchObject(type)
    const { metrics, ...report } = (await subscriber.one('platform.initReport')).record
    expect(report).toEqual(type)
    expect(metrics.durationMs).toBeGreaterThan(0)
    expect((await subscriber.one('platform.extension')).record).toEqual({
      name: 'watcher',
      state: 'Ready',
      events: ['SHUTDOWN'],
    })
    expect((await subscriber.one('platform.telemetrySubscription')).record).toMatchObject({
      name: 'watcher',
      state: 'Subscribed',
    })
  })

  it.external(
    'telemetry of several at a time tells of each invocation, without what it shares with others',
    async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      await subscribed(rie, subscriber)
      const { event } = await rie.exchange('{}', '"done"', { 'X-Amzn-Trace-Id': sampled })
      const begun = (await subscriber.one('platform.start')).record
      expect(begun).toMatchObject({
        requestId: event.id,
        version: '$LATEST',
        functionArn: event.header('Lambda-Runtime-Invoked-Function-Arn'),
      })
      const { metrics, spans, ...report } = (await subscriber.one('platform.report')).record
      expect(report).toMatchObject({ requestId: event.id, status: 'success' })
      expect(Object.keys(metrics)).toEqual(['durationMs'])
      const names = spans.map(({ name }: { name: string }) => name)
      expect(names).toEqual(['responseLatency', 'responseDuration'])
      const sum = spans.reduce((all: number, { durationMs }: { durationMs: number }) => all + durationMs, 0)
      expect(sum).toBeLessThanOrEqual(metrics.durationMs + 0.01)
      expect(subscriber.of('platform.runtimeDone')).toEqual([])
    },
  )

  it.external('telemetry of several at a time names the trace that is sampled', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    await subscribed(rie, subscriber)
    const call = rie.invoke('{}', { 'X-Amzn-Trace-Id': sampled })
    await rie.reply()
    await call
    for (const type of ['platform.start', 'platform.report']) {
      const { tracing } = (await subscriber.one(type)).record
      expect(tracing).toMatchObject({ type: 'X-Amzn-Trace-Id', value: sampled })
    }
  })

  it.external(
    'telemetry of several at a time tells of invocations that overlap, and how each ended',
    async ({ start }) => {
      await using rie = await start({ ...watched, env: fourSeconds })
      await using subscriber = new Subscriber()
      await subscribed(rie, subscriber)
      const [late, failed] = await inFlight(rie, 2)
      const type = { 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' }
      await accepted(rie.error(failed!.id, '{}', type))
      await late!.call
      await subscriber.one('platform.report', 2)
      const [first, second] = subscriber.of('platform.report').map(({ record }) => record)
      expect(first).toMatchObject({ requestId: failed!.id, status: 'error', errorType: 'Function.Oops' })
      expect(second).toMatchObject({ requestId: late!.id, status: 'timeout' })
      expect(second.spans).toBeUndefined()
    },
  )

  it.external(
    'telemetry of several at a time sends each line as a text, JSON too, without its end',
    async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      await subscribed(rie, subscriber)
      const runtime = await rie.runtime()
      await runtime.ask(`printf '%s\\n' '{"level":"TRACE"}' '<b>&'; echo 'to stderr' >&2`)
      await rie.exchange()
      await subscriber.one('function', 3)
      const lines = subscriber.of('function').map(({ record }) => record)
      expect(lines.toSorted()).toEqual(['<b>&', 'to stderr', '{"level":"TRACE"}'])
    },
  )

  it.external(
    'telemetry of several at a time is delivered before the extension is told to end',
    async ({ start }) => {
      await using rie = await start(watched)
      await using subscriber = new Subscriber()
      const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
      const buffering = { timeoutMs: 30_000 }
      await subscriber.subscribe(rie, watcher, { ...version, buffering }, undefined, 'telemetry managed')
      await rie.runtime()
      const shutdown = watcher.event()
      await rie.exchange()
      rie.signal('SIGTERM')
      await shutdown
      expect(subscriber.of('platform.report').length).toBe(1)
      ;(await rie.extension('watcher')).kill()
      expect(await rie.exit()).toBe(0)
    },
  )

  it.external(
    'telemetry of several at a time tells of an init that failed, and of what ended with it',
    async ({ start }) => {
      await using rie = await start({ ...watched, env: exitOnCrash })
      await using subscriber = new Subscriber()
      await subscribed(rie, subscriber)
      ;(await rie.runtime()).tell('exit 1')
      const type = { status: 'error', errorType: 'Runtime.ExitError' }
      expect((await subscriber.one('platform.initRuntimeDone')).record).toMatchObject(type)
      expect((await subscriber.one('platform.initReport')).record).toMatchObject(type)
      ;(await rie.extension('watcher')).kill()
      expect(await rie.exit()).toBe(1)
    },
  )
})
