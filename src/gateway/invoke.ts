/**
 * `POST /2015-03-31/functions/{name}/invocations`: one request of a caller becomes an invocation, and its outcome the
 * answer. The caller may go away meanwhile; that changes nothing.
 */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { maxAsyncRequestBytes, maxRequestBytes } from '../core/limits.ts'
import type { DurableFunction } from '../engine/durable.ts'
import type { Receiver } from '../engine/invocation.ts'
import { type Collected, type Collecting, Collector, collect, joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { fieldProblem } from '../http/fields.ts'
import { CallerStream } from './caller-stream.ts'
import { contentProblem } from './content.ts'
import {
  type InvokeAnswer,
  invalidContent,
  notAccepted,
  render,
  requestTooLarge,
  type SpokenDialect,
} from './dialect.ts'
import { type Front, InvokeRequest } from './invoke-request.ts'
import { executedVersion, type InvokeParameters, newRequestId, ownRequestId, parseInvoke } from './request.ts'
import { noMetadata, type ResponseMetadata, respond } from './respond.ts'
import type { ServedFunction } from './served.ts'
import { answeredTrace, traceId } from './trace.ts'

export interface InvokeSettings {
  readonly dialect: 'auto' | SpokenDialect
  readonly epoch: () => number
}

/** `segment` names the function as it stands in the path; null for the usual path, which has no qualifier. */
export function invoke(
  served: ServedFunction,
  options: InvokeSettings,
  exchange: Exchange,
  segment: string | null,
): void {
  const sent = ownRequestId(exchange)
  const own = sent !== null && !served.has(sent)
  const id = own ? sent : newRequestId()
  const parameters = parseInvoke(exchange, segment, options.dialect, served.managed)
  if ('status' in parameters) {
    respond(exchange, parameters, id)
    return
  }
  const front = new InvokeFront(served, options, exchange, parameters)
  front.read(new InvokeRequest(served.arn, parameters, id, own, front))
}

function loadStartRun(): typeof import('./start-run.ts') {
  return require('./start-run.ts')
}

/** Answers as the operation Invoke of the service, in either dialect. */
export class InvokeFront implements Front, Collecting {
  readonly #served: ServedFunction
  readonly #options: InvokeSettings
  readonly #exchange: Exchange
  readonly #parameters: InvokeParameters
  readonly streams: Front['streams']
  /** null before its event is read */
  #request: InvokeRequest | null = null
  #stream: CallerStream | null = null

  constructor(
    served: ServedFunction,
    options: InvokeSettings,
    exchange: Exchange,
    parameters: InvokeParameters,
  ) {
    this.#served = served
    this.#options = options
    this.#exchange = exchange
    this.#parameters = parameters
    const { dialect, type, tail } = parameters
    // the log stands in a header, so what waits for it is gathered, as the service does it with every stream
    this.streams = dialect === 'rie' && type === 'RequestResponse' && !tail ? 'declared' : 'never'
  }

  read(request: InvokeRequest): void {
    const { limit } = this
    this.#request = request
    if (announcesMore(this.#exchange, limit)) this.respond(request, requestTooLarge(limit))
    else this.#exchange.read(new Collector(limit, this))
  }

  /** Of its event, in bytes. */
  private get limit(): number {
    return this.#parameters.type === 'Event' ? maxAsyncRequestBytes : maxRequestBytes
  }

  collected(body: Collected): void {
    const request = this.#request as InvokeRequest
    const event = eventOf(body, this.limit, this.#parameters.dialect === 'lambda')
    if ('status' in event) this.respond(request, event)
    else this.run(request, event)
  }

  private run(request: InvokeRequest, payload: Payload): void {
    const { type } = this.#parameters
    const served = this.#served
    if (served.durable !== null && this.startsRun(served.durable, request, payload)) return
    if (type === 'DryRun') {
      this.respond(request, noContent)
      return
    }
    if (type !== 'Event') {
      request.run(served, payload)
      return
    }
    const acceptance = served.accept(request.event(served, payload))
    const answer = acceptance === 'accepted' ? accepted : notAccepted(acceptance)
    this.respond(request, answer, { ...noMetadata, trace: this.trace(request) })
  }

  traceFor(id: RequestId): string {
    return traceId(this.#exchange, id, this.#options.epoch())
  }

  /** False for an event that another program made for the handler. */
  private startsRun(of: DurableFunction, request: InvokeRequest, payload: Payload): boolean {
    const { isHandlerEvent, startRun } = loadStartRun()
    const [exchange, parameters] = [this.#exchange, this.#parameters]
    if (isHandlerEvent(exchange, payload)) return false
    startRun({
      of,
      version: this.#served.version,
      exchange,
      parameters,
      request,
      payload,
      traceId: this.traceFor(request.id),
    })
    return true
  }

  begin(request: InvokeRequest, contentType: string): Receiver | null {
    const headers = plainHeaders(request.id, this.version, contentType)
    this.#stream = CallerStream.open(this.#exchange, 200, headers, isGoodType(contentType), true)
    return this.#stream
  }

  /** The version that runs, as its caller is told. */
  private get version(): string {
    return executedVersion(this.#parameters.qualifier, this.#served.version)
  }

  answer(request: InvokeRequest, outcome: Outcome, log: Uint8Array | null): void {
    if (request.receiver !== null) {
      // what came is not all, which only a broken connection can say
      if (outcome.kind === 'response') this.#stream?.end()
      else this.#stream?.abort()
      return
    }
    const { dialect } = this.#parameters
    const version = this.version
    if (outcome.kind === 'response' && outcome.contentType === null && dialect === 'rie' && log === null) {
      this.#exchange.respond(200, plainHeaders(request.id, version), outcome.payload.chunks, true)
      return
    }
    const timeoutSeconds = this.#served.timeoutMs / 1000
    const { managed } = this.#served
    const answer = render(outcome, { dialect, id: request.id, timeoutSeconds, managed })
    this.respond(request, answer, { version, log, trace: this.trace(request) })
  }

  private trace({ traceId }: InvokeRequest): string | null {
    const { dialect, type } = this.#parameters
    return dialect === 'lambda' ? answeredTrace(traceId, type !== 'Event') : null
  }

  private respond(request: InvokeRequest, answer: InvokeAnswer, metadata?: ResponseMetadata): void {
    respond(this.#exchange, answer, request.id, metadata)
  }
}

/** Of the stream before: a function sends the same type each time. Ids and versions are good since the request was read. */
let goodType = ''

/** Whether a type that a runtime sent can stand in a header as it is. */
export function isGoodType(contentType: string): boolean {
  if (contentType === goodType) return true
  const good = fieldProblem(['Content-Type', contentType]) === null
  if (good) goodType = contentType
  return good
}

/** Of a success in the dialect of the reference; a stream has the type that the runtime told. */
export const plainHeaders = (
  id: string,
  version: string,
  contentType: string = 'application/json',
): string[] => ['Content-Type', contentType, 'x-amzn-RequestId', id, 'X-Amz-Executed-Version', version]

/**
 * Reads the event of an invocation, of at most `limit` bytes; one that announces more is refused unread. `strict`: it has
 * to be JSON. Calls `done` once, with the event or with the answer that says what is wrong.
 */
export function readEvent(
  exchange: Exchange,
  limit: number,
  strict: boolean,
  done: (event: Payload | InvokeAnswer) => void,
): void {
  if (announcesMore(exchange, limit)) done(requestTooLarge(limit))
  else collect(exchange, limit, (body) => done(eventOf(body, limit, strict)))
}

/** A body whose length says that it is too large is not asked for. */
export function announcesMore(exchange: Exchange, limit: number): boolean {
  const length = exchange.header('content-length')
  return length !== null && Number(length) > limit
}

/** The event, or the answer that says what is wrong with it; `strict` as above. */
export function eventOf(body: Collected, limit: number, strict: boolean): Payload | InvokeAnswer {
  if (body.kind === 'oversize') return requestTooLarge(limit)
  // nobody is there to read it, but every request is answered
  if (body.kind === 'truncated') return invalidContent('The request body ended before it was complete.')
  return (strict && body.size > 0 ? checkJson(body) : null) ?? body
}

export const noContent: InvokeAnswer = { status: 204, body: null, contentType: '', functionError: false }
const accepted: InvokeAnswer = { ...noContent, status: 202 }

/** The words of the service, and what is wrong where. */
function checkJson({ chunks }: Payload): InvokeAnswer | null {
  const why = contentProblem(joined(chunks))
  return why === null
    ? null
    : invalidContent(`Could not parse request body into json: Could not parse payload into json: ${why}`)
}
