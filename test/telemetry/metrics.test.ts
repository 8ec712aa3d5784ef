import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import { Distribution, Metrics } from '../../src/telemetry/metrics.ts'
import { createExposition } from '../../src/telemetry/prometheus.ts'

const payload = { size: 5, chunks: [] }
const fault = { errorType: 'Runtime.ExitError', text: 'gone' }
const outcomes: Outcome[] = [
  { kind: 'response', payload, contentType: null },
  { kind: 'error', payload, errorType: null },
  { kind: 'oversize', bytes: 7_000_000 },
  { kind: 'broken-stream', payload: null, contentType: null, errorType: null, document: null },
  { kind: 'timeout' },
  { kind: 'fault', fault },
  { kind: 'throttled' },
  { kind: 'shutdown' },
]

test('numbers fall into the first bucket that holds them', () => {
  const distribution = new Distribution([1, 2, 5])
  for (const value of [0, 1, 1.5, 2, 5, 6]) distribution.add(value)
  expect({
    counts: [...distribution.counts],
    count: distribution.count,
    sum: distribution.sum,
  }).toEqual({ counts: [2, 2, 1], count: 6, sum: 15.5 })
})

function answer(metrics: Metrics, outcome: Outcome, durationMs: number | null): void {
  metrics.listener({ type: 'answered', at: 0, id: 'an-id' as RequestId, outcome, durationMs })
}

const restart = (metrics: Metrics, reason: 'timeout'): void =>
  metrics.listener({ type: 'shutdown', at: 0, reason })

describe('what happens is counted', () => {
  test('by outcome, with the time of those that started and the size of what was answered', () => {
    const metrics = new Metrics()
    for (const outcome of outcomes) answer(metrics, outcome, outcome.kind === 'throttled' ? null : 20)
    answer(metrics, outcomes[0] as Outcome, 500)
    expect(metrics.invocations).toEqual({
      response: 2,
      error: 1,
      oversize: 1,
      'broken-stream': 1,
      timeout: 1,
      fault: 1,
      throttled: 1,
      shutdown: 1,
    })
    expect({ count: metrics.duration.count, sum: metrics.duration.sum }).toEqual({
      count: 8,
      sum: expect.closeTo(0.64, 9),
    })
    expect({ count: metrics.responseBytes.count, sum: metrics.responseBytes.sum }).toEqual({
      count: 3,
      sum: 15,
    })
  })

  test('by the time to the first byte of a stream', () => {
    const metrics = new Metrics()
    metrics.listener({ type: 'responseStart', at: 0, id: 'an-id' as RequestId, latencyMs: 40 })
    expect({ count: metrics.firstByte.count, sum: metrics.firstByte.sum }).toEqual({ count: 1, sum: 0.04 })
  })

  test('by wait, by init that succeeded, and by cause of restart', () => {
    const metrics = new Metrics()
    metrics.placed(0)
    metrics.placed(1500)
    const init = { type: 'initReport', at: 0, phase: 'init' } as const
    metrics.listener({ ...init, verdict: { status: 'success', errorType: null }, durationMs: 250 })
    metrics.listener({ ...init, verdict: { status: 'timeout', errorType: null }, durationMs: 10_000 })
    restart(metrics, 'timeout')
    for (const errorType of ['Extension.Crash', 'Extension.Crash', 'Sandbox.Timedout']) {
      metrics.listener({
        type: 'fault',
        at: 0,
        process: null,
        fault: { errorType, text: '' },
        idle: false,
        id: null,
      })
      metrics.listener({ type: 'shutdown', at: 0, reason: 'failure' })
    }
    expect([metrics.wait.sum, metrics.init.count, metrics.init.sum, [...metrics.restarts]]).toEqual([
      1.5,
      1,
      0.25,
      [
        ['timeout', 1],
        ['Runtime.ExitError', 0],
        ['Extension.Crash', 2],
      ],
    ])
  })
})

describe('as Prometheus reads it', () => {
  const expose = async (
    metrics = new Metrics(),
    named = false,
  ): Promise<{ type: string; lines: string[] }> => {
    const exposition = createExposition(
      [
        {
          name: 'f',
          metrics,
          situation: () => ({
            waiting: 4,
            waitingEvents: 6,
            durable: { open: 1, closed: 2, bytes: 3, ended: { SUCCEEDED: 4 } },
            environments: [
              { id: 1, state: 'busy', memoryBytes: 1000 },
              { id: 3, state: 'idle', memoryBytes: 2000 },
            ] as never,
            limits: { maxEnvironments: 2, maxQueue: 9 },
          }),
        },
      ],
      named,
    )
    // figures are read anew each time, and do not add up
    await exposition.text()
    return { type: exposition.contentType, lines: (await exposition.text()).split('\n') }
  }

  test('figures of several functions have their names', async () => {
    const { lines } = await expose(new Metrics(), true)
    expect(lines).toContain('lambda_rie_queue_depth{function="f"} 4')
    expect(lines).toContain('lambda_rie_invocations_total{function="f",outcome="error"} 0')
    expect(lines).toContain('lambda_rie_init_duration_seconds_bucket{le="+Inf",function="f"} 0')
    expect(lines.filter((line) => /^(lambda_rie|process)_[^ ]*$/.test(line))).toEqual([])
  })

  test('every figure has a line of help and its type, and no name is twice', async () => {
    const { type, lines } = await expose()
    expect(type).toStartWith('text/plain; version=0.0.4')
    const kinds = lines
      .filter((line) => line.startsWith('# TYPE'))
      .map((line) => line.slice('# TYPE '.length))
    expect(kinds).toEqual([
      'lambda_rie_invocations_total counter',
      'lambda_rie_invocation_duration_seconds histogram',
      'lambda_rie_first_byte_seconds histogram',
      'lambda_rie_init_duration_seconds histogram',
      'lambda_rie_queue_wait_seconds histogram',
      'lambda_rie_response_bytes histogram',
      'lambda_rie_queue_depth gauge',
      'lambda_rie_async_events_waiting gauge',
      'lambda_rie_async_events_total counter',
      'lambda_rie_destination_records_total counter',
      'lambda_rie_durable_runs_open gauge',
      'lambda_rie_durable_runs_total counter',
      'lambda_rie_queue_limit gauge',
      'lambda_rie_environments_limit gauge',
      'lambda_rie_environments gauge',
      'lambda_rie_environment_memory_bytes gauge',
      'lambda_rie_restarts_total counter',
      'lambda_rie_telemetry_deliveries_total counter',
      'lambda_rie_telemetry_retries_total counter',
      'lambda_rie_telemetry_dropped_records_total counter',
      'lambda_rie_build_info gauge',
      'process_resident_memory_bytes gauge',
      'process_cpu_seconds_total counter',
      'process_open_fds gauge',
      'process_start_time_seconds gauge',
    ])
    expect(lines.filter((line) => line.startsWith('# HELP'))).toHaveLength(kinds.length)
  })

  test('counts, waits and states', async () => {
    const metrics = new Metrics()
    for (const outcome of outcomes) answer(metrics, outcome, 3)
    restart(metrics, 'timeout')
    metrics.subscriber('watch').retries++
    metrics.subscriber('watch').droppedRecords += 7
    const { lines } = await expose(metrics)
    expect(lines).toEqual(
      expect.arrayContaining([
        'lambda_rie_invocations_total{outcome="success"} 1',
        'lambda_rie_invocations_total{outcome="environment_failed"} 1',
        'lambda_rie_invocations_total{outcome="throttled"} 1',
        'lambda_rie_telemetry_deliveries_total{extension="watch"} 0',
        'lambda_rie_telemetry_retries_total{extension="watch"} 1',
        'lambda_rie_telemetry_dropped_records_total{extension="watch"} 7',
        'lambda_rie_queue_depth 4',
        'lambda_rie_queue_limit 9',
        'lambda_rie_environments_limit 2',
        'lambda_rie_environments{state="busy"} 1',
        'lambda_rie_environments{state="cold"} 0',
        'lambda_rie_environment_memory_bytes{environment="3"} 2000',
        'lambda_rie_restarts_total{cause="timeout"} 1',
        'lambda_rie_restarts_total{cause="Runtime.ExitError"} 0',
      ]),
    )
  })

  test('a histogram is cumulated', async () => {
    const metrics = new Metrics()
    for (const ms of [3, 30, 3000, 10_000_000]) answer(metrics, { kind: 'timeout' }, ms)
    const { lines } = await expose(metrics)
    const of = lines.filter((line) => line.startsWith('lambda_rie_invocation_duration_seconds'))
    expect(of).toHaveLength(21)
    expect(of).toEqual(
      expect.arrayContaining([
        'lambda_rie_invocation_duration_seconds_bucket{le="0.0025"} 0',
        'lambda_rie_invocation_duration_seconds_bucket{le="0.005"} 1',
        'lambda_rie_invocation_duration_seconds_bucket{le="0.05"} 2',
        'lambda_rie_invocation_duration_seconds_bucket{le="5"} 3',
        'lambda_rie_invocation_duration_seconds_bucket{le="900"} 3',
        'lambda_rie_invocation_duration_seconds_bucket{le="+Inf"} 4',
        'lambda_rie_invocation_duration_seconds_sum 10003.033',
        'lambda_rie_invocation_duration_seconds_count 4',
      ]),
    )
  })
})
