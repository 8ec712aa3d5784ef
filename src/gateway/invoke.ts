/**
 * `POST /2015-03-31/functions/{name}/invocations`: one request of a caller becomes an invocation, and its outcome the
 * answer. The caller may go away meanwhile; that changes nothing.
 */

import type { Outcome, Payload } from '../core/failure.ts'
import { maxAsyncRequestBytes, maxRequestBytes } from '../core/limits.ts'
import type { Pool } from '../engine/pool.ts'
import { type Collected, collect, joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { contentProblem } from './content.ts'
import { type Answer, invalidContent, render, requestTooLarge, type SpokenDialect } from './dialect.ts'
import { type Front, InvokeRequest } from './invoke-request.ts'
import { executedVersion, type InvokeParameters, newRequestId, ownRequestId, parseInvoke } from './request.ts'
import { noMetadata, type ResponseMetadata, respond } from './respond.ts'
import { answeredTrace, traceId } from './trace.ts'

export interface InvokeOptions {
  readonly dialect: 'auto' | SpokenDialect
  readonly functionTimeoutMs: number
  readonly functionVersion: string
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly functionArn: string
  readonly epoch: () => number
}

/** `segment` names the function as it stands in the path; null for the usual path, which has no qualifier. */
export function invoke(pool: Pool, options: InvokeOptions, exchange: Exchange, segment: string | null): void {
  const sent = ownRequestId(exchange)
  const own = sent !== null && !pool.has(sent)
  const id = own ? sent : newRequestId()
  const parameters = parseInvoke(exchange, segment, options.dialect)
  if ('status' in parameters) {
    respond(exchange, parameters, id)
    return
  }
  const front = new InvokeFront(pool, options, exchange, parameters)
  // nobody waits for the log of an Event
  const tail = parameters.tail && parameters.type !== 'Event'
  front.begin(new InvokeRequest(options.functionArn, { ...parameters, tail }, id, own, front))
}

/** Answers as the operation Invoke of the service, in either dialect. */
class InvokeFront implements Front {
  readonly #pool: Pool
  readonly #options: InvokeOptions
  readonly #exchange: Exchange
  readonly #parameters: InvokeParameters

  constructor(pool: Pool, options: InvokeOptions, exchange: Exchange, parameters: InvokeParameters) {
    this.#pool = pool
    this.#options = options
    this.#exchange = exchange
    this.#parameters = parameters
  }

  /** Reads the event; one that announces more than the limit is refused unread. */
  begin(request: InvokeRequest): void {
    const limit = this.#parameters.type === 'Event' ? maxAsyncRequestBytes : maxRequestBytes
    const length = this.#exchange.header('content-length')
    if (length !== null && Number(length) > limit) this.#respond(request, requestTooLarge(limit))
    else collect(this.#exchange, limit, (body) => this.#received(request, body, limit))
  }

  /** Runs with that body, or says what is wrong with it. */
  #received(request: InvokeRequest, body: Collected, limit: number): void {
    if (body.kind === 'oversize') {
      this.#respond(request, requestTooLarge(limit))
    } else if (body.kind === 'truncated') {
      // nobody is there to read it, but every request is answered
      this.#respond(request, invalidContent('The request body ended before it was complete.'))
    } else if (this.#parameters.dialect === 'lambda' && body.size > 0) {
      const problem = checkJson(body)
      if (problem === null) this.#run(request, body)
      else this.#respond(request, problem)
    } else {
      this.#run(request, body)
    }
  }

  #run(request: InvokeRequest, payload: Payload): void {
    const { type } = this.#parameters
    if (type === 'DryRun') {
      this.#respond(request, noContent)
      return
    }
    request.run(this.#pool, payload, (id) => traceId(this.#exchange, id, this.#options.epoch()))
    if (type === 'Event') this.#respond(request, accepted, { ...noMetadata, trace: this.#trace(request) })
  }

  answer(request: InvokeRequest, outcome: Outcome, log: Uint8Array | null): void {
    const { dialect, qualifier, type } = this.#parameters
    // whoever sends an Event is told if it is not taken, and of nothing that comes after its 202
    if (type === 'Event' && outcome.kind !== 'throttled' && outcome.kind !== 'shutdown') return
    const version = executedVersion(qualifier, this.#options.functionVersion)
    if (outcome.kind === 'response' && outcome.contentType === null && dialect === 'rie' && log === null) {
      this.#exchange.respond(200, plainHeaders(request.id, version), outcome.payload.chunks, true)
      return
    }
    const timeoutSeconds = this.#options.functionTimeoutMs / 1000
    const answer = render(outcome, { dialect, id: request.id, timeoutSeconds })
    this.#respond(request, answer, { version, log, trace: this.#trace(request) })
  }

  #trace({ traceId }: InvokeRequest): string | null {
    const { dialect, type } = this.#parameters
    return dialect === 'lambda' ? answeredTrace(traceId, type !== 'Event') : null
  }

  #respond(request: InvokeRequest, answer: Answer, metadata?: ResponseMetadata): void {
    respond(this.#exchange, answer, request.id, metadata)
  }
}

/** Of a plain success in the dialect of the reference. */
const plainHeaders = (id: string, version: string): string[] => [
  'Content-Type',
  'application/json',
  'x-amzn-RequestId',
  id,
  'X-Amz-Executed-Version',
  version,
]

const noContent: Answer = { status: 204, body: null, contentType: '', functionError: false }
const accepted: Answer = { ...noContent, status: 202 }

/** The words of the service, and what is wrong where. */
function checkJson({ chunks }: Payload): Answer | null {
  const why = contentProblem(joined(chunks))
  return why === null
    ? null
    : invalidContent(`Could not parse request body into json: Could not parse payload into json: ${why}`)
}
