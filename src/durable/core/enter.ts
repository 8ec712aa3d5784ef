/** How a phase begins. */

import type { Closure, RunEffects } from './effect.ts'
import { type HistoryType, ofRun } from './history.ts'
import type { Closed, Invoking, Pause, Paused, RunData, RunState, Suspended } from './state.ts'

/** Invokes the function with all that there is. */
export function invoke(run: RunData, out: RunEffects, pause: Pause | null = null): Invoking {
  const token = ++run.tokens
  const updated = [...run.updated]
  run.updated.clear()
  run.unseen.clear()
  out.invoke(token, updated)
  return { phase: 'invoking', run, token, interrupted: false, pause, last: null }
}

/** Nothing runs until something has changed that the handler has not seen. */
export function suspend(run: RunData, out: RunEffects): RunState {
  if (run.updated.size > 0) return invoke(run, out)
  return { phase: 'suspended', run, retryAt: null } satisfies Suspended
}

export function pauseRun(run: RunData, pause: Pause, owed: boolean): Paused {
  return { phase: 'paused', run, pause, owed }
}

const recorded = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  STOPPED: 'ExecutionStopped',
  TIMED_OUT: 'ExecutionTimedOut',
} as const satisfies Record<Closure['status'], HistoryType>

/** Ends the run. Operations that are open stay as they are. `invoking`: an invocation has not ended yet. */
export function close(
  run: RunData,
  closure: Closure,
  at: number,
  invoking: boolean,
  out: RunEffects,
): Closed {
  run.timers.clear()
  run.heartbeats.clear()
  run.unseen.clear()
  run.updated.clear()
  run.deadline = null
  const { status, result, error } = closure
  out.record(ofRun(recorded[status], at, status === 'SUCCEEDED' ? { result } : { error }))
  out.close(closure)
  return { phase: 'closed', run, ...closure, endedAt: at, invoking }
}

/** The run as it ends when it did not do what it had to. */
export const failure = (message: string, type = 'InvalidParameterValueException'): Closure => ({
  status: 'FAILED',
  result: null,
  error: { ErrorMessage: message, ErrorType: type },
})
