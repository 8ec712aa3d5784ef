/** How invocations in flight end: by their answer, by a fault, or because the environment stops. */

import { type Effects, finishInvocation } from './effect.ts'
import { beginStop } from './enter.ts'
import { noneOwed } from './extensions.ts'
import { type Fault, type Outcome, success, truncated, verdict } from './failure.ts'
import { findAt, isRead, remove, runtimeState } from './inflight.ts'
import type { Mode } from './mode.ts'
import type { Inflight, LifecycleState, Serving } from './state.ts'

/** The caller gets the answer, or the end of it. */
export function answer(entry: Inflight, outcome: Outcome, out: Effects): void {
  entry.stage = 'responded'
  entry.verdict = verdict(outcome)
  if (!entry.begun) out.settle(entry.id, outcome)
  else if (outcome.kind === 'response') out.endAnswer(entry.id, outcome)
  else out.breakAnswer(entry.id, outcome)
}

/** Answers the caller unless that has happened, and reports the first verdict that is not success. */
export function endOne(state: Serving, entry: Inflight, outcome: Outcome, out: Effects): void {
  const { stage, verdict: answered } = entry
  const broken = stage === 'broken'
  // only the end of the runtime is an earlier cause than the break
  const cause = broken && outcome.kind !== 'fault' ? brokenOff : outcome
  if (answered === null) answer(entry, cause, out)
  remove(state, entry)
  if (broken && findAt(state, 'broken') === undefined) out.disarm('exit-wait')
  const end = answered !== null && answered.status !== 'success' ? answered : verdict(cause)
  finishInvocation(entry.id, end, stage !== 'waiting', out)
}

/** Ends the invocations whose response is there, when all that the mode asks for has come, which frees their slots. */
export function finishIfOver(state: Serving, out: Effects, { overWhen }: Mode): Serving {
  for (let entry = findAt(state, 'responded'); entry !== undefined; entry = findAt(state, 'responded')) {
    if (overWhen === 'polled' && (state.polls.length === 0 || !noneOwed(state.extensions))) return state
    remove(state, entry)
    finishInvocation(entry.id, entry.verdict ?? success, true, out)
  }
  return state
}

/** Uploads that broke off are answered as that: their process has not died of it. */
export function settleBroken(state: Serving, out: Effects): void {
  if (findAt(state, 'broken') === undefined) return
  out.disarm('exit-wait')
  for (const entry of state.inflight) {
    if (entry.stage === 'broken') answer(entry, brokenOff, out)
  }
}

const brokenOff: Outcome = { kind: 'fault', fault: truncated }

/**
 * Ends all that is in flight with the fault of a process, and the processes. A runtime that had ended while an answer
 * of it was being read is the first cause.
 */
export function failAll(state: Serving, fault: Fault, out: Effects, runtimeGone = true): LifecycleState {
  const { exited } = state
  const name = runtimeState(state)
  for (const entry of [...state.inflight])
    endOne(state, entry, { kind: 'fault', fault: exited ?? fault }, out)
  const gone = runtimeGone || exited !== null
  return beginStop(state, name, 'failure', { to: 'cold', retry: false }, out, gone)
}

/** The runtime has ended: what is not being read ends now, and the processes with the last answer. */
export function failUnlessRead(state: Serving, fault: Fault, out: Effects): LifecycleState {
  if (!state.inflight.some(isRead)) return failAll(state, fault, out)
  for (const entry of state.inflight.filter((one) => !isRead(one))) {
    endOne(state, entry, { kind: 'fault', fault }, out)
  }
  return state
}
