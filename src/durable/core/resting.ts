/** The cells of a run of which nothing runs, and of one that is over, as far as they are their own. */

import type { RunEffects } from './effect.ts'
import { invoke, pauseRun, suspend } from './enter.ts'
import type { RunOn } from './event.ts'
import { ofRun } from './history.ts'
import { pauseOf, recordInvocation, resumeClock } from './invoking.ts'
import { conflict } from './refusal.ts'
import type { Closed, Created, Paused, RunState, Suspended } from './state.ts'

export function begin({ run }: Created, { at }: RunOn<'begin'>, out: RunEffects): RunState {
  const { input, executionTimeoutSeconds } = run.facts
  out.record(ofRun('ExecutionStarted', at, { input, executionTimeoutSeconds }))
  return invoke(run, out)
}

export function pauseSuspended(
  { run, retryAt }: Suspended,
  event: RunOn<'pause'>,
  out: RunEffects,
): RunState {
  return pauseRun(run, pauseOf(run, event, out), retryAt !== null)
}

/** It is paused already: nothing changes, its reason neither. */
export function pauseAgain(state: Paused, _: RunOn<'pause'>, out: RunEffects): RunState {
  out.reply({ kind: 'done', at: null })
  return state
}

export function resume({ run, pause, owed }: Paused, event: RunOn<'resume'>, out: RunEffects): RunState {
  resumeClock(run, pause, event, out)
  out.reply({ kind: 'done', at: null })
  return owed ? invoke(run, out) : suspend(run, out)
}

/** Nothing was paused. */
export function resumeSuspended(state: Suspended, _: RunOn<'resume'>, out: RunEffects): RunState {
  out.reply({ kind: 'done', at: null })
  return state
}

/** The invocation that the end has overtaken has ended: what it returned is ignored. */
export function returnedLate(state: Closed, event: RunOn<'returned'>, out: RunEffects): RunState {
  recordInvocation(event, event.at, null, out)
  state.invoking = false
  return state
}

export function failedLate(state: Closed, event: RunOn<'failed'>, out: RunEffects): RunState {
  recordInvocation(event, event.at, event.error, out)
  state.invoking = false
  return state
}

/** It never ran, or went with the emulator that ran it. */
export function withdrawn(state: Closed): RunState {
  state.invoking = false
  return state
}

/** It has ended already, and keeps its end. */
export function stopClosed(state: Closed, _: RunOn<'stop'>, out: RunEffects): RunState {
  out.reply({ kind: 'done', at: state.endedAt })
  return state
}

export function forget(state: Closed, { at }: RunOn<'delete'>, out: RunEffects): RunState {
  out.reply({ kind: 'done', at })
  out.forget()
  return state
}

export const stillRuns = conflict('The durable execution is still running; stop it first.')
export const isOver = conflict('The durable execution has already completed.')
