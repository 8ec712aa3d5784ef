/**
 * Serving: one event at a time goes to the runtime and to every extension that subscribed to INVOKE.
 *
 * The caller is answered when the runtime has responded. The invocation is finishInvocation, and the environment free, when the
 * runtime and all those extensions have asked for the next event; until then the function timeout runs on.
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

import { type Effect, finishInvocation, type Reply, recordStart, type Step } from './effect.ts'
import { admit, beginStop, notify } from './enter.ts'
import type { On } from './event.ts'
import {
  dropPoll,
  exitFault,
  identify,
  markExited,
  mayPoll,
  noneOwed,
  register as registerExtension,
  replace,
} from './extensions.ts'
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
import type { ApiCallId } from './ids.ts'
import { type Draft, find, rebuild, runtimeState, staged, stageName, swap } from './inflight.ts'
import { reportExitError } from './reports.ts'
import type { Inflight, Serving } from './state.ts'

export function invoke(state: Serving, { id }: On<'invoke'>): Step {
  return admit(state, id)
}

export function runtimeNext(state: Serving, { call, concurrentPoll }: On<'runtime/next'>): Step {
  const { polls, inflight, extensions } = state
  const current = inflight[0]
  if (current?.stage === 'waiting') {
    const { id } = current
    const step: Draft = [state, recordStart(id), { do: 'reply', call, reply: { kind: 'invocation', id } }]
    const notified = notify(extensions, id, step)
    step[0] = rebuild(state, polls, swap(inflight, current, staged(current, 'running')), notified)
    return step
  }
  // A runtime that asks again before it answers has lost the event: it gets it again, as from the reference. A second
  // poller that asked before the event was delivered has lost nothing: it waits for the next one.
  if (current?.stage === 'running' && concurrentPoll !== true) {
    return [state, { do: 'reply', call, reply: { kind: 'invocation', id: current.id } }]
  }
  return finishIfDone([rebuild(state, [...polls, call], inflight, extensions)])
}

export function response(state: Serving, { call, id, mode }: On<'runtime/response'>): Step {
  const entry = find(state, id)
  if (entry === undefined) return [state, { do: 'reply', call, reply: invalidRequestId }]
  if (entry.stage !== 'running') {
    return [
      state,
      { do: 'reply', call, reply: illegal('runtime', stageName(state, entry), 'InvocationResponse') },
    ]
  }
  // Refused, and nothing moved: the runtime can still answer in a mode that exists.
  if (mode !== null && mode !== '' && mode !== 'streaming' && mode !== 'buffered') {
    const reply = refused('InvalidFunctionResponseMode', 'Invalid function response mode')
    return [state, { do: 'reply', call, reply }]
  }
  return beginReading(state, entry, 'responding', call)
}

export function error(state: Serving, { call, id }: On<'runtime/error'>): Step {
  const entry = find(state, id)
  if (entry === undefined) return [state, { do: 'reply', call, reply: invalidRequestId }]
  if (entry.stage !== 'running') {
    const reply = illegal('runtime', stageName(state, entry), 'InvocationErrorResponse')
    return [state, { do: 'reply', call, reply }]
  }
  return beginReading(state, entry, 'erroring', call)
}

const read: Reply = { kind: 'read' }

function beginReading(
  state: Serving,
  entry: Inflight,
  stage: 'responding' | 'erroring',
  call: ApiCallId,
): Step {
  const inflight = swap(state.inflight, entry, staged(entry, stage))
  return [rebuild(state, state.polls, inflight, state.extensions), { do: 'reply', call, reply: read }]
}

/** The body of `/response` or `/error` is complete, too large, or broken off. */
export function received(state: Serving, event: On<'runtime/received'>): Step {
  const { call } = event
  const entry = find(state, event.id)
  if (entry === undefined || (entry.stage !== 'responding' && entry.stage !== 'erroring')) {
    return [state, { do: 'reply', call, reply: invalidRequestId }]
  }
  const outcome = outcomeOf(entry, event)
  const responded = staged(entry, 'responded', verdict(outcome))
  const inflight = swap(state.inflight, entry, responded)
  const settled = rebuild(state, state.polls, inflight, state.extensions)
  const settle: Effect = { do: 'settle', id: entry.id, outcome }
  const reply: Effect = { do: 'reply', call, reply: outcome.kind === 'oversize' ? tooLarge : accepted }
  if (entry.exited === null) return finishIfDone([settled, settle, reply])
  const [after, ...more] = failInvocation(settled, responded, entry.exited)
  return [after, settle, reply, ...more]
}

const accepted: Reply = { kind: 'accepted' }

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

export function register(state: Serving, { call, registration }: On<'extension/register'>): Step {
  const result = registerExtension(state.extensions, false, registration)
  // Registration is closed. The earlier checks run first, because their messages differ.
  return 'kind' in result ? [state, { do: 'reply', call, reply: result }] : [state]
}

export function extensionNext(state: Serving, { call, id }: On<'extension/next'>): Step {
  const extension = identify(state.extensions, id, 'next')
  if ('kind' in extension) return [state, { do: 'reply', call, reply: extension }]
  const refusal = mayPoll(extension)
  if (refusal) return [state, { do: 'reply', call, reply: refusal }]
  if (extension.pendingInvoke !== null) {
    const extensions = replace(state.extensions, extension, { pendingInvoke: null })
    const reply = { kind: 'invoke-event', id: extension.pendingInvoke } as const
    return [
      { ...state, extensions },
      { do: 'reply', call, reply },
    ]
  }
  const extensions = replace(state.extensions, extension, { state: 'Ready', poll: call })
  return finishIfDone([{ ...state, extensions }])
}

/** Always refused: an extension that serves has polled. */
export function extensionInitError(state: Serving, { call, id }: On<'extension/init-error'>): Step {
  const extension = identify(state.extensions, id, 'report')
  const reply =
    'kind' in extension ? extension : illegal(`extension ${extension.id}`, extension.state, 'InitError')
  return [state, { do: 'reply', call, reply }]
}

export function extensionExitError(state: Serving, { call, id }: On<'extension/exit-error'>): Step {
  const [extensions, ...effects] = reportExitError(state.extensions, call, id)
  return [{ ...state, extensions }, ...effects]
}

export function gone(state: Serving, { call }: On<'gone'>): Step {
  return [{ ...state, ...dropPoll(state, call) }]
}

/** Deadline against the end: a timer that fires for an invocation that is over moves nothing. */
export function deadline(state: Serving, { id }: On<'deadline'>): Step {
  const entry = find(state, id)
  if (entry === undefined) return [state]
  return abort(state, entry, { kind: 'timeout' }, 'timeout')
}

export function exit(state: Serving, { process, status }: On<'exit'>): Step {
  const [entry] = state.inflight
  const runtime = process === 'runtime'
  const fault = exitFault(state.extensions, process, status)
  const left: Serving = { ...state, extensions: markExited(state.extensions, process) }
  const record: Effect = {
    do: 'record',
    record: { type: 'fault', process, fault, idle: entry === undefined },
  }
  const name = runtime ? 'Exited' : runtimeState(state)
  if (entry === undefined) {
    return beginStop(left, name, 'failure', { to: 'cold', retry: false }, [record], runtime)
  }
  if (runtime && (entry.stage === 'responding' || entry.stage === 'erroring')) {
    return [{ ...state, inflight: swap(state.inflight, entry, { ...entry, exited: fault }) }, record]
  }
  if (entry.stage === 'waiting') {
    const afterwards = { to: 'starting', attempt: 'init', waiting: entry.id } as const
    const disarm: Effect = { do: 'disarm-deadline', id: entry.id }
    return beginStop(left, name, 'failure', afterwards, [record, disarm], runtime)
  }
  // a runtime that had ended while its answer was being read is the first cause
  const [after, ...effects] = failInvocation(
    left,
    entry,
    entry.exited ?? fault,
    runtime || entry.exited !== null,
  )
  return [after, ...effects, record]
}

/** While an invocation runs nothing moves: the event comes again when it is over. */
export function recycle(state: Serving): Step {
  if (state.inflight.length > 0) return [state]
  return beginStop(state, 'Ready', 'spindown', { to: 'cold', retry: false }, [])
}

export function stop(state: Serving): Step {
  const [entry] = state.inflight
  if (entry === undefined) return beginStop(state, 'Ready', 'spindown', { to: 'stopped' }, [])
  return abort(state, entry, { kind: 'shutdown' }, 'spindown')
}

/** Ends what is in flight with the fault of a process; a caller that has an answer keeps it. */
function failInvocation(state: Serving, entry: Inflight, fault: Fault, runtimeGone = true): Step {
  const effects = answerAndFinish(entry, { kind: 'fault', fault })
  return beginStop(state, runtimeState(state), 'failure', { to: 'cold', retry: false }, effects, runtimeGone)
}

function abort(state: Serving, entry: Inflight, outcome: Outcome, reason: 'timeout' | 'spindown'): Step {
  const afterwards =
    reason === 'spindown' ? ({ to: 'stopped' } as const) : ({ to: 'cold', retry: false } as const)
  const runtimeGone = entry.exited !== null
  return beginStop(
    state,
    runtimeState(state),
    reason,
    afterwards,
    answerAndFinish(entry, outcome),
    runtimeGone,
  )
}

/** Answers the caller unless that has happened, and reports the first verdict that is not success. */
function answerAndFinish(entry: Inflight, outcome: Outcome): Effect[] {
  const end: Verdict = entry.verdict && entry.verdict.status !== 'success' ? entry.verdict : verdict(outcome)
  const settle: Effect[] = entry.verdict === null ? [{ do: 'settle', id: entry.id, outcome }] : []
  return [...settle, ...finishInvocation(entry.id, end, entry.stage !== 'waiting')]
}

/** When the runtime and all extensions have polled, the invocation is over and the environment free. */
function finishIfDone(step: Draft): Step {
  const [state] = step
  const entry = state.inflight[0]
  if (entry?.stage !== 'responded' || state.polls.length === 0 || !noneOwed(state.extensions)) return step
  step[0] = rebuild(state, state.polls, state.inflight.slice(1), state.extensions)
  step.push(...finishInvocation(entry.id, entry.verdict ?? success, true))
  return step
}
