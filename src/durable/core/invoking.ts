/** The cells of a run whose function was invoked: how that invocation ends, and what is asked of it meanwhile. */

import type { RunEffects } from './effect.ts'
import { close, failure, invoke, pauseRun, suspend } from './enter.ts'
import type { Ended, RunOn } from './event.ts'
import { ofRun } from './history.ts'
import { maxEmptySuspensions } from './limits.ts'
import { type ErrorObject, isAwaited } from './operation.ts'
import { parseReturn } from './returned.ts'
import type { Invoking, RunData, RunPolicy, RunState } from './state.ts'

/** The invocation is told in the history before the end that it causes. */
export function recordInvocation(
  { requestId, startedAt }: Ended,
  at: number,
  error: ErrorObject | null,
  out: RunEffects,
): void {
  out.record(ofRun('InvocationCompleted', at, { invocation: { requestId, startedAt, endedAt: at }, error }))
}

export function returned(state: Invoking, event: RunOn<'returned'>, out: RunEffects): RunState {
  const { run, pause, interrupted } = state
  const { at, payload } = event
  run.failures = 0
  recordInvocation(event, at, null, out)
  const end = parseReturn(payload, run.facts.maxResultBytes)
  // Told not to go on, Python's SDK ends as suspended, and JavaScript's goes on until it is refused, and ends as failed.
  const isOver = end !== 'suspended' && !(interrupted && end.status !== 'SUCCEEDED')
  if (isOver) return close(run, end, at, false, out)
  // with nothing to wait for it would never be invoked again
  if (pause !== null) return pauseRun(run, pause, interrupted || !waits(run))
  if (interrupted) return invoke(run, out)
  if (run.updated.size === 0 && !waits(run)) return suspendedForNothing(run, at, out)
  run.empty = 0
  return suspend(run, out)
}

/** Whether something will happen by itself. */
function waits({ operations }: RunData): boolean {
  for (const operation of operations.values()) if (isAwaited(operation)) return true
  return false
}

function suspendedForNothing(run: RunData, at: number, out: RunEffects): RunState {
  if (++run.empty < maxEmptySuspensions) return invoke(run, out)
  const end = failure('Cannot return PENDING status with no pending operations.')
  return close(run, end, at, false, out)
}

/** A failed invocation is made again, with all that was saved, until the delays are used up. */
export function failed(
  state: Invoking,
  event: RunOn<'failed'>,
  out: RunEffects,
  policy: RunPolicy,
): RunState {
  const { run, pause } = state
  const { at, error } = event
  recordInvocation(event, at, error, out)
  const delay = policy.retryDelaysMs[run.failures++]
  if (delay === undefined) return close(run, { status: 'FAILED', result: null, error }, at, false, out)
  if (pause !== null) return pauseRun(run, pause, true)
  return { phase: 'suspended', run, retryAt: policy.skipTime ? at : at + delay }
}

/** The invocation went with the emulator that ran it, or never ran: nothing is known of it. */
export function restored({ run, pause }: Invoking, _: RunOn<'restored'>, out: RunEffects): RunState {
  return pause === null ? invoke(run, out) : pauseRun(run, pause, true)
}

/** The next checkpoint is saved, and answered so that the handler ends. */
export function pauseInvoking(state: Invoking, event: RunOn<'pause'>, out: RunEffects): RunState {
  if (state.pause !== null) {
    out.reply({ kind: 'done', at: null })
    return state
  }
  state.pause = pauseOf(state.run, event, out)
  return state
}

/** The pause of this request: the clock of the run stands still from now on, if it is to. */
export function pauseOf(
  run: RunData,
  { at, reason, timeoutPaused }: RunOn<'pause'>,
  out: RunEffects,
): NonNullable<Invoking['pause']> {
  out.record(ofRun('ExecutionPaused', at, { pause: { reason, timeoutPaused } }))
  out.reply({ kind: 'done', at: null })
  const leftMs = timeoutPaused && run.deadline !== null ? run.deadline - at : null
  if (leftMs !== null) run.deadline = null
  return { at, reason, leftMs, timeoutPaused }
}

/** The pause is taken back, before the invocation has noticed it or after. */
export function resumeInvoking(state: Invoking, event: RunOn<'resume'>, out: RunEffects): RunState {
  if (state.pause !== null) resumeClock(state.run, state.pause, event, out)
  state.pause = null
  out.reply({ kind: 'done', at: null })
  return state
}

/** The clock of the run goes on. */
export function resumeClock(
  run: RunData,
  { leftMs }: NonNullable<Invoking['pause']>,
  { at, reason }: RunOn<'resume'>,
  out: RunEffects,
): void {
  out.record(ofRun('ExecutionResumed', at, { reason }))
  if (leftMs !== null) run.deadline = at + leftMs
}
