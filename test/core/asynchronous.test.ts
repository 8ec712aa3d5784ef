import { describe, expect, test } from 'bun:test'
import { afterTry, type EventHistory, type RetryTerms } from '../../src/core/asynchronous.ts'
import type { Outcome } from '../../src/core/failure.ts'
import { encoded } from '../../src/http/collect.ts'

const terms: RetryTerms = { maxRetries: 2, maxAgeMs: 1_000_000, retryDelaysMs: [60_000, 120_000] }
const history = (over: Partial<EventHistory> = {}): EventHistory => ({
  acceptedAt: 5000,
  tries: 1,
  throttles: 0,
  ...over,
})
const failures: Outcome[] = [
  { kind: 'error', payload: encoded('{}'), errorType: null },
  { kind: 'oversize', bytes: 7_000_000 },
  { kind: 'broken-stream', payload: null, contentType: null, errorType: null, document: null },
  { kind: 'timeout' },
  { kind: 'fault', fault: { errorType: 'Runtime.ExitError', text: '' } },
]

describe('after a try', () => {
  test('that succeeded, the event is over, whatever its age', () => {
    const outcome: Outcome = { kind: 'response', payload: encoded('1'), contentType: null }
    expect(afterTry(history({ tries: 3 }), outcome, terms, 9e9)).toEqual({ do: 'end', condition: 'Success' })
  })

  test.each(failures)('that failed, it is tried again after a minute, then after two: %p', (outcome) => {
    const after = (tries: number) => afterTry(history({ tries }), outcome, terms, 5000)
    expect([1, 2, 3].map(after)).toEqual([
      { do: 'again', delayMs: 60_000 },
      { do: 'again', delayMs: 120_000 },
      { do: 'end', condition: 'RetriesExhausted' },
    ])
  })

  test('the last delay serves for those that are missing', () => {
    const once = { ...terms, retryDelaysMs: [7] }
    const delays = [1, 2].map((tries) => afterTry(history({ tries }), { kind: 'timeout' }, once, 5000))
    expect(delays).toEqual([
      { do: 'again', delayMs: 7 },
      { do: 'again', delayMs: 7 },
    ])
  })

  test('without retries the first failure is the end', () => {
    const none = { ...terms, maxRetries: 0 }
    expect(afterTry(history(), { kind: 'timeout' }, none, 5000)).toEqual({
      do: 'end',
      condition: 'RetriesExhausted',
    })
  })

  test('a try that would come at the age is made, one that would come after it is not waited for', () => {
    const at = (now: number) => afterTry(history(), { kind: 'timeout' }, terms, now)
    const last = 5000 + terms.maxAgeMs - 60_000
    expect([at(last), at(last + 1)]).toEqual([
      { do: 'again', delayMs: 60_000 },
      { do: 'end', condition: 'EventAgeExceeded' },
    ])
  })

  test('retries that are used up go before the age', () => {
    expect(afterTry(history({ tries: 3 }), { kind: 'timeout' }, terms, 9e9)).toEqual({
      do: 'end',
      condition: 'RetriesExhausted',
    })
  })

  test('a function that may have no environment ends it at once', () => {
    const outcome = { kind: 'throttled', never: true } as const
    expect(afterTry(history({ tries: 0, throttles: 1 }), outcome, terms, 5000)).toEqual({
      do: 'end',
      condition: 'ZeroReservedConcurrency',
    })
  })

  test('without an environment it comes back after 1 s, 2 s, … 5 minutes, as long as its age allows', () => {
    const after = (throttles: number, now = 5000) =>
      afterTry(history({ tries: 0, throttles }), { kind: 'throttled' }, terms, now)
    const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((count) => {
      const next = after(count)
      return next.do === 'again' ? next.delayMs / 1000 : next.condition
    })
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    expect(after(1, 5000 + terms.maxAgeMs)).toEqual({ do: 'end', condition: 'EventAgeExceeded' })
  })

  test('that the end of the emulator cut, the event ends too', () => {
    expect(afterTry(history(), { kind: 'shutdown' }, terms, 5000)).toEqual({
      do: 'end',
      condition: 'EmulatorStopped',
    })
  })
})
