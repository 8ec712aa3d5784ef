/**
 * Restoring: the runtime has initialised, as for a snapshot, and waits in `restore/next`. The first invocation restores:
 * that call is answered, hooks run after it, and the runtime's `/next` ends the restore, within a limit of its own. Only
 * then does the invocation begin. No snapshot is made: the process goes on.
 *
 * Race, both orders of which are a trace: the limit against `/next`. Whichever is dispatched first decides; after the
 * poll the timer is disarmed, and after the limit the poll is one of a stop.
 */

import { type Effects, finishInvocation } from './effect.ts'
import { beginRestore, beginStop, serve } from './enter.ts'
import type { On } from './event.ts'
import { exitFault, findPoller, markExited, register as registerExtension } from './extensions.ts'
import {
  type Fault,
  illegal,
  type ProcessName,
  reportedFault,
  restoreTimeout,
  success,
  verdict,
} from './failure.ts'
import type { Mode } from './mode.ts'
import type { LifecycleState, NextPhase, Restoring } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

/** One that waits restores; those that come while that goes on wait with it. */
export function invoke(state: Restoring, { id }: On<'invoke'>, out: Effects): Restoring {
  state.waiting.push(id)
  if (state.waiting.length === 1) beginRestore(state, out)
  return state
}

export function restoreNext(state: Restoring, { call }: On<'runtime/restore-next'>, out: Effects): Restoring {
  if (state.waiting.length > 0) out.reply(call, { kind: 'restore' })
  else state.polls.push(call)
  return state
}

export function runtimeNext(
  state: Restoring,
  { call }: On<'runtime/next'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  if (state.waiting.length === 0) {
    out.reply(call, illegal('runtime', 'RestoreReady', 'Ready'))
    return state
  }
  state.polls.push(call)
  out.disarm('restore')
  out.record({ type: 'restore-report', verdict: success })
  return serve(state, out, mode)
}

/** A hook has failed, and the invocation with it. */
export function restoreError(
  state: Restoring,
  { call, errorType, document }: On<'runtime/restore-error'>,
  out: Effects,
): LifecycleState {
  if (state.waiting.length === 0) {
    out.reply(call, illegal('runtime', 'RestoreReady', 'RestoreError'))
    return state
  }
  const text = 'The runtime reported an error after the restore'
  out.reply(call, { kind: 'accepted' })
  return fail(state, 'runtime', reportedFault(errorType, text, document), out)
}

export function restoreLimit(state: Restoring, _: On<'restore-limit'>, out: Effects): LifecycleState {
  return state.waiting.length === 0 ? state : fail(state, null, restoreTimeout, out)
}

export function exit(state: Restoring, { process, status }: On<'exit'>, out: Effects): LifecycleState {
  const runtime = process === 'runtime'
  const fault = exitFault(state.extensions, process, status)
  markExited(state.extensions, process)
  if (state.waiting.length > 0) return fail(state, process, fault, out, runtime)
  out.record({ type: 'fault', process, fault, idle: true })
  const name = runtime ? 'Exited' : 'RestoreReady'
  return beginStop(state, name, 'failure', { to: 'cold', retry: false }, out, runtime)
}

/** Those that wait end with it; the next one starts the function, and restores, anew. */
function fail(
  state: Restoring,
  process: ProcessName | null,
  fault: Fault,
  out: Effects,
  runtimeGone = false,
): LifecycleState {
  const outcome = { kind: 'fault', fault } as const
  const end = verdict(outcome)
  for (const id of state.waiting) out.settle(id, outcome)
  out.disarm('restore')
  out.record({ type: 'restore-report', verdict: end })
  for (const id of state.waiting) finishInvocation(id, end, false, out)
  out.record({ type: 'fault', process, fault, idle: false })
  return beginStop(state, 'Restoring', 'failure', { to: 'cold', retry: false }, out, runtimeGone)
}

export function register(
  state: Restoring,
  { call, registration }: On<'extension/register'>,
  out: Effects,
  mode: Mode,
): Restoring {
  // registration is closed, so there always is a refusal; the earlier checks run first
  const refusal = registerExtension(state.extensions, false, registration, mode)
  if (refusal !== null) out.reply(call, refusal)
  return state
}

export function extensionNext(state: Restoring, { call, id }: On<'extension/next'>, out: Effects): Restoring {
  const extension = findPoller(state.extensions, id)
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  extension.state = 'Ready'
  extension.poll = call
  return state
}

/** What has been initialised has read the old code. Invocations that wait have not begun: they get a new start. */
export function recycle(state: Restoring, _: On<'recycle'>, out: Effects, { retry }: Mode): LifecycleState {
  const { waiting } = state
  if (waiting.length > 0) out.disarm('restore')
  const next: NextPhase =
    waiting.length === 0
      ? { to: 'cold', retry: false }
      : { to: 'starting', attempt: 'init', last: retry === 'none', waiting }
  return beginStop(state, nameOf(state), 'spindown', next, out)
}

export function stop(state: Restoring, _: On<'stop'>, out: Effects): LifecycleState {
  if (state.waiting.length > 0) out.disarm('restore')
  for (const id of state.waiting) {
    out.settle(id, { kind: 'shutdown' })
    finishInvocation(id, verdict({ kind: 'shutdown' }), false, out)
  }
  return beginStop(state, nameOf(state), 'spindown', { to: 'stopped' }, out)
}

/** The state of the runtime under its name in the reference's messages. */
export const nameOf = ({ waiting }: Restoring): string => (waiting.length > 0 ? 'Restoring' : 'RestoreReady')
