/** How an init ends: the runtime and all extensions are ready, or the attempt fails and another one may follow. */

import { type Effects, type ExtensionReport, finishInvocation } from './effect.ts'
import { afterFailure, beginRestore, beginStop, serve } from './enter.ts'
import { allReady, processOf } from './extensions.ts'
import {
  type Fault,
  initTimeoutType,
  type Outcome,
  type ProcessName,
  success,
  type Verdict,
} from './failure.ts'
import type { Mode } from './mode.ts'
import type { LifecycleState, NextPhase, Restoring, Starting } from './state.ts'

/** It is over when the runtime and all extensions have asked for an event. */
export function serveIfReady(state: Starting, out: Effects, mode: Mode): LifecycleState {
  const { runtime, generation, polls, extensions, waiting, attempt } = state
  if ((runtime !== 'Ready' && runtime !== 'RestoreReady') || !allReady(extensions)) return state
  out.disarm('init')
  recordInit(state, success, null, out)
  if (runtime === 'Ready') return serve(state, out, mode)
  // the invocation's own time begins after the restore
  if (attempt === 'invoke' && waiting[0] !== undefined) out.disarmDeadline(waiting[0])
  const next: Restoring = { phase: 'restoring', generation, polls, extensions, waiting }
  if (waiting.length > 0) beginRestore(next, out)
  return next
}

/** The attempt fails. Callers are answered if it is the last one; otherwise their invocations wait for the next. */
export function failInit(
  state: Starting,
  process: ProcessName | null,
  fault: Fault,
  out: Effects,
  mode: Mode,
  runtimeState = runtimeStateOf(state),
): LifecycleState {
  const { last, waiting } = state
  const outcome: Outcome = { kind: 'fault', fault }
  const late = fault.errorType === initTimeoutType
  const end: Verdict = late
    ? { status: 'timeout', errorType: null }
    : { status: 'error', errorType: fault.errorType }
  const reason = late ? 'timeout' : 'failure'
  if (last) for (const id of waiting) out.settle(id, outcome)
  out.disarm('init')
  out.record({ type: 'fault', process, fault, idle: false })
  recordInit(state, end, fault.errorType === 'Extension.LaunchError' ? process : null, out)
  if (last) {
    for (const id of waiting) finishInvocation(id, end, false, out)
    if (!mode.singlePoller) out.failWaiting(outcome)
  }
  const next: NextPhase =
    last || waiting.length === 0
      ? { to: 'cold', retry: waiting.length === 0 }
      : { to: 'starting', ...afterFailure(mode), waiting }
  return beginStop(state, runtimeState, reason, next, out)
}

/** The attempt fails with what the runtime reported. */
export function failReported(state: Starting, failure: Fault, out: Effects, mode: Mode): LifecycleState {
  out.disarm('exit-wait')
  return failInit(state, 'runtime', failure, out, mode, 'InitError')
}

/** How the attempt went; `failed` is a process that could not be launched. */
export function recordInit(state: Starting, end: Verdict, failed: ProcessName | null, out: Effects): void {
  const extensions = state.extensions.map(
    (extension): ExtensionReport => ({
      name: extension.name,
      state: failed === processOf(extension) ? 'LaunchError' : extension.state,
      events: extension.events,
    }),
  )
  out.record({ type: 'init-report', phase: state.attempt, verdict: end, extensions })
}

/** What refusals call the state of the runtime. */
export function runtimeStateOf({ runtime }: Starting): string {
  return runtime === 'absent' ? 'NotStarted' : runtime
}
