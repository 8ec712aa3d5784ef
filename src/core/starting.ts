/**
 * Starting: extensions are launched and register, then the runtime is launched, then all ask for an event. How that ends
 * stands in `init.ts`.
 *
 * Attempt `init` has the init limit; when it fails its processes are stopped and another attempt follows for the
 * invocations that wait, or the next one: on demand attempt `invoke`, inside the invocation and under the function
 * timeout. Only if that one fails does a caller see it.
 */

import { type Effects, finishInvocation } from './effect.ts'
import { beginStop, firstAttempt } from './enter.ts'
import type { On } from './event.ts'
import {
  allRegistered,
  exitFault,
  findPoller,
  identify,
  launched,
  markExited,
  processOf,
  register as registerExtension,
} from './extensions.ts'
import {
  illegal,
  initTimeout,
  type ProcessName,
  reportedFault,
  tooManyExtensions,
  type Verdict,
  verdict,
} from './failure.ts'
import { failInit, failReported, recordInit, runtimeStateOf, serveIfReady } from './init.ts'
import { exitWaitMs, maxExtensions } from './limits.ts'
import type { Mode } from './mode.ts'
import { describeStall } from './stall.ts'
import type { LifecycleState, Starting } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

/** A start that has room gets an invocation. */
export function invoke(state: Starting, { id }: On<'invoke'>): Starting {
  state.waiting.push(id)
  return state
}

export function discovered(
  state: Starting,
  { extensions }: On<'discovered'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  if (extensions.length > maxExtensions) return failInit(state, null, tooManyExtensions, out, mode)
  if (extensions.length === 0) return startRuntime(state, out)
  state.extensions = extensions.map(launched)
  for (const extension of state.extensions) out.spawn(processOf(extension))
  return state
}

function startRuntime(state: Starting, out: Effects): Starting {
  state.runtime = 'Started'
  out.spawn('runtime')
  return state
}

export function launchFailed(
  state: Starting,
  { process, fault }: On<'launch-failed'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  markEnded(state, process)
  return failInit(state, process, fault, out, mode)
}

export function exit(
  state: Starting,
  { process, status }: On<'exit'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  markEnded(state, process)
  if (state.failure !== null) return failReported(state, state.failure, out, mode)
  return failInit(state, process, exitFault(state.extensions, process, status), out, mode)
}

export function runtimeNext(
  state: Starting,
  { call }: On<'runtime/next'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  if (state.runtime !== 'Started' && state.runtime !== 'Ready') {
    out.reply(call, illegal('runtime', runtimeStateOf(state), 'Ready'))
    return state
  }
  state.runtime = 'Ready'
  state.polls.push(call)
  return serveIfReady(state, out, mode)
}

/** It has initialised; what comes next is a restore. */
export function restoreNext(
  state: Starting,
  { call }: On<'runtime/restore-next'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  if (state.runtime !== 'Started') {
    out.reply(call, illegal('runtime', runtimeStateOf(state), 'RestoreReady'))
    return state
  }
  state.runtime = 'RestoreReady'
  state.polls.push(call)
  return serveIfReady(state, out, mode)
}

/**
 * `/init/error` fails the attempt; a runtime that has asked for an event is past it. Its end is waited for, so that its
 * last lines are read before it is stopped and anybody is answered.
 *
 * Exit against the end of the wait: the report is the first cause in both orders; only the stop has less to do when the
 * exit comes first.
 */
export function initError(
  state: Starting,
  { call, errorType, document }: On<'runtime/init-error'>,
  out: Effects,
): Starting {
  if (state.runtime !== 'Started') {
    out.reply(call, illegal('runtime', runtimeStateOf(state), 'InitError'))
    return state
  }
  const text = 'The runtime reported an error during init'
  state.runtime = 'InitError'
  state.failure = reportedFault(errorType, text, document)
  out.reply(call, { kind: 'accepted' })
  out.arm('exit-wait', exitWaitMs.initError)
  return state
}

export function exitWaitOver(
  state: Starting,
  _: On<'exit-wait-over'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  return state.failure === null ? state : failReported(state, state.failure, out, mode)
}

export function register(
  state: Starting,
  { call, registration }: On<'extension/register'>,
  out: Effects,
  mode: Mode,
): Starting {
  const open = state.runtime !== 'Ready' && state.runtime !== 'RestoreReady'
  const refusal = registerExtension(state.extensions, open, registration, mode)
  out.reply(call, refusal ?? { kind: 'registered', id: registration.id })
  if (refusal !== null || state.runtime !== 'absent' || !allRegistered(state.extensions)) return state
  return startRuntime(state, out)
}

export function extensionNext(
  state: Starting,
  { call, id }: On<'extension/next'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  const extension = findPoller(state.extensions, id)
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  extension.state = 'Ready'
  extension.poll = call
  return serveIfReady(state, out, mode)
}

/** Telemetry: a subscription of this init, or a new one in place of an earlier one. */
export function extensionSubscribe(
  state: Starting,
  { call, id }: On<'extension/subscribe'>,
  out: Effects,
): Starting {
  const extension = identify(state.extensions, id, 'next')
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  extension.subscribed = true
  out.reply(call, { kind: 'subscribed' })
  return state
}

/** Init limit against the last poll: whichever is dispatched first; after the poll the timer is disarmed. */
export function initLimit(state: Starting, _: On<'init-limit'>, out: Effects, mode: Mode): LifecycleState {
  if (state.failure !== null) return failReported(state, state.failure, out, mode)
  return failInit(state, null, initTimeout(describeStall(state)), out, mode)
}

/** The function timeout covers an attempt inside its invocation; of another attempt no deadline is armed. */
export function deadline(state: Starting, { id }: On<'deadline'>, out: Effects, mode: Mode): LifecycleState {
  if (state.waiting[0] !== id) return state
  if (state.failure !== null) return failReported(state, state.failure, out, mode)
  const end: Verdict = { status: 'timeout', errorType: null }
  out.settle(id, { kind: 'timeout' })
  out.record({ type: 'fault', process: null, fault: initTimeout(describeStall(state)), idle: false })
  recordInit(state, end, null, out)
  finishInvocation(id, end, false, out)
  return beginStop(state, runtimeStateOf(state), 'timeout', { to: 'cold', retry: false }, out)
}

/** What is being started has read the old code. Invocations that wait have not begun: they get a new first attempt. */
export function recycle(state: Starting, _: On<'recycle'>, out: Effects, mode: Mode): LifecycleState {
  const { waiting, attempt } = state
  const [first] = waiting
  out.disarm('init')
  if (state.failure !== null) out.disarm('exit-wait')
  if (first !== undefined && attempt === 'invoke') out.disarmDeadline(first)
  const next =
    first === undefined
      ? ({ to: 'cold', retry: false } as const)
      : ({ to: 'starting', ...firstAttempt(mode), waiting } as const)
  return beginStop(state, runtimeStateOf(state), 'spindown', next, out)
}

export function stop(state: Starting, _: On<'stop'>, out: Effects): LifecycleState {
  const { waiting } = state
  out.disarm('init')
  if (state.failure !== null) out.disarm('exit-wait')
  for (const id of waiting) {
    out.settle(id, { kind: 'shutdown' })
    finishInvocation(id, verdict({ kind: 'shutdown' }), false, out)
  }
  return beginStop(state, runtimeStateOf(state), 'spindown', { to: 'stopped' }, out)
}

function markEnded(state: Starting, process: ProcessName): void {
  if (process === 'runtime') state.runtime = 'absent'
  else markExited(state.extensions, process)
}
