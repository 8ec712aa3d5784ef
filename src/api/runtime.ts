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
  return upload(environment, request, id, null, false, (call) =>
    environment.dispatch({ type: 'runtime/response', call, id, mode }),
  )
}

/** `POST …/invocation/{id}/error`. */
export function error(environment: Environment, request: Request, id: RequestId): Promise<Response> {
  const sent = firstValue(request.headers, 'lambda-runtime-function-error-type')
  const type = sent === null ? null : errorType(sent)
  return upload(environment, request, id, type, true, (call) =>
    environment.dispatch({ type: 'runtime/error', call, id, errorType: type }),
  )
}

function upload(
  environment: Environment,
  request: Request,
  id: RequestId,
  type: string | null,
  isError: boolean,
  begin: (call: PollId) => void,
): Promise<Response> {
  return new Promise((resolve) => {
    const call = environment.open((reply) => {
      if (reply.kind !== 'read') {
        resolve(answer(environment, reply))
        return
      }
      read()
    })
    const report = (received: Received): void =>
      environment.dispatch({ type: 'runtime/received', call, id, errorType: type, received })
    const read = (): void =>
      receive(request, (received) => {
        const cause = isError && firstValue(request.headers, 'content-type') === causeType
        if (!cause || received.kind !== 'complete') return report(received)
        withoutCause(received.payload as Blob).then((payload) => report({ ...received, payload }))
      })
    begin(call)
  })
}

/** `POST …/init/error`: any body is taken; it is what the caller gets if no retry follows. */
export async function initError(environment: Environment, request: Request): Promise<Response> {
  const type = errorType(firstValue(request.headers, 'lambda-runtime-function-error-type'))
  const received = await new Promise<Received>((resolve) => receive(request, resolve))
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
