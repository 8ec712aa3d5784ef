import { describe, expect, test } from 'bun:test'
import type { Verdict } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import { categoryOf } from '../../src/telemetry/category.ts'
import { droppedRecord, formOf, renderRecords } from '../../src/telemetry/records.ts'
import { WallClock } from '../../src/telemetry/wall-clock.ts'
import { FakeClock } from '../engine/fakes.ts'
import { flaw, schemas } from './schemas.ts'

const clock = new FakeClock()
const wall = new WallClock(clock)
/** 2023-11-14T22:13:20.000Z */
const at = clock.monotonic
const id = '6d68ca91-49c9-448d-89b8-7ca3e6dc66aa' as RequestId
const facts = {
  managed: false,
  functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:test_function',
  functionName: 'greet',
  functionVersion: '$LATEST',
  memorySizeMb: 128,
  instanceId: '$LATEST',
  initializationType: 'on-demand',
}
const success: Verdict = { status: 'success', errorType: null }
const sampled = 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1'

const initStart: PlatformEvent = { type: 'initStart', at, phase: 'init' }
const initRuntimeDone: PlatformEvent = { type: 'initRuntimeDone', at, phase: 'init', verdict: success }
const initReport: PlatformEvent = {
  type: 'initReport',
  at,
  phase: 'init',
  verdict: success,
  durationMs: 125.3312,
}
const extension: PlatformEvent = { type: 'extension', at, name: 'watch', state: 'Ready', events: ['INVOKE'] }
const start: PlatformEvent = { type: 'start', at, id, traceId: sampled }
const runtimeDone: PlatformEvent = {
  type: 'runtimeDone',
  at: at + 10,
  id,
  traceId: sampled,
  verdict: success,
  durationMs: 10,
  producedBytes: 16,
  respondingAt: at + 6.5,
  respondedAt: at + 8,
}
const report: PlatformEvent = {
  type: 'report',
  at: at + 12,
  id,
  traceId: sampled,
  verdict: success,
  durationMs: 12,
  initMs: null,
  memoryBytes: 30 * 1024 * 1024 + 1,
  runtimeDoneAt: at + 10,
  respondingAt: null,
  respondedAt: null,
}
const fault: PlatformEvent = {
  type: 'fault',
  at,
  process: 'runtime',
  fault: { errorType: 'Runtime.ExitError', text: 'Runtime exited with error: exit status 1' },
  idle: false,
  id,
}
const subscribed: PlatformEvent = {
  type: 'subscribed',
  at,
  api: 'telemetry',
  name: 'watch',
  types: ['platform'],
}
const log = (text: string | Uint8Array, recordedAt: number | null = null): PlatformEvent => ({
  type: 'log',
  at,
  process: 'runtime',
  bytes: typeof text === 'string' ? new TextEncoder().encode(text) : text,
  recordedAt,
})

/** Renders in one form, and holds everything to its schema. */
function render(
  form: string,
  event: PlatformEvent,
  json = false,
): { time: string; type: string; record: unknown }[] {
  const [api, version] = form.split(' ') as ['telemetry' | 'logs', string]
  const managed = version === 'managed'
  const asked = managed ? formOf(api, '2025-01-29', false) : formOf(api, version, json)
  const records = renderRecords(event, asked, { ...facts, managed }, wall).map((text) => JSON.parse(text))
  for (const one of records) expect(flaw(form, one)).toBeNull()
  return records
}
const only = (form: string, event: PlatformEvent, json = false): unknown =>
  render(form, event, json)[0]?.record
const full = 'telemetry 2022-12-13'

test('every event of every outcome keeps to the schema of every form', () => {
  const verdicts: Verdict[] = [
    success,
    { status: 'error', errorType: null },
    { status: 'error', errorType: 'Runtime.ExitError' },
    { status: 'timeout', errorType: null },
  ]
  const events: PlatformEvent[] = [
    initStart,
    { type: 'restoreStart', at },
    extension,
    start,
    fault,
    subscribed,
    { ...subscribed, api: 'logs' },
  ]
  events.push({ ...extension, state: 'LaunchError', events: [] }, { ...fault, id: null, idle: true })
  for (const verdict of verdicts) {
    events.push({ ...initRuntimeDone, verdict }, { ...initReport, verdict }, { ...runtimeDone, verdict })
    events.push({ ...runtimeDone, verdict, producedBytes: null, respondingAt: null, respondedAt: null })
    events.push({ ...report, verdict }, { ...report, verdict, initMs: 107.1234 })
    events.push(
      { ...report, verdict, restoreMs: 55.5 },
      { type: 'restoreReport', at, verdict, durationMs: 55.5 },
    )
  }
  for (const traceId of ['', 'Root=1-2-3;Sampled=0', 'Root=1-2-3;Sampled=1', 'nonsense']) {
    events.push({ ...start, traceId }, { ...runtimeDone, traceId }, { ...report, traceId })
  }
  events.push(log('one\ntwo\n'), log('{"a":1}\n'), log('a\nb', 1_700_000_000_123))
  let seen = 0
  const types = new Map<string, Set<string>>()
  for (const form of Object.keys(schemas)) {
    const of = new Set<string>()
    types.set(form, of)
    for (const event of events) {
      for (const json of [false, true]) {
        for (const one of render(form, event, json)) {
          of.add(one.type)
          seen++
        }
      }
    }
  }
  expect(seen).toBeGreaterThan(300)
  // each type of a form is there but those that other tests render
  for (const [form, of] of types) {
    const missing = Object.keys(schemas[form]!).filter((type) => !of.has(type))
    expect(missing).toEqual(['platform.logsDropped', 'extension'])
  }
})

test('a loss is a record of both APIs', () => {
  const text = droppedRecord(wall.text(at), 3, 456, 'too "slow"')
  for (const form of Object.keys(schemas)) expect(flaw(form, JSON.parse(text))).toBeNull()
  expect(JSON.parse(text)).toEqual({
    time: '2023-11-14T22:13:20.000Z',
    type: 'platform.logsDropped',
    record: { droppedBytes: 456, droppedRecords: 3, reason: 'too "slow"' },
  })
})

describe('the Telemetry API', () => {
  test('has the whole of an init', () => {
    expect(render(full, initStart)).toEqual([
      {
        time: '2023-11-14T22:13:20.000Z',
        type: 'platform.initStart',
        record: {
          initializationType: 'on-demand',
          phase: 'init',
          functionName: 'greet',
          functionVersion: '$LATEST',
          instanceId: '$LATEST',
          instanceMaxMemory: 128,
        },
      },
    ])
    expect(
      only(full, { ...initRuntimeDone, verdict: { status: 'error', errorType: 'Runtime.ExitError' } }),
    ).toEqual({
      initializationType: 'on-demand',
      phase: 'init',
      status: 'error',
      errorType: 'Runtime.ExitError',
    })
    expect(only(full, initReport)).toEqual({
      initializationType: 'on-demand',
      phase: 'init',
      status: 'success',
      metrics: { durationMs: 125.331 },
    })
  })

  test('has less in its first schema version', () => {
    const first = 'telemetry 2022-07-01'
    expect(only(first, initStart)).toEqual({ initializationType: 'on-demand', phase: 'init' })
    expect(only(first, initRuntimeDone)).toEqual({ initializationType: 'on-demand', status: 'success' })
    expect(only(first, initReport)).toEqual({
      initializationType: 'on-demand',
      phase: 'init',
      metrics: { durationMs: 125.331 },
    })
    expect((only(first, runtimeDone) as { spans: { name: string }[] }).spans.map(({ name }) => name)).toEqual(
      ['responseLatency', 'responseDuration'],
    )
  })

  test('has the spans of an invocation, which follow each other and add up', () => {
    const tracing = { spanId: '0efbd19962d95b05', type: 'X-Amzn-Trace-Id', value: sampled }
    expect(only(full, start)).toEqual({ requestId: id, version: '$LATEST', tracing })
    expect(only(full, runtimeDone)).toEqual({
      requestId: id,
      status: 'success',
      metrics: { durationMs: 10, producedBytes: 16 },
      spans: [
        { name: 'responseLatency', start: '2023-11-14T22:13:20.000Z', durationMs: 6.5 },
        { name: 'responseDuration', start: '2023-11-14T22:13:20.006Z', durationMs: 1.5 },
        { name: 'runtimeOverhead', start: '2023-11-14T22:13:20.008Z', durationMs: 2 },
      ],
      tracing,
    })
    expect(only(full, report)).toEqual({
      requestId: id,
      status: 'success',
      metrics: { durationMs: 12, billedDurationMs: 12, memorySizeMB: 128, maxMemoryUsedMB: 31 },
      spans: [{ name: 'extensionOverhead', start: '2023-11-14T22:13:20.010Z', durationMs: 2 }],
      tracing,
    })
  })

  test('has the latency alone of a response that was not read to its end', () => {
    const broken = { ...runtimeDone, respondedAt: null, producedBytes: null }
    expect((only(full, broken) as { spans: { name: string }[] }).spans.map(({ name }) => name)).toEqual([
      'responseLatency',
    ])
  })

  test('writes durations with three decimals', () => {
    const [text] = renderRecords(report, formOf('telemetry', '2022-12-13', false), facts, wall)
    expect(text).toContain('"durationMs":12.000,')
  })

  test.each([
    ['', false, undefined],
    ['Root=1-2-3', false, undefined],
    ['Root=1-2-3;Sampled=0', false, undefined],
    ['Parent=1;Sampled=1', false, undefined],
    ['Root=1-2-3;Sampled=1', true, undefined],
    ['Sampled=1;Root=1-2-3;Parent=abc;Lineage=1:2:3', true, 'abc'],
  ] as const)('traces %p: %p', (traceId, traced, spanId) => {
    const [one] = renderRecords({ ...start, traceId }, formOf('telemetry', '2022-12-13', false), facts, wall)
    const { tracing } = JSON.parse(one as string).record
    expect(tracing).toEqual(
      traced ? { ...(spanId && { spanId }), type: 'X-Amzn-Trace-Id', value: traceId } : undefined,
    )
  })

  test('never has what only the Logs API knows', () => {
    expect([...render(full, fault), ...render(full, { ...subscribed, api: 'logs' })]).toEqual([])
  })
})

describe('the Logs API', () => {
  const form = 'logs 2021-03-18'

  test('has start, runtimeDone, end and report', () => {
    const records = [start, runtimeDone, report].flatMap((event) => render(form, event))
    expect(records.map(({ type, record }) => [type, record])).toEqual([
      ['platform.start', { requestId: id, version: '$LATEST' }],
      ['platform.runtimeDone', { requestId: id, status: 'success' }],
      ['platform.end', { requestId: id }],
      [
        'platform.report',
        {
          requestId: id,
          metrics: { durationMs: 12, billedDurationMs: 12, memorySizeMB: 128, maxMemoryUsedMB: 31 },
        },
      ],
    ])
    expect(only(form, { ...runtimeDone, verdict: { status: 'error', errorType: null } })).toMatchObject({
      status: 'failure',
    })
    expect(render('logs 2020-08-15', runtimeDone)).toEqual([])
  })

  test('has faults as a text', () => {
    expect(only(form, fault)).toBe(
      `RequestId: ${id} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n`,
    )
    expect(only(form, { ...fault, id: null })).toBe(
      'Runtime exited with error: exit status 1\nRuntime.ExitError\n',
    )
  })

  test('never has what only the Telemetry API knows', () => {
    expect(
      [initStart, initRuntimeDone, initReport, subscribed].flatMap((event) => render(form, event)),
    ).toEqual([])
  })
})

describe('lines', () => {
  const records = (event: PlatformEvent, json = false, form = full) =>
    render(form, event, json).map(({ record }) => record)

  test('are one record each, with their newline', () => {
    expect(records(log('one\n\n  two\r\n'))).toEqual(['one\n', '\n', '  two\r\n'])
  })

  test('of an extension are of its type', () => {
    expect(render(full, { ...log('x\n'), process: 'extension:watch' } as PlatformEvent)).toMatchObject([
      { type: 'extension', record: 'x\n' },
    ])
  })

  test('with bytes that are no UTF-8 are text all the same', () => {
    expect(records(log(new Uint8Array([97, 0xff, 98, 10])))).toEqual(['a\ufffdb\n'])
  })

  test('of a logger are one record with all its line feeds, and its own time', () => {
    expect(render(full, log('Error: no\n  at a\n', 1_700_000_000_123))).toEqual([
      { time: '2023-11-14T22:13:20.123Z', type: 'function', record: 'Error: no\n  at a\n' },
    ])
  })

  test('that are JSON objects are objects with the JSON format, in all but the first schema version', () => {
    const event = log('{"level":"INFO","n":12345678901234567890}\nplain\n[1]\n{"half":\n')
    const strings = ['{"level":"INFO","n":12345678901234567890}\n', 'plain\n', '[1]\n', '{"half":\n']
    const objects = [JSON.parse(strings[0] as string), ...strings.slice(1)]
    expect(records(event, true)).toEqual(objects)
    expect(records(event, true, 'telemetry 2025-01-29')).toEqual(objects)
    expect(records(event, true, 'telemetry 2022-07-01')).toEqual(strings)
    expect(records(event, true, 'logs 2021-03-18')).toEqual(strings)
    expect(records(event, false)).toEqual(strings)
  })

  test('that are objects keep the digits of their numbers, and take one line', () => {
    const form = formOf('telemetry', '2022-12-13', true)
    expect(renderRecords(log('{"n":1234567890.12345678901}\n'), form, facts, wall)[0]).toEndWith(
      '"record":{"n":1234567890.12345678901}}',
    )
    expect(renderRecords(log('{\n "n":12345678901234567890\r\n}', 0), form, facts, wall)[0]).toEndWith(
      '"record":{"n":12345678901234567890}}',
    )
  })
})

test('each event has the type that a subscription names', () => {
  expect(
    [initStart, fault, log('x\n'), { ...log('x\n'), process: 'extension:a' } as PlatformEvent].map(
      categoryOf,
    ),
  ).toEqual(['platform', 'platform', 'function', 'extension'])
  expect(categoryOf({ type: 'shutdown', at, reason: 'timeout' })).toBeNull()
})

test('times follow a calendar clock that is set, within a second, and are even otherwise', () => {
  const own = new FakeClock()
  const times = new WallClock(own)
  const later = (monotonicMs: number, unixMs: number): string => {
    own.monotonic += monotonicMs
    own.unix += unixMs
    times.follow(own.monotonic)
    return times.text(own.monotonic)
  }
  expect(later(1010, 1012)).toBe('2023-11-14T22:13:21.010Z')
  expect(later(1000, 3_601_000)).toBe('2023-11-14T22:13:22.010Z')
  expect(later(1, 1)).toBe('2023-11-14T23:13:22.013Z')
})

describe('Managed Instances', () => {
  const managed = { ...facts, managed: true, initializationType: 'lambda-managed-instances' }
  const one = (event: PlatformEvent, objects = false): unknown[] =>
    renderRecords(event, formOf('telemetry', '2025-01-29', objects), managed, wall).map((text) => {
      const record = JSON.parse(text)
      expect(flaw('telemetry managed', record)).toBeNull()
      return record.record
    })

  test('start with the memory in bytes, and invocations with the ARN', () => {
    expect(one(initStart)).toEqual([
      {
        initializationType: 'lambda-managed-instances',
        phase: 'init',
        runtimeVersion: '',
        runtimeVersionArn: '',
        functionName: 'greet',
        functionVersion: '$LATEST',
        instanceId: '$LATEST',
        instanceMaxMemory: 134_217_728,
      },
    ])
    expect(one(start)).toMatchObject([{ functionArn: facts.functionArn }])
  })

  test('tell what can be told of one invocation among others, when it is over', () => {
    const { respondingAt, respondedAt } = { respondingAt: at + 6.5, respondedAt: at + 8 }
    const whole = { ...report, respondingAt, respondedAt } as PlatformEvent
    const spans = (event: object) => one({ ...event } as PlatformEvent)
    expect(one(whole)).toEqual([
      {
        requestId: id,
        status: 'success',
        metrics: { durationMs: 12 },
        tracing: { spanId: '0efbd19962d95b05', type: 'X-Amzn-Trace-Id', value: sampled },
        spans: [
          { name: 'responseLatency', start: expect.any(String), durationMs: 6.5 },
          { name: 'responseDuration', start: expect.any(String), durationMs: 1.5 },
        ],
      },
    ])
    expect(one(runtimeDone)).toEqual([])
    // a response that failed while it was read, and a timeout
    const failed = { status: 'error', errorType: 'Function.ResponseSizeTooLarge' } as const
    expect(spans({ ...report, respondingAt, verdict: failed })).toMatchObject([
      { spans: [{ name: 'responseLatency' }] },
    ])
    const late = { status: 'timeout', errorType: null } as const
    expect(spans({ ...whole, verdict: late })).toEqual([
      expect.not.objectContaining({ spans: expect.anything() }),
    ])
  })

  test('send each line as a text without its end', () => {
    expect(one(log('{"a":1}\r\n\n<b>&\n'))).toEqual(['{"a":1}', '', '<b>&'])
    expect(one(log('one\nrecord\n', 1_700_000_000_000))).toEqual(['one\nrecord'])
  })
})

test('a restore has a record of its begin and of its end, and REPORT its time', () => {
  expect(only(full, { type: 'restoreStart', at })).toEqual({
    functionName: 'greet',
    functionVersion: '$LATEST',
    instanceId: '$LATEST',
    instanceMaxMemory: 128,
  })
  const verdict = { status: 'error', errorType: 'Runtime.RestoreHookUserTimeout' } as const
  const end: PlatformEvent = { type: 'restoreReport', at, verdict, durationMs: 10_000.1 }
  expect(render(full, end).map(({ type, record }) => [type, record])).toEqual([
    ['platform.restoreRuntimeDone', verdict],
    ['platform.restoreReport', { ...verdict, metrics: { durationMs: 10000.1 } }],
  ])
  expect(only(full, { ...report, restoreMs: 55.5 } as PlatformEvent)).toMatchObject({
    metrics: { restoreDurationMs: 55.5 },
  })
})
