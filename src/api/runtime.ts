/**
 * `/2018-06-01/runtime/*`: what runtimes call. Each handler turns a request into an event and the reply into an answer.
 */

import type { RequestId } from '../core/ids.ts'
import type { Reply, UploadResult } from '../core/lifecycle.ts'
import { maxResponseBytes } from '../core/limits.ts'
import type { Environment } from '../engine/environment.ts'
import type { Invocation, Receiver } from '../engine/invocation.ts'
import type { PendingUpload, Upload, UploadTarget } from '../engine/upload.ts'
import { type Collected, type Collecting, Collector, collect } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { causeType, withoutCause } from './cause.ts'
import { type ListenerPolls, Poll, type Poller, poll } from './poll.ts'
import { StreamUpload, type StreamUploadParts, type StreamUploadResult } from './stream-upload.ts'
import { streamError } from './trailers.ts'
import {
  type ApiAnswer,
  accepted,
  errorType,
  internalError,
  outdatedDelivery,
  refusal,
  restored,
  send,
  sendInvocation,
} from './wire.ts'

export const poller: Poller = {
  parked: ({ state }) => ('polls' in state ? (state.polls[0] ?? null) : null),
  ask: (environment, poll, concurrent) => environment.next(poll.call, poll, concurrent),
  answer(_, exchange, reply, invocation) {
    if (reply.kind === 'invocation' && invocation !== undefined) sendInvocation(exchange, invocation)
    else send(exchange, answerTo(reply))
  },
}

/** `GET …/invocation/next`: parked until there is an event, without limit. */
export function next(environment: Environment, polls: ListenerPolls, exchange: Exchange): void {
  poll(environment, polls, exchange, poller)
}

/** What a runtime posts for an invocation. */
export class InvocationUpload implements PendingUpload, Collecting, StreamUploadParts {
  readonly #exchange: Exchange
  readonly #target: UploadTarget
  /** null before its body is read */
  #upload: Upload | null = null
  /** of a body that is to be handed on when the step is over */
  #stream: StreamUpload | null = null
  #streamType: string | null = null
  #asked = false

  constructor(exchange: Exchange, target: UploadTarget) {
    this.#exchange = exchange
    this.#target = target
  }

  answer(reply: Reply): void {
    send(this.#exchange, answerTo(reply))
  }

  read(upload: Upload): void {
    this.#upload = upload
    const invocation = upload.responseTo
    if (invocation !== undefined && this.streams(invocation.streams ?? 'never')) this.relay()
    else this.#exchange.read(new Collector(maxResponseBytes, this))
  }

  /** The rules have been asked; `read` may have been called, or is when what runs now is over. */
  asked(): void {
    this.#asked = true
    if (this.#stream !== null) this.#exchange.read(this.#stream)
  }

  private get mode(): string | null {
    return this.#target.to === 'response' ? this.#target.mode : null
  }

  private streams(which: NonNullable<Invocation['streams']>): boolean {
    if (which === 'never') return false
    return this.mode === 'streaming' || (which === 'chunked' && isChunked(this.#exchange))
  }

  /** Hands the body on as it comes. */
  private relay(): void {
    this.#stream = new StreamUpload(this.#exchange, this)
    // not now, because what a step raises waits for its end, and the first piece may be there
    if (this.#asked) this.readLater()
  }

  private readLater(): void {
    queueMicrotask(() => this.asked())
  }

  begin(): Receiver | null {
    return this.#upload?.begin(this.streamType) ?? null
  }

  done(collected: StreamUploadResult): void {
    this.#upload?.end(this.responseOf(collected, this.streamType))
  }

  private get streamType(): string {
    this.#streamType ??= this.#exchange.header('content-type') || 'application/octet-stream'
    return this.#streamType
  }

  collected(body: Collected): void {
    const result =
      this.#target.to === 'error'
        ? this.errorOf(body)
        : this.responseOf(body, this.mode === 'streaming' ? this.streamType : null)
    this.#upload?.end(result)
  }

  /** Only a streamed response decides the type that its caller sees. */
  private responseOf(collected: Collected | StreamUploadResult, contentType: string | null): UploadResult {
    if (collected.kind !== 'complete') return collected
    const failed = streamError(collected.trailers)
    if (failed === null) return { kind: 'complete', payload: collected, contentType }
    return { kind: 'trailers', payload: collected.size === 0 ? null : collected, contentType, ...failed }
  }

  private errorOf(collected: Collected): UploadResult {
    if (collected.kind !== 'complete') return collected
    const caused = this.#exchange.header('content-type') === causeType
    return { kind: 'complete', payload: caused ? withoutCause(collected) : collected, contentType: null }
  }
}

/** Unless the answer is to another delivery than the last one. */
export function upload(
  environment: Environment,
  exchange: Exchange,
  id: RequestId,
  target: UploadTarget,
): void {
  const echoed = exchange.header('lambda-runtime-invocation-id')
  // what is not in flight, or not delivered yet, the rules refuse
  const delivered = echoed ? environment.invocation(id)?.deliveryId : null
  if (delivered && delivered !== echoed) send(exchange, outdatedDelivery)
  else ask(environment, target, new InvocationUpload(exchange, target))
}

function ask(environment: Environment, target: UploadTarget, pending: InvocationUpload): void {
  environment.upload(target, pending)
  pending.asked()
}

/** `POST …/invocation/{id}/response`. The id and the state are checked before a byte of the body is read. */
export function response(environment: Environment, exchange: Exchange, id: RequestId): void {
  const mode = exchange.header('lambda-runtime-function-response-mode')
  upload(environment, exchange, id, { to: 'response', id, mode })
}

/** `POST …/invocation/{id}/error`. */
export function error(environment: Environment, exchange: Exchange, id: RequestId): void {
  const sent = exchange.header('lambda-runtime-function-error-type')
  upload(environment, exchange, id, { to: 'error', id, errorType: sent === null ? null : errorType(sent) })
}

const isChunked = (exchange: Exchange): boolean =>
  /\bchunked\b/i.test(exchange.header('transfer-encoding') ?? '')

/** `GET …/restore/next`: parked until the first invocation, without limit; answered with an empty 200. */
export function restoreNext(environment: Environment, exchange: Exchange): void {
  const poll = new Poll(environment, exchange, poller)
  environment.request({ type: 'runtime/restore-next', call: poll.call }, poll)
}

/**
 * `POST …/init/error` and `…/restore/error`: any body is taken; it is what the caller gets, if no retry follows an init.
 */
export function report(
  environment: Environment,
  exchange: Exchange,
  what: 'init-error' | 'restore-error',
  done: (answer: ApiAnswer) => void,
): void {
  const type = errorType(exchange.header('lambda-runtime-function-error-type'))
  environment.upload(
    { to: what, errorType: type },
    {
      read: (upload) => collect(exchange, maxResponseBytes, (collected) => upload.end(bodyOf(collected))),
      answer: (reply) => done(answerTo(reply)),
    },
  )
}

const bodyOf = (collected: Collected): UploadResult =>
  collected.kind === 'complete' ? { kind: 'complete', payload: collected, contentType: null } : collected

export function answerTo(reply: Reply): ApiAnswer {
  if (reply.kind === 'accepted') return accepted
  if (reply.kind === 'restore') return restored
  return reply.kind === 'refused' ? refusal(reply) : internalError
}
