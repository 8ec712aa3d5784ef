/** What the invocation of an ordinary function came to, for the run that invoked it. */

import type { Outcome } from '../core/failure.ts'
import { joined } from '../http/collect.ts'
import { tooLarge } from './core/actions.ts'
import type { ChainedOutcome } from './core/event.ts'
import { maxAsyncResultBytes } from './core/limits.ts'
import type { RunFunction } from './function.ts'

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
