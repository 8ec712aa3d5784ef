/**
 * Serving: one event at a time goes to the runtime and to every extension that subscribed to INVOKE; or, with several
 * at a time, one to each parked poll of the runtime.
 *
 * The caller is answered when the runtime has responded. The invocation is over, and the environment free, when the
 * runtime and all those extensions have asked for the next event; with several at a time, it is over with the response.
 * The function timeout runs until then. How the runtime answers stands in `answering.ts`.
 *
 * Races, both orders of each being a cell here and a trace in the tests:
 * - response against deadline: a response whose body is complete before the timer fires is the answer; later the
 *   timeout was the answer; a response that begins then gets 400, because its id is not in flight, and one whose body
 *   was being read gets 403.
 * - response against exit: a runtime may end as soon as its answer is on its way. An exit while the body is being read
 *   is kept until the body is complete or broken off; an exit before the runtime began to answer is the answer.
 * - `/next` against the end of its own `/response`: clients use several connections, so the poll may be seen first. It
 *   is parked and counts when the response is complete.
 * - upload that breaks off against exit: see `exitWaitOver`.
 * - poller gone against invocation: with no poll to hand it to, an invocation waits for the next poll under its
 *   deadline; if the runtime turns out to be dead, the environment starts again for it, as it was never delivered.
 */

import { rememberLate } from './answering.ts'
import { type Effects, recordStart } from './effect.ts'
import { endOne, failAll, failUnlessRead, finishIfOver, settleBroken } from './ending.ts'
import { admit, beginStop, notify } from './enter.ts'
import type { On } from './event.ts'
import { exitFault, findPoller, markExited, register as registerExtension } from './extensions.ts'
import { find, findAt, isRead, runtimeState } from './inflight.ts'
import type { Mode } from './mode.ts'
import type { LifecycleState, Serving } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

export function invoke(state: Serving, { id }: On<'invoke'>, out: Effects): Serving {
  admit(state, id, out)
  return state
}

export function runtimeNext(state: Serving, event: On<'runtime/next'>, out: Effects, mode: Mode): Serving {
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
  if (state.owed > 0) state.owed--
  // A runtime that asks again before it answers has lost the event: it gets it again, as from the reference. A second
  // poller that asked before the event was delivered has lost nothing: it waits for the next one.
  const running = mode.singlePoller && event.concurrentPoll !== true ? findAt(state, 'running') : undefined
  if (running !== undefined) {
    out.reply(call, { kind: 'invocation', id: running.id })
    return state
  }
  state.polls.push(call)
  if (mode.singlePoller) settleBroken(state, out)
  return finishIfOver(state, out, mode)
}

/**
 * An upload broke off, and its process did not die of it.
 *
 * Exit against the break: the kernel closes the connections of a dying process before it reports its end, so the break
 * is mostly seen first. Then the exit is waited for, and is the answer if it comes in time; seen first, it is the answer
 * anyway.
 */
export function exitWaitOver(
  state: Serving,
  _: On<'exit-wait-over'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  settleBroken(state, out)
  return finishIfOver(state, out, mode)
}

export function register(
  state: Serving,
  { call, registration }: On<'extension/register'>,
  out: Effects,
  mode: Mode,
): Serving {
  // Registration is closed, so there always is a refusal. The earlier checks run first: their messages differ.
  const refusal = registerExtension(state.extensions, false, registration, mode)
  if (refusal !== null) out.reply(call, refusal)
  return state
}

export function extensionNext(
  state: Serving,
  { call, id }: On<'extension/next'>,
  out: Effects,
  mode: Mode,
): Serving {
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
  return finishIfOver(state, out, mode)
}

/** Deadline against the end: a timer that fires for an invocation that is over moves nothing. */
export function deadline(
  state: Serving,
  { id }: On<'deadline'>,
  out: Effects,
  { afterTimeout }: Mode,
): LifecycleState {
  const entry = find(state, id)
  if (entry === undefined) return state
  const { exited } = state
  const { stage } = entry
  const name = runtimeState(state)
  endOne(state, entry, { kind: 'timeout' }, out)
  if (afterTimeout === 'restart') {
    return beginStop(state, name, 'timeout', { to: 'cold', retry: false }, out, exited !== null)
  }
  // of one whose upload broke off no answer comes any more
  if (stage !== 'broken') rememberLate(state, id)
  return exited === null ? state : failUnlessRead(state, exited, out)
}

export function exit(state: Serving, { process, status }: On<'exit'>, out: Effects): LifecycleState {
  const { inflight } = state
  const runtime = process === 'runtime'
  const fault = exitFault(state.extensions, process, status)
  const idle = inflight.length === 0
  markExited(state.extensions, process)
  const record = (): void => out.record({ type: 'fault', process, fault, idle })
  const name = runtime ? 'Exited' : runtimeState(state)
  if (idle) {
    record()
    return beginStop(state, name, 'failure', { to: 'cold', retry: false }, out, runtime)
  }
  if (runtime && inflight.some(isRead)) {
    state.exited = fault
    record()
    return failUnlessRead(state, fault, out)
  }
  const [first, second] = inflight
  if (first?.stage === 'waiting' && second === undefined) {
    record()
    out.disarmDeadline(first.id)
    const afterwards = { to: 'starting', attempt: 'init', last: false, waiting: [first.id] } as const
    return beginStop(state, name, 'failure', afterwards, out, runtime)
  }
  if (!runtime) settleBroken(state, out)
  const next = failAll(state, fault, out, runtime)
  record()
  return next
}

/** While an invocation runs nothing moves: the event comes again when it is over. */
export function recycle(state: Serving, _: On<'recycle'>, out: Effects): LifecycleState {
  if (state.inflight.length > 0) return state
  return beginStop(state, 'Ready', 'spindown', { to: 'cold', retry: false }, out)
}

export function stop(state: Serving, _: On<'stop'>, out: Effects): LifecycleState {
  const name = runtimeState(state)
  for (const entry of [...state.inflight]) endOne(state, entry, { kind: 'shutdown' }, out)
  return beginStop(state, name, 'spindown', { to: 'stopped' }, out, state.exited !== null)
}
