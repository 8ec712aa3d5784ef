/**
 * What others than the handler do to operations, in each phase of a run that is open. Only where nothing runs does it
 * invoke the function; an invocation that runs is told by the answer to its next checkpoint, or invoked again.
 */

import { complete, type End } from './changes.ts'
import { fireDue } from './due.ts'
import type { RunEffects } from './effect.ts'
import { close, invoke, suspend } from './enter.ts'
import type { RunOn } from './event.ts'
import type { HistoryType } from './history.ts'
import type { CallbackOperation, Operation } from './operation.ts'
import { callbackClosed } from './refusal.ts'
import type { Closed, Paused, RunData, RunIn, RunState, Suspended } from './state.ts'

type Open = RunIn<'invoking'> | Suspended | Paused

/** After an operation has changed. A failed invocation is made again in its own time, and sees it then. */
function goOn(state: Open, out: RunEffects): RunState {
  return state.phase === 'suspended' && state.retryAt === null ? suspend(state.run, out) : state
}

export function timer(state: Open, { at }: RunOn<'timer'>, out: RunEffects): RunState {
  const { run } = state
  fireDue(run, at, out)
  if (run.deadline !== null && run.deadline <= at) return timeOut(state, at, out)
  if (state.phase === 'suspended' && state.retryAt !== null && state.retryAt <= at) return invoke(run, out)
  return goOn(state, out)
}

function timeOut({ run, phase }: Open, at: number, out: RunEffects): Closed {
  const { executionTimeoutSeconds } = run.facts
  const error = { ErrorMessage: `Execution timed out after ${executionTimeoutSeconds} seconds.` }
  return close(run, { status: 'TIMED_OUT', result: null, error }, at, phase === 'invoking', out)
}

function openCallback(run: RunData, id: string): CallbackOperation | null {
  const operation = run.operations.get(id)
  return operation?.type === 'CALLBACK' && operation.status === 'STARTED' ? operation : null
}

/** Refuses the caller where the callback is over, or never was. */
function endCallback(
  state: Open,
  { id, at }: { readonly id: string; readonly at: number },
  end: End,
  type: HistoryType,
  out: RunEffects,
): RunState {
  const callback = openCallback(state.run, id)
  if (callback === null) {
    out.reply(callbackClosed)
    return state
  }
  complete(state.run, callback, end, type, at, out)
  out.reply({ kind: 'done', at: null })
  return goOn(state, out)
}

export function callbackSucceeded(
  state: Open,
  event: RunOn<'callback-succeeded'>,
  out: RunEffects,
): RunState {
  return endCallback(state, event, { status: 'SUCCEEDED', result: event.result }, 'CallbackSucceeded', out)
}

export function callbackFailed(state: Open, event: RunOn<'callback-failed'>, out: RunEffects): RunState {
  return endCallback(state, event, { status: 'FAILED', error: event.error }, 'CallbackFailed', out)
}

/** Begins the time between two heartbeats anew; the whole time of the callback runs on. */
export function callbackHeartbeat(
  state: Open,
  { id, at }: RunOn<'callback-heartbeat'>,
  out: RunEffects,
): RunState {
  const callback = openCallback(state.run, id)
  if (callback === null) {
    out.reply(callbackClosed)
    return state
  }
  const { heartbeatSeconds } = callback
  if (heartbeatSeconds > 0) state.run.heartbeats.set(id, at + heartbeatSeconds * 1000)
  out.reply({ kind: 'done', at: null })
  return state
}

const recorded = {
  SUCCEEDED: 'ChainedInvokeSucceeded',
  FAILED: 'ChainedInvokeFailed',
  TIMED_OUT: 'ChainedInvokeTimedOut',
  STOPPED: 'ChainedInvokeStopped',
} as const

export function chainedEnded(
  state: Open,
  { id, outcome, at }: RunOn<'chained-ended'>,
  out: RunEffects,
): RunState {
  const operation: Operation | undefined = state.run.operations.get(id)
  if (operation?.type !== 'CHAINED_INVOKE' || operation.status !== 'STARTED') return state
  complete(state.run, { ...operation, input: null }, outcome, recorded[outcome.status], at, out)
  return goOn(state, out)
}

export function stop(state: Open, { error, at }: RunOn<'stop'>, out: RunEffects): RunState {
  out.reply({ kind: 'done', at })
  return close(state.run, { status: 'STOPPED', result: null, error }, at, state.phase === 'invoking', out)
}
