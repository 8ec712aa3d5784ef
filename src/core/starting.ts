/**
 * Starting: extensions are launched and register, then the runtime is launched, then all ask for an event.
 *
 * Attempt `init` has the init limit; when it fails its processes are stopped and another attempt follows for the
 * invocations that wait, or the next one: on demand attempt `invoke`, inside the invocation and under the function
 * timeout. Only if that one fails does a caller see it.
 */

import { type Effects, type ExtensionReport, finishInvocation } from './effect.ts'
import { beginRestore, beginStop, launch, serve } from './enter.ts'
import type { On } from './event.ts'
import {
  allReady,
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
  type Fault,
  illegal,
  initTimeout,
  initTimeoutType,
  type Outcome,
  type ProcessName,
  reportedFault,
  success,
  tooManyExtensions,
  type Verdict,
  verdict,
} from './failure.ts'
import { exitWaitMs, maxExtensions } from './limits.ts'
import type { Mode } from './mode.ts'
import { describeStall } from './stall.ts'
import type { Cold, LifecycleState, NextPhase, Restoring, Starting } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

export function start(state: Cold, _: On<'start'>, out: Effects, mode: Mode): Starting {
  return launch(state.generation, firstAttempt(mode), [], out)
}

export function invokeCold(state: Cold, { id }: On<'invoke'>, out: Effects, mode: Mode): Starting {
  return launch(state.generation, state.retry ? afterFailure(mode) : firstAttempt(mode), [id], out)
}

const firstAttempt = ({ retry }: Mode): Attempt => ({ attempt: 'init', last: retry === 'none' })

/** The attempt that follows one that failed. */
const afterFailure = ({ retry }: Mode): Attempt => ({
  attempt: retry === 'invoke' ? 'invoke' : 'init',
  last: true,
})

type Attempt = Pick<Starting, 'attempt' | 'last'>

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

/** The attempt fails with what the runtime reported. */
function failReported(state: Starting, failure: Fault, out: Effects, mode: Mode): LifecycleState {
  out.disarm('exit-wait')
  return failInit(state, 'runtime', failure, out, mode, 'InitError')
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

/** A failed attempt was one of the old code. */
export function recycleCold(state: Cold): Cold {
  state.retry = false
  return state
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

/** Init is over when the runtime and all extensions have asked for an event. */
function serveIfReady(state: Starting, out: Effects, mode: Mode): LifecycleState {
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

function failInit(
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

const runtimeStateOf = (state: Starting): string =>
  state.runtime === 'absent' ? 'NotStarted' : state.runtime

function markEnded(state: Starting, process: ProcessName): void {
  if (process === 'runtime') state.runtime = 'absent'
  else markExited(state.extensions, process)
}

/** How the attempt went; `failed` is a process that could not be launched. */
function recordInit(state: Starting, end: Verdict, failed: ProcessName | null, out: Effects): void {
  const extensions = state.extensions.map(
    (extension): ExtensionReport => ({
      name: extension.name,
      state: failed === processOf(extension) ? 'LaunchError' : extension.state,
      events: extension.events,
    }),
  )
  out.record({ type: 'init-report', phase: state.attempt, verdict: end, extensions })
}
