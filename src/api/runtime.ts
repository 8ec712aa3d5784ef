/**
 * `/2018-06-01/runtime/*`: what runtimes call. Each handler turns a request into an event and the reply into an answer.
 */

import { firstValue } from '../core/header.ts'
import type { PollId, RequestId } from '../core/ids.ts'
import type { Received, Reply } from '../core/lifecycle.ts'
import type { Caller, Environment } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import { causeType, withoutCause } from './cause.ts'
import { type Poller, poll } from './poll.ts'
import { receive } from './upload.ts'
import type { PollWatch } from './watch.ts'
import { accepted, errorResponse, errorType, invocationResponse, refusal } from './wire.ts'

const poller: Poller = {
  occupied: ({ polled }) => polled,
  ask: (environment, poll, behind) => environment.next(poll.call, poll, behind),
  answer: (_, reply, invocation) => answer(reply, invocation),
}

/** `GET …/invocation/next`: parked until there is an event, without limit. */
export const next = (environment: Environment, watch: PollWatch, request: Request): Promise<Response> =>
  poll(environment, watch, request, poller)

/** What a runtime posts for an invocation: checked first, read if the rules allow it, then reported. */
class Upload implements Caller {
  readonly #environment: Environment
  readonly #request: Request
  readonly #id: RequestId
  /** null of a response */
  readonly #error: { readonly type: string | null } | null
  readonly #resolve: (response: Response) => void
  #call: PollId | null = null
  #mode: string | null = null

  constructor(
    environment: Environment,
    request: Request,
    id: RequestId,
    error: { readonly type: string | null } | null,
    resolve: (response: Response) => void,
  ) {
    this.#environment = environment
    this.#request = request
    this.#id = id
    this.#error = error
    this.#resolve = resolve
  }

  /** Asks the rules, if need be; called once. */
  begin(): void {
    const [environment, id, error] = [this.#environment, this.#id, this.#error]
    if (error === null) {
      this.#mode = firstValue(this.#request.headers, 'lambda-runtime-function-response-mode')
      if (environment.beginResponse(id, this.#mode)) {
        this.#read()
        return
      }
    }
    const call = environment.park(this)
    this.#call = call
    environment.dispatch(
      error === null
        ? { type: 'runtime/response', call, id, mode: this.#mode }
        : { type: 'runtime/error', call, id, errorType: error.type },
    )
  }

  reply(reply: Reply): void {
    if (reply.kind === 'read') this.#read()
    else this.#resolve(answer(reply))
  }

  #read(): void {
    if (this.#error !== null) this.#readError()
    else receive(this.#request, this.#mode === 'streaming', (received) => this.#done(received))
  }

  #readError(): void {
    receive(this.#request, false, (received) => {
      const cause = firstValue(this.#request.headers, 'content-type') === causeType
      if (!cause || received.kind !== 'complete') return this.#done(received)
      withoutCause(received.payload as Blob).then((payload) => this.#done({ ...received, payload }))
    })
  }

  #done(received: Received): void {
    const [environment, id, error] = [this.#environment, this.#id, this.#error]
    if (environment.endResponse(id, received)) {
      this.#resolve(accepted())
      return
    }
    // one that began on the warm path is not parked: something came up while its body was read
    const call = this.#call ?? environment.park(this)
    const errorType = error === null ? null : error.type
    environment.dispatch({ type: 'runtime/received', call, id, errorType, received })
  }
}

/** `POST …/invocation/{id}/response`. The id and the state are checked before a byte of the body is read. */
export const response = (environment: Environment, request: Request, id: RequestId): Promise<Response> =>
  new Promise((resolve) => new Upload(environment, request, id, null, resolve).begin())

/** `POST …/invocation/{id}/error`. */
export function error(environment: Environment, request: Request, id: RequestId): Promise<Response> {
  const sent = firstValue(request.headers, 'lambda-runtime-function-error-type')
  const type = sent === null ? null : errorType(sent)
  return new Promise((resolve) => new Upload(environment, request, id, { type }, resolve).begin())
}

/** `POST …/init/error`: any body is taken; it is what the caller gets if no retry follows. */
export async function initError(environment: Environment, request: Request): Promise<Response> {
  const type = errorType(firstValue(request.headers, 'lambda-runtime-function-error-type'))
  const received = await new Promise<Received>((resolve) => receive(request, false, resolve))
  const document = received.kind === 'complete' ? received.payload : new Blob([])
  return new Promise((resolve) => {
    const call = environment.park({ reply: (reply) => resolve(answer(reply)) })
    environment.dispatch({ type: 'runtime/init-error', call, errorType: type, document })
  })
}

function answer(reply: Reply, invocation?: Invocation): Response {
  switch (reply.kind) {
    case 'accepted':
      return accepted()
    case 'invocation':
      return invocation ? invocationResponse(invocation) : unknownEvent()
    case 'refused':
      return refusal(reply)
    default:
      return unknownEvent()
  }
}

/** The reference's answer when an event cannot be rendered; the rules never let it come to that. */
const unknownEvent = (): Response => errorResponse(500, 'InternalServerError', 'Internal Server Error')
