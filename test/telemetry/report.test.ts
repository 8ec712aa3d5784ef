import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import { RunRecorder } from '../../src/telemetry/report.ts'
import { reportTable } from '../../src/telemetry/report-table.ts'

const id = 'an-id' as RequestId
const success: Outcome = { kind: 'response', payload: null } as unknown as Outcome
const timeout: Outcome = { kind: 'timeout' } as unknown as Outcome

function stage() {
  const clock = { time: 1000, now: () => clock.time, epoch: () => 1_764_000_000_000 + clock.time }
  const recorder = new RunRecorder({ emulator: '0.0.0', settings: { maxEnvironments: 2 }, clock })
  const answer = (outcome: Outcome, durationMs: number | null): void =>
    recorder.listener({ type: 'answered', at: clock.time, id, outcome, durationMs } as PlatformEvent)
  return { clock, recorder, answer }
}

describe('a report', () => {
  test('of a run in which nothing happened has no figures, and says so', () => {
    const { recorder, clock } = stage()
    clock.time += 1500
    const report = recorder.report()
    expect(report.seconds).toBe(1.5)
    expect(report.invocations.total).toBe(0)
    expect(report.duration).toEqual({
      count: 0,
      min: null,
      mean: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
      p999: null,
      max: null,
    })
    expect(report.throughput).toEqual([])
    expect(reportTable(report)).toStartWith('0 invocations in 1.5 s, 0.0 a second\n  success 0\n')
  })

  test('counts outcomes, those of invocations that no environment took too', () => {
    const { recorder, answer } = stage()
    for (let n = 0; n < 3; n++) answer(success, 10)
    answer(timeout, 3000)
    recorder.refused({ kind: 'throttled' } as unknown as Outcome)
    const { invocations, duration } = recorder.report()
    expect(invocations.total).toBe(5)
    expect(invocations.outcomes).toMatchObject({ success: 3, timeout: 1, throttled: 1, error: 0 })
    // what never started has no duration
    expect(duration.count).toBe(4)
  })

  test('has percentiles to a tenth of a percent', () => {
    const { recorder, answer } = stage()
    for (let ms = 1; ms <= 1000; ms++) {
      answer(success, ms)
      recorder.placed(ms / 1000)
    }
    const { duration, queueWait } = recorder.report()
    const near = (value: number | null, wanted: number): void => {
      expect(value).toBeGreaterThanOrEqual(wanted)
      expect(value).toBeLessThanOrEqual(wanted * 1.001 + 0.001)
    }
    near(duration.p50, 500)
    near(duration.p99, 990)
    near(duration.p999, 999)
    expect([duration.min, duration.max]).toEqual([1, 1000])
    near(queueWait.p50, 0.5)
    expect(queueWait.max).toBe(1)
  })

  test('a wait of nothing counts', () => {
    const { recorder } = stage()
    recorder.placed(0)
    expect(recorder.report().queueWait.count).toBe(1)
  })

  test('has inits, failures of processes, first bytes and memory', () => {
    const { recorder } = stage()
    const tell = (event: object): void => recorder.listener({ at: 0, ...event } as PlatformEvent)
    tell({ type: 'initReport', verdict: { status: 'success', errorType: null }, durationMs: 250 })
    tell({ type: 'initReport', verdict: { status: 'timeout', errorType: null }, durationMs: 10_000 })
    tell({ type: 'responseStart', latencyMs: 40 })
    tell({ type: 'report', memoryBytes: 100 })
    tell({ type: 'report', memoryBytes: 50 })
    tell({ type: 'shutdown', reason: 'timeout' })
    tell({
      type: 'fault',
      fault: { errorType: 'Runtime.ExitError' },
      idle: true,
      process: 'runtime',
      id: null,
    })
    const { init, initFailures, firstByte, maxMemoryBytes, restarts } = recorder.report()
    expect([init.count, init.max, initFailures, firstByte.max, maxMemoryBytes]).toEqual([1, 250, 1, 40, 100])
    expect(restarts).toEqual({ timeout: 1, 'Runtime.ExitError': 1 })
  })

  test('tells answers over time, in slots that grow with the run and lose none', () => {
    const { recorder, clock, answer } = stage()
    for (let second = 0; second < 1000; second++) {
      answer(second % 10 === 9 ? timeout : success, 1)
      clock.time += 1000
    }
    const { throughput } = recorder.report()
    expect(throughput.length).toBe(63)
    expect(throughput[1]).toEqual({ at: 16, seconds: 16, succeeded: 14, failed: 2 })
    const sum = (of: 'succeeded' | 'failed'): number => throughput.reduce((all, slot) => all + slot[of], 0)
    expect([sum('succeeded'), sum('failed')]).toEqual([900, 100])
  })
})

test('the table fits a terminal, and every answer is in one of its rows', () => {
  const { recorder, clock, answer } = stage()
  for (let second = 0; second < 90; second++) {
    for (let n = 0; n <= second; n++) answer(n === 7 ? timeout : success, n / 2)
    recorder.placed(second)
    clock.time += 1000
  }
  const table = reportTable(recorder.report())
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(table).toContain('4095 invocations in 90.0 s, 45.5 a second\n  success 4012, timeout 83\n')
  const rows = [...table.matchAll(/^ +(\d+) s +([\d.]+) (█+)(?: {2}(\d+) failed)?$/gm)]
  expect(rows.length).toBe(18)
  const [, at, rate, bar] = rows.at(-1) as unknown as [string, string, string, string]
  expect([at, rate, bar.length]).toEqual(['85', '88.0', 40])
  expect(rows.reduce((all, [, , , , failed = '0']) => all + Number(failed), 0)).toBe(83)
})
