import { describe, expect, test } from 'bun:test'
import { History, keptInvocations } from '../../src/console/history.ts'
import { Keeper, keep, keptBytes } from '../../src/console/kept.ts'
import type { Outcome } from '../../src/core/failure.ts'
import type { EnvironmentId, RequestId } from '../../src/core/ids.ts'
import type { Invocation } from '../../src/engine/invocation.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const payload = (...texts: string[]) => {
  const chunks = texts.map(bytes)
  return { size: chunks.reduce((sum, { length }) => sum + length, 0), chunks }
}

/** A history whose clock is set by hand. */
function scene() {
  let now = 1000
  let changes = 0
  const history = new History({
    now: () => now,
    epoch: () => 1_700_000_000_000 + now,
    render: (outcome, { id }) => ({
      rie: { status: 200, headers: [['x-amzn-RequestId', id]] },
      lambda: { status: 200, headers: [] },
      body: 'payload' in outcome && outcome.payload !== null ? outcome.payload.chunks : [bytes(outcome.kind)],
    }),
    changed: () => changes++,
  })
  const tell = history.listener(7 as EnvironmentId)
  const success = { kind: 'response', payload: payload('"', 'ok"'), contentType: null } as const
  return {
    history,
    tell,
    get changes() {
      return changes
    },
    at: (time: number) => {
      now = time
    },
    arrive: (name: string, event = '{}') =>
      history.tap(null).arrived({
        id: name as RequestId,
        payload: payload(event),
        arn: 'arn',
        traceId: '',
      } as unknown as Invocation),
    start: (name: string, at: number) =>
      tell({ type: 'start', at, id: name as RequestId, traceId: 'Root=1' }),
    log: (text: string) =>
      tell({ type: 'log', at: 0, recordedAt: null, process: 'runtime', bytes: bytes(text) }),
    answer: (name: string, at: number, outcome: Outcome = success) =>
      tell({ type: 'answered', at, id: name as RequestId, outcome, durationMs: 0 }),
    report: (name: string, at: number, initMs: number | null = null) =>
      tell({
        type: 'report',
        at,
        id: name as RequestId,
        traceId: '',
        verdict: { status: 'success', errorType: null },
        durationMs: 0,
        initMs,
        runtimeDoneAt: at,
        respondingAt: null,
        respondedAt: null,
        memoryBytes: 42,
      }),
  }
}

test('an invocation is followed from its arrival to its report', () => {
  const it = scene()
  it.arrive('a', '{"n":1}')
  expect(it.history.summaries()).toMatchObject([
    { id: 'a', state: 'waiting', durationMs: null, what: '{"n":1}' },
  ])
  it.tell({ type: 'initStart', at: 1010, phase: 'init' })
  it.log('loading\n')
  it.start('a', 1060)
  expect(it.history.detail('a')).toMatchObject({ state: 'running', environment: 7 })
  it.log('working\n')
  it.answer('a', 1100)
  it.log('late\n')
  it.report('a', 1105, 45)
  const { event, answer, log, heads, ...rest } = it.history.detail('a')!
  expect([event?.text, answer?.text, log.text]).toEqual(['{"n":1}', '"ok"', 'loading\nworking\nlate\n'])
  expect(heads?.rie.headers).toEqual([['x-amzn-RequestId', 'a']])
  expect(rest).toEqual({
    id: 'a' as RequestId,
    state: 'succeeded',
    arrivedAt: 1_700_000_001_000,
    durationMs: 100,
    errorType: null,
    what: '{"n":1}',
    cold: true,
    environment: 7,
    arn: 'arn',
    traceId: 'Root=1',
    queueMs: 15,
    initMs: 45,
    latencyMs: 40,
    streamMs: null,
    overheadMs: 5,
    memoryBytes: 42,
  })
})

test('of an eager init only what the invocation waited for is its own', () => {
  const it = scene()
  it.arrive('a')
  it.start('a', 1003)
  it.answer('a', 1004)
  it.report('a', 1005, 500)
  expect(it.history.detail('a')).toMatchObject({ queueMs: 0, initMs: 3 })
})

test.each([
  [
    { kind: 'error', payload: payload('{"errorType":"RangeError"}'), errorType: null },
    'failed',
    'RangeError',
  ],
  [{ kind: 'timeout' }, 'timed out', null],
  [{ kind: 'throttled' }, 'refused', null],
  [{ kind: 'shutdown' }, 'refused', null],
  [{ kind: 'oversize', bytes: 1 }, 'failed', null],
] as const)('%j is %s', (outcome, state, errorType) => {
  const it = scene()
  it.arrive('a')
  it.answer('a', 1001, outcome as Outcome)
  expect(it.history.summaries()).toMatchObject([{ state, errorType }])
})

test('of a stream the latency ends with the first byte, and its bytes are not kept', () => {
  const it = scene()
  it.arrive('a')
  it.start('a', 1010)
  it.tell({ type: 'responseStart', at: 1020, id: 'a' as RequestId, latencyMs: 10 })
  expect(it.history.detail('a')).toMatchObject({ state: 'running', latencyMs: 10, streamMs: null })
  it.answer('a', 1050)
  expect(it.history.detail('a')).toMatchObject({
    state: 'succeeded',
    latencyMs: 10,
    streamMs: 30,
    answer: null,
  })
})

test('one that no environment took is refused', () => {
  const it = scene()
  it.arrive('a')
  it.at(1500)
  it.history.tap(null).refused({ id: 'a' } as Invocation, { kind: 'throttled' })
  expect(it.history.summaries()).toMatchObject([{ state: 'refused', durationMs: 500 }])
})

test('one that came before the console was opened is shown without its event', () => {
  const it = scene()
  it.start('a', 1001)
  it.answer('a', 1002)
  expect(it.history.detail('a')).toMatchObject({ state: 'succeeded', event: null })
  // and one that was answered meanwhile is not made up
  it.answer('b', 1003)
  it.report('b', 1004)
  expect(it.history.summaries()).toHaveLength(1)
})

test('the newest 200 are kept, newest first', () => {
  const it = scene()
  for (let count = 0; count < keptInvocations + 5; count++) it.arrive(`${count}`)
  const ids = it.history.summaries().map(({ id }) => String(id))
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([200, '204', '5'])
  expect(it.history.detail('4')).toBeNull()
})

test('what has changed is told once, oldest first', () => {
  const it = scene()
  it.arrive('a')
  it.arrive('b')
  it.start('a', 1001)
  expect(it.history.takeChanged().map(({ id, state }) => `${id} ${state}`)).toEqual([
    'a running',
    'b waiting',
  ])
  expect(it.history.takeChanged()).toEqual([])
  expect(it.changes).toBe(3)
})

describe('what is kept of a text', () => {
  test('is 64 KiB, and says how long the whole is', () => {
    const whole = 'x'.repeat(keptBytes - 1)
    expect(keep([bytes(whole), bytes('yz'), bytes('more')]).kept).toEqual({
      text: `${whole}y`,
      bytes: keptBytes + 5,
      cut: true,
    })
  })

  test('ends with a whole character', () => {
    const { text, cut } = keep([bytes('x'.repeat(keptBytes - 1)), bytes('ü')]).kept
    expect([text.at(-1), cut]).toEqual(['x', true])
  })

  test('is a copy: what it was taken from may change', () => {
    const keeper = new Keeper()
    const buffer = bytes('abc')
    keeper.add(buffer)
    buffer.fill(0)
    expect(keeper.kept).toEqual({ text: 'abc', bytes: 3, cut: false })
  })
})
