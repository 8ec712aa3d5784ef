/**
 * What becomes of an event whose caller does not wait: when it is tried again, and what it has come to in the end.
 * Decided here from plain data and the time; `engine/async-events.ts` carries it out. All times are monotonic
 * milliseconds. The service's rules: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */

import type { Outcome } from './failure.ts'

/** How an event has ended, as its record for a destination says it; the last one is of this emulator alone. */
export type EventCondition =
  | 'Success'
  | 'RetriesExhausted'
  | 'EventAgeExceeded'
  | 'ZeroReservedConcurrency'
  | 'EmulatorStopped'

/** What a function's configuration says of its events. */
export interface RetryTerms {
  /** tries after the first */
  readonly maxRetries: number
  /** an event that is older is not tried */
  readonly maxAgeMs: number
  /** before the second try, the third, …; the last one serves for all that are missing; never empty */
  readonly retryDelaysMs: readonly number[]
}

/** What is known of one event. */
export interface EventHistory {
  readonly acceptedAt: number
  /** how often it ran */
  readonly tries: number
  /** how often in a row there was no environment for it, where none may be waited for */
  readonly throttles: number
}

/** An event is over, or is to be tried again after `delayMs`. */
export type NextTry =
  | { readonly do: 'end'; readonly condition: EventCondition }
  | { readonly do: 'again'; readonly delayMs: number }

/** The wait for an environment grows from 1 s to 5 minutes, in milliseconds. */
const firstThrottleMs = 1000
const longestThrottleMs = 300_000

/** What follows on a try, which `history` counts already, that came to this. */
export function afterTry(history: EventHistory, outcome: Outcome, terms: RetryTerms, now: number): NextTry {
  switch (outcome.kind) {
    case 'response':
      return { do: 'end', condition: 'Success' }
    case 'shutdown':
      return { do: 'end', condition: 'EmulatorStopped' }
    case 'throttled':
      if (outcome.never === true) return { do: 'end', condition: 'ZeroReservedConcurrency' }
      return again(history, throttleMs(history.throttles), terms, now)
    default: {
      const { tries } = history
      if (tries > terms.maxRetries) return { do: 'end', condition: 'RetriesExhausted' }
      const { retryDelaysMs } = terms
      const delayMs = retryDelaysMs[Math.min(tries, retryDelaysMs.length) - 1] as number
      return again(history, delayMs, terms, now)
    }
  }
}

function throttleMs(throttles: number): number {
  return Math.min(firstThrottleMs * 2 ** (throttles - 1), longestThrottleMs)
}

/** A try that would come after the event's age is not made, and not waited for. */
function again({ acceptedAt }: EventHistory, delayMs: number, terms: RetryTerms, now: number): NextTry {
  if (now + delayMs > acceptedAt + terms.maxAgeMs) return { do: 'end', condition: 'EventAgeExceeded' }
  return { do: 'again', delayMs }
}
