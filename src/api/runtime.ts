/**
 * `/2018-06-01/runtime/*`: what runtimes call. Each handler turns a request into an event and the reply into an answer.
 */

import { firstValue } from '../core/header.ts'
import type { PollId, RequestId } from '../core/ids.ts'
import type { Received, Reply } from '../core/lifecycle.ts'
import type { Environment } from '../engine/environment.ts'
import { causeType, withoutCause } from './cause.ts'
import { poll } from './poll.ts'
import { receive } from './upload.ts'
import type { PollWatch } from './watch.ts'
import { accepted, errorResponse, errorType, invocationResponse, refusal } from './wire.ts'

/** `GET …/invocation/next`: parked until there is an event, without limit. */
export function next(environment: Environment, watch: PollWatch, request: Request): Promise<Response> {
  const { state } = environment
  return poll(environment, watch, request, {
    occupied: 'polls' in state && state.polls.length > 0,
    event: (call, behind) =>
      behind ? { type: 'runtime/next', call, behind } : { type: 'runtime/next', call },
    answer: (reply) => answer(environment, reply),
  })
}

/** `POST …/invocation/{id}/response`. The id and the state are checked before a byte of the body is read. */
export function response(environment: Environment, request: Request, id: RequestId): Promise<Response> {
  const mode = firstValue(request.headers, 'lambda-runtime-function-response-mode')
  const begin = (call: PollId): void => environment.dispatch({ type: 'runtime/response', call, id, mode })
  const read = (done: (received: Received) => void): void => receive(request, mode === 'streaming', done)
  return upload(environment, id, null, begin, read)
}

/** `POST …/invocation/{id}/error`. */
export function error(environment: Environment, request: Request, id: RequestId): Promise<Response> {
  const sent = firstValue(request.headers, 'lambda-runtime-function-error-type')
  const type = sent === null ? null : errorType(sent)
  const begin = (call: PollId): void =>
    environment.dispatch({ type: 'runtime/error', call, id, errorType: type })
  const read = (done: (received: Received) => void): void =>
    receive(request, false, (received) => {
      const cause = firstValue(request.headers, 'content-type') === causeType
      if (!cause || received.kind !== 'complete') return done(received)
      withoutCause(received.payload as Blob).then((payload) => done({ ...received, payload }))
    })
  return upload(environment, id, type, begin, read)
}

/** Begins, reads if the rules allow it, and reports what was read. */
function upload(
  environment: Environment,
  id: RequestId,
  type: string | null,
  begin: (call: PollId) => void,
  read: (done: (received: Received) => void) => void,
): Promise<Response> {
  return new Promise((resolve) => {
    const call = environment.open((reply) => {
      if (reply.kind !== 'read') return resolve(answer(environment, reply))
      read((received) =>
        environment.dispatch({ type: 'runtime/received', call, id, errorType: type, received }),
      )
    })
    begin(call)
  })
}

/** `POST …/init/error`: any body is taken; it is what the caller gets if no retry follows. */
export async function initError(environment: Environment, request: Request): Promise<Response> {
  const type = errorType(firstValue(request.headers, 'lambda-runtime-function-error-type'))
  const received = await new Promise<Received>((resolve) => receive(request, false, resolve))
  const document = received.kind === 'complete' ? received.payload : new Blob([])
  return new Promise((resolve) => {
    const call = environment.open((reply) => resolve(answer(environment, reply)))
    environment.dispatch({ type: 'runtime/init-error', call, errorType: type, document })
  })
}

function answer(environment: Environment, reply: Reply): Response {
  switch (reply.kind) {
    case 'accepted':
      return accepted()
    case 'invocation': {
      const invocation = environment.invocation(reply.id)
      return invocation ? invocationResponse(invocation) : unknownEvent()
    }
    case 'refused':
      return refusal(reply)
    default:
      return unknownEvent()
  }
}

/** The reference's answer when an event cannot be rendered; the rules never let it come to that. */
const unknownEvent = (): Response => errorResponse(500, 'InternalServerError', 'Internal Server Error')
