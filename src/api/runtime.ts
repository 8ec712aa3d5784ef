/**
 * `/2018-06-01/runtime/*`: what runtimes call. Each handler turns a request into an event and the reply into an answer.
 */

import type { ApiCallId, RequestId } from '../core/ids.ts'
import type { Reply, UploadResult } from '../core/lifecycle.ts'
import { maxResponseBytes } from '../core/limits.ts'
import type { Environment, PendingCall } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import { type Collected, collect } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { causeType, withoutCause } from './cause.ts'
import { type Poller, type Polls, poll } from './poll.ts'
import { type StreamResult, StreamUpload } from './stream-upload.ts'
import { streamError } from './trailers.ts'
import {
  type Answer,
  accepted,
  errorType,
  internalError,
  outdatedDelivery,
  refusal,
  refuse,
  send,
  sendInvocation,
} from './wire.ts'

const poller: Poller = {
  occupied: ({ polled }) => polled,
  ask: (environment, poll, concurrent) => environment.next(poll.call, poll, concurrent),
  answer(_, exchange, reply, invocation) {
    if (reply.kind === 'invocation' && invocation !== undefined) sendInvocation(exchange, invocation)
    else send(exchange, answerTo(reply))
  },
}

/** `GET …/invocation/next`: parked until there is an event, without limit. */
export function next(environment: Environment, polls: Polls, exchange: Exchange): void {
  poll(environment, polls, exchange, poller)
}

/** What a runtime posts for an invocation: checked first, read if the rules allow it, then reported. */
class Upload implements PendingCall {
  readonly #environment: Environment
  readonly #exchange: Exchange
  readonly #id: RequestId
  /** null of a response */
  readonly #error: { readonly type: string | null } | null
  readonly #call: ApiCallId
  #mode: string | null = null

  constructor(
    environment: Environment,
    exchange: Exchange,
    id: RequestId,
    error: { readonly type: string | null } | null,
  ) {
    this.#environment = environment
    this.#exchange = exchange
    this.#id = id
    this.#error = error
    this.#call = environment.newCall()
  }

  /** Asks the rules, unless the answer is to another delivery than the last one; called once. */
  begin(): void {
    const echoed = this.#exchange.header('lambda-runtime-invocation-id')
    // what is not in flight, or not delivered yet, the rules refuse
    const delivered = echoed ? this.#environment.invocation(this.#id)?.deliveryId : null
    if (delivered && delivered !== echoed) {
      send(this.#exchange, outdatedDelivery)
      return
    }
    const [call, id, error] = [this.#call, this.#id, this.#error]
    if (error === null) this.#mode = this.#exchange.header('lambda-runtime-function-response-mode')
    this.#environment.request(
      error === null
        ? { type: 'runtime/response', call, id, mode: this.#mode }
        : { type: 'runtime/error', call, id, errorType: error.type },
      this,
    )
  }

  reply(reply: Reply): void {
    if (reply.kind === 'read') this.#read()
    else send(this.#exchange, answerTo(reply))
  }

  #read(): void {
    const invocation = this.#error === null ? this.#environment.invocation(this.#id) : undefined
    if (invocation !== undefined && this.#streams(invocation.streams ?? 'never')) this.#relay(invocation)
    else this.#collect()
  }

  #streams(which: NonNullable<Invocation['streams']>): boolean {
    if (which === 'never') return false
    return this.#mode === 'streaming' || (which === 'chunked' && isChunked(this.#exchange))
  }

  /** Hands the body on as it comes. */
  #relay(invocation: Invocation): void {
    const contentType = this.#streamType
    const upload = new StreamUpload(this.#exchange, {
      begin: () => {
        this.#environment.dispatch({ type: 'runtime/streaming', id: this.#id, contentType })
        return invocation.receiver ?? null
      },
      done: (collected) => this.#done(this.#responseOf(collected, contentType)),
    })
    // later, because what a step raises waits for its end, and the first piece may be there
    queueMicrotask(() => this.#exchange.read(upload))
  }

  get #streamType(): string {
    return this.#exchange.header('content-type') ?? 'application/octet-stream'
  }

  #collect(): void {
    collect(this.#exchange, maxResponseBytes, (collected) => {
      if (this.#error !== null) this.#done(this.#errorOf(collected))
      else this.#done(this.#responseOf(collected, this.#mode === 'streaming' ? this.#streamType : null))
    })
  }

  /** Only a streamed response decides the type that its caller sees. */
  #responseOf(collected: Collected | StreamResult, contentType: string | null): UploadResult {
    if (collected.kind !== 'complete') return collected
    const failed = streamError(collected.trailers)
    if (failed === null) return { kind: 'complete', payload: collected, contentType }
    return { kind: 'trailers', payload: collected.size === 0 ? null : collected, contentType, ...failed }
  }

  #errorOf(collected: Collected): UploadResult {
    if (collected.kind !== 'complete') return collected
    const caused = this.#exchange.header('content-type') === causeType
    return { kind: 'complete', payload: caused ? withoutCause(collected) : collected, contentType: null }
  }

  #done(received: UploadResult): void {
    const [call, id, error] = [this.#call, this.#id, this.#error]
    const errorType = error === null ? null : error.type
    // one that had to wait for another event is parked still
    this.#environment.withdraw(call)
    this.#environment.request({ type: 'runtime/received', call, id, errorType, received }, this)
  }
}

/** `POST …/invocation/{id}/response`. The id and the state are checked before a byte of the body is read. */
export function response(environment: Environment, exchange: Exchange, id: RequestId): void {
  new Upload(environment, exchange, id, null).begin()
}

/** `POST …/invocation/{id}/error`. */
export function error(environment: Environment, exchange: Exchange, id: RequestId): void {
  const sent = exchange.header('lambda-runtime-function-error-type')
  const type = sent === null ? null : errorType(sent)
  new Upload(environment, exchange, id, { type }).begin()
}

const isChunked = (exchange: Exchange): boolean =>
  /\bchunked\b/i.test(exchange.header('transfer-encoding') ?? '')

/**
 * `POST …/init/error`: any body is taken; it is what the caller gets if no retry follows. One that breaks off is none: if
 * its process has died, the death is the failure.
 */
export function initError(
  environment: Environment,
  exchange: Exchange,
  done: (answer: Answer) => void,
): void {
  const type = errorType(exchange.header('lambda-runtime-function-error-type'))
  // now: what is read until another generation runs belongs to this one
  const call = environment.newCall()
  collect(exchange, maxResponseBytes, (collected) => {
    if (collected.kind === 'truncated') {
      done(refuse('InvalidRequestFormat', 'The request body ended before it was complete'))
      return
    }
    const document = collected.kind === 'complete' ? collected : null
    const reply = (reply: Reply): void => done(answerTo(reply))
    environment.request({ type: 'runtime/init-error', call, errorType: type, document }, { reply })
  })
}

function answerTo(reply: Reply): Answer {
  if (reply.kind === 'accepted') return accepted
  return reply.kind === 'refused' ? refusal(reply) : internalError
}
