/**
 * Serving: the runtime answers an invocation, at once or piece by piece. A call is followed by what came of its body.
 * What an answer can race with stands at the top of `serving.ts`.
 */

import type { Effects, Reply } from './effect.ts'
import { answer, failUnlessRead, finishIfOver } from './ending.ts'
import type { On } from './event.ts'
import { illegal, invalidRequestId, type Outcome, refused, tooLarge, tooLate, truncated } from './failure.ts'
import type { RequestId } from './ids.ts'
import { find, findAt, isRead, stageName } from './inflight.ts'
import { exitWaitMs, maxLate } from './limits.ts'
import type { Mode } from './mode.ts'
import type { Inflight, LifecycleState, Serving } from './state.ts'

export function response(
  state: Serving,
  { call, id, mode: responseMode }: On<'runtime/response'>,
  out: Effects,
  mode: Mode,
): Serving {
  const entry = find(state, id)
  if (entry?.stage !== 'running') {
    out.reply(call, notAnswerable(state, id, entry, 'InvocationResponse', mode))
  } else if (!isMode(responseMode)) {
    // Nothing moves: the runtime can still answer in a mode that exists.
    out.reply(call, refused('InvalidFunctionResponseMode', 'Invalid function response mode'))
  } else {
    entry.stage = 'responding'
    out.reply(call, read)
  }
  return state
}

export function error(state: Serving, { call, id }: On<'runtime/error'>, out: Effects, mode: Mode): Serving {
  const entry = find(state, id)
  if (entry?.stage !== 'running') {
    out.reply(call, notAnswerable(state, id, entry, 'InvocationErrorResponse', mode))
  } else {
    entry.stage = 'erroring'
    out.reply(call, read)
  }
  return state
}

const read: Reply = { kind: 'read' }
const accepted: Reply = { kind: 'accepted' }

const isMode = (mode: string | null): boolean =>
  mode === null || mode === '' || mode === 'streaming' || mode === 'buffered'

function notAnswerable(
  state: Serving,
  id: RequestId,
  entry: Inflight | undefined,
  to: string,
  { secondAnswer }: Mode,
): Reply {
  if (entry === undefined) return notInFlight(state, id)
  return secondAnswer === 'InvalidRequestID'
    ? invalidRequestId
    : illegal('runtime', stageName(state, entry), to)
}

/** The first late answer is told so; what comes after it is of an id that nobody knows. */
function notInFlight({ late }: Serving, id: RequestId): Reply {
  const index = late.indexOf(id)
  if (index < 0) return invalidRequestId
  late.splice(index, 1)
  return tooLate
}

/** Its answer may still come: the runtime goes on. */
export function rememberLate({ late }: Serving, id: RequestId): void {
  if (late.push(id) > maxLate) late.shift()
}

/**
 * The first bytes of a response came, and are handed on. Deadline, exit and stop against it: what has ended the
 * invocation before is the answer, and the bytes go nowhere.
 */
export function streaming(
  state: Serving,
  { id, contentType }: On<'runtime/streaming'>,
  out: Effects,
): Serving {
  const entry = find(state, id)
  if (entry?.stage !== 'responding' || entry.begun) return state
  entry.begun = true
  out.beginAnswer(id, contentType)
  return state
}

/** The body of `/response` or `/error` is complete, too large, or broken off. */
export function received(
  state: Serving,
  event: On<'runtime/received'>,
  out: Effects,
  mode: Mode,
): LifecycleState {
  const { call } = event
  const entry = find(state, event.id)
  if (entry === undefined || !isRead(entry)) {
    out.reply(call, entry === undefined ? notInFlight(state, event.id) : invalidRequestId)
    return state
  }
  const { exited } = state
  if (event.received.kind === 'truncated' && exited === null) {
    const first = findAt(state, 'broken') === undefined
    entry.stage = 'broken'
    out.reply(call, accepted)
    if (first) out.arm('exit-wait', exitWaitMs.upload)
    return state
  }
  const outcome = outcomeOf(state, entry, event)
  answer(entry, outcome, out)
  if (!mode.singlePoller && state.owed < mode.concurrency) state.owed++
  out.reply(call, outcome.kind === 'oversize' ? tooLarge(outcome.limit) : accepted)
  return exited === null ? finishIfOver(state, out, mode) : failUnlessRead(state, exited, out)
}

export function outcomeOf(
  { exited }: Serving,
  { stage }: Inflight,
  { received, errorType }: On<'runtime/received'>,
): Outcome {
  switch (received.kind) {
    case 'complete':
      return stage === 'erroring'
        ? { kind: 'error', payload: received.payload, errorType }
        : { kind: 'response', payload: received.payload, contentType: received.contentType }
    case 'oversize':
      return received
    case 'trailers':
      return { ...received, kind: 'broken-stream' }
    case 'truncated':
      // the death of a runtime in the middle of its answer is the cause
      return { kind: 'fault', fault: exited ?? truncated }
  }
}
