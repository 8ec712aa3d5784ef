/** What a chained invoke came to, for the run that made it. */

import type { Outcome } from '../core/failure.ts'
import { joined } from '../http/collect.ts'
import { tooLarge } from './core/actions.ts'
import type { Closure } from './core/effect.ts'
import type { ChainedOutcome } from './core/event.ts'
import { maxAsyncResultBytes } from './core/limits.ts'
import type { RunFunction } from './function.ts'

/** Of an ordinary function. */
export function chainedOutcome(outcome: Outcome, of: RunFunction, requestId: string): ChainedOutcome {
  if (outcome.kind !== 'response') {
    return { status: 'FAILED', result: null, error: of.errorOf(outcome, requestId) }
  }
  const { size, chunks } = outcome.payload
  if (size <= maxAsyncResultBytes) {
    return { status: 'SUCCEEDED', result: joined(chunks).toString(), error: null }
  }
  const errorMessage = tooLarge('CHAINED_INVOKE', maxAsyncResultBytes)
  return {
    status: 'FAILED',
    result: null,
    error: { ErrorType: 'InvalidParameterValueException', ErrorMessage: errorMessage },
  }
}

/** Of a durable one: how its run ended. `seconds` is the execution timeout of that run. */
export function chainedClosure({ status, result, error }: Closure, seconds: number | null): ChainedOutcome {
  if (status !== 'TIMED_OUT') return { status, result, error }
  const errorMessage = `CHAINED_INVOKE timed out after ${seconds} seconds.`
  return { status, result: null, error: { ErrorType: 'ChainedInvoke.Timeout', ErrorMessage: errorMessage } }
}
