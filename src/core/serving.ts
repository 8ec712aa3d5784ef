/**
 * Serving: one event at a time goes to the runtime and to every extension that subscribed to INVOKE.
 *
 * The caller is answered when the runtime has responded. The invocation is over, and the environment free, when the
 * runtime and all those extensions have asked for the next event. The function timeout runs until then.
 *
 * Races, both orders of each being a cell here and a trace in the tests:
 * - response against deadline: a response whose body is complete before the timer fires is the answer; later the
 *   timeout was the answer; a response that begins then gets 400, because its id is not in flight, and one whose body
 *   was being read gets 403.
 * - response against exit: a runtime may end as soon as its answer is on its way. An exit while the body is being read
 *   is kept until the body is complete or broken off; an exit before the runtime began to answer is the answer.
 * - `/next` against the end of its own `/response`: clients use several connections, so the poll may be seen first. It
 *   is parked and counts when the response is complete.
 * - poller gone against invocation: with no poll to hand it to, an invocation waits for the next poll under its
 *   deadline; if the runtime turns out to be dead, the environment starts again for it, as it was never delivered.
 */

import { type Effects, finishInvocation, type Reply, recordStart } from './effect.ts'
import { admit, beginStop, notify } from './enter.ts'
import type { On } from './event.ts'
import { exitFault, findPoller, markExited, noneOwed, register as registerExtension } from './extensions.ts'
import {
  type Fault,
  illegal,
  invalidRequestId,
  type Outcome,
  refused,
  success,
  tooLarge,
  truncated,
  type Verdict,
  verdict,
} from './failure.ts'
import { find, findAt, isRead, remove, runtimeState, stageName } from './inflight.ts'
import type { EnvironmentState, Inflight, Serving } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

export function invoke(state: Serving, { id }: On<'invoke'>, out: Effects): Serving {
  admit(state, id, out)
  return state
}

export function runtimeNext(state: Serving, event: On<'runtime/next'>, out: Effects): Serving {
  const { call } = event
  const undelivered = findAt(state, 'waiting')
  if (undelivered !== undefined) {
    const { id } = undelivered
    undelivered.stage = 'running'
    recordStart(id, out)
    out.reply(call, { kind: 'invocation', id })
    notify(state.extensions, id, out)
    return state
  }
  // A runtime that asks again before it answers has lost the event: it gets it again, as from the reference. A second
  // poller that asked before the event was delivered has lost nothing: it waits for the next one.
  const running = findAt(state, 'running')
  if (running !== undefined && event.concurrentPoll !== true) {
    out.reply(call, { kind: 'invocation', id: running.id })
    return state
  }
  state.polls.push(call)
  return finishIfPolled(state, out)
}

export function response(state: Serving, { call, id, mode }: On<'runtime/response'>, out: Effects): Serving {
  const entry = find(state, id)
  if (entry?.stage !== 'running') out.reply(call, notAnswerable(state, entry, 'InvocationResponse'))
  else if (!isMode(mode)) {
    // Nothing moves: the runtime can still answer in a mode that exists.
    out.reply(call, refused('InvalidFunctionResponseMode', 'Invalid function response mode'))
  } else {
    entry.stage = 'responding'
    out.reply(call, read)
  }
  return state
}

export function error(state: Serving, { call, id }: On<'runtime/error'>, out: Effects): Serving {
  const entry = find(state, id)
  if (entry?.stage !== 'running') out.reply(call, notAnswerable(state, entry, 'InvocationErrorResponse'))
  else {
    entry.stage = 'erroring'
    out.reply(call, read)
  }
  return state
}

const read: Reply = { kind: 'read' }
const accepted: Reply = { kind: 'accepted' }

const isMode = (mode: string | null): boolean =>
  mode === null || mode === '' || mode === 'streaming' || mode === 'buffered'

const notAnswerable = (state: Serving, entry: Inflight | undefined, to: string): Reply =>
  entry === undefined ? invalidRequestId : illegal('runtime', stageName(state, entry), to)

/** The body of `/response` or `/error` is complete, too large, or broken off. */
export function received(state: Serving, event: On<'runtime/received'>, out: Effects): EnvironmentState {
  const { call } = event
  const entry = find(state, event.id)
  if (entry === undefined || !isRead(entry)) {
    out.reply(call, invalidRequestId)
    return state
  }
  const outcome = outcomeOf(entry, event)
  entry.stage = 'responded'
  entry.verdict = verdict(outcome)
  out.settle(entry.id, outcome)
  out.reply(call, outcome.kind === 'oversize' ? tooLarge : accepted)
  return entry.exited === null ? finishIfPolled(state, out) : failInvocation(state, entry, entry.exited, out)
}

function outcomeOf(entry: Inflight, { received, errorType }: On<'runtime/received'>): Outcome {
  switch (received.kind) {
    case 'complete':
      return entry.stage === 'erroring'
        ? { kind: 'error', payload: received.payload, errorType }
        : { kind: 'response', payload: received.payload, contentType: received.contentType }
    case 'oversize':
      return { kind: 'oversize', bytes: received.bytes }
    case 'trailers':
      return { kind: 'broken-stream', payload: received.payload, contentType: received.contentType }
    case 'truncated':
      // the death of a runtime in the middle of its answer is the cause
      return { kind: 'fault', fault: entry.exited ?? truncated }
  }
}

export function register(
  state: Serving,
  { call, registration }: On<'extension/register'>,
  out: Effects,
): Serving {
  // Registration is closed, so there always is a refusal. The earlier checks run first: their messages differ.
  const refusal = registerExtension(state.extensions, false, registration)
  if (refusal !== null) out.reply(call, refusal)
  return state
}

export function extensionNext(state: Serving, { call, id }: On<'extension/next'>, out: Effects): Serving {
  const extension = findPoller(state.extensions, id)
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  const { pendingInvoke } = extension
  if (pendingInvoke !== null) {
    extension.pendingInvoke = null
    out.reply(call, { kind: 'invoke-event', id: pendingInvoke })
    return state
  }
  extension.state = 'Ready'
  extension.poll = call
  return finishIfPolled(state, out)
}

/** Deadline against the end: a timer that fires for an invocation that is over moves nothing. */
export function deadline(state: Serving, { id }: On<'deadline'>, out: Effects): EnvironmentState {
  const entry = find(state, id)
  if (entry === undefined) return state
  answerAndFinish(entry, { kind: 'timeout' }, out)
  const runtimeGone = entry.exited !== null
  return beginStop(state, runtimeState(state), 'timeout', { to: 'cold', retry: false }, out, runtimeGone)
}

export function exit(state: Serving, { process, status }: On<'exit'>, out: Effects): EnvironmentState {
  const [entry] = state.inflight
  const runtime = process === 'runtime'
  const fault = exitFault(state.extensions, process, status)
  markExited(state.extensions, process)
  const name = runtime ? 'Exited' : runtimeState(state)
  if (entry === undefined) {
    out.record({ type: 'fault', process, fault, idle: true })
    return beginStop(state, name, 'failure', { to: 'cold', retry: false }, out, runtime)
  }
  if (runtime && isRead(entry)) {
    entry.exited = fault
    out.record({ type: 'fault', process, fault, idle: false })
    return state
  }
  if (entry.stage === 'waiting') {
    out.record({ type: 'fault', process, fault, idle: false })
    out.disarmDeadline(entry.id)
    const afterwards = { to: 'starting', attempt: 'init', waiting: entry.id } as const
    return beginStop(state, name, 'failure', afterwards, out, runtime)
  }
  // a runtime that had ended while its answer was being read is the first cause
  const next = failInvocation(state, entry, entry.exited ?? fault, out, runtime || entry.exited !== null)
  out.record({ type: 'fault', process, fault, idle: false })
  return next
}

/** While an invocation runs nothing moves: the event comes again when it is over. */
export function recycle(state: Serving, _: On<'recycle'>, out: Effects): EnvironmentState {
  if (state.inflight.length > 0) return state
  return beginStop(state, 'Ready', 'spindown', { to: 'cold', retry: false }, out)
}

export function stop(state: Serving, _: On<'stop'>, out: Effects): EnvironmentState {
  const [entry] = state.inflight
  if (entry !== undefined) answerAndFinish(entry, { kind: 'shutdown' }, out)
  const runtimeGone = entry !== undefined && entry.exited !== null
  return beginStop(state, runtimeState(state), 'spindown', { to: 'stopped' }, out, runtimeGone)
}

/** Ends what is in flight with the fault of a process; a caller that has an answer keeps it. */
function failInvocation(
  state: Serving,
  entry: Inflight,
  fault: Fault,
  out: Effects,
  runtimeGone = true,
): EnvironmentState {
  answerAndFinish(entry, { kind: 'fault', fault }, out)
  return beginStop(state, runtimeState(state), 'failure', { to: 'cold', retry: false }, out, runtimeGone)
}

/** Answers the caller unless that has happened, and reports the first verdict that is not success. */
function answerAndFinish(entry: Inflight, outcome: Outcome, out: Effects): void {
  const end: Verdict = entry.verdict && entry.verdict.status !== 'success' ? entry.verdict : verdict(outcome)
  if (entry.verdict === null) out.settle(entry.id, outcome)
  finishInvocation(entry.id, end, entry.stage !== 'waiting', out)
}

/** When the runtime and all extensions have polled, the invocation is over and the environment free. */
function finishIfPolled(state: Serving, out: Effects): Serving {
  const entry = findAt(state, 'responded')
  if (entry === undefined || state.polls.length === 0 || !noneOwed(state.extensions)) return state
  remove(state, entry)
  finishInvocation(entry.id, entry.verdict ?? success, true, out)
  return state
}
