/**
 * The Function URL: every path and method of its listener belongs to the function. A request becomes an event of
 * payload format 2.0, and what the function returns becomes the response. The caller may go away meanwhile; that changes
 * nothing.
 */

import type { Outcome, Payload } from '../../core/failure.ts'
import type { RequestId } from '../../core/ids.ts'
import { maxRequestBytes } from '../../core/limits.ts'
import type { Invocation } from '../../engine/invocation.ts'
import type { Pool } from '../../engine/pool.ts'
import { collect, joined } from '../../http/collect.ts'
import type { Body, Exchange, Fields } from '../../http/exchange.ts'
import { type Answer, render, requestTooLarge } from '../dialect.ts'
import { emptyObject } from '../invoke-request.ts'
import { newRequestId } from '../request.ts'
import { answeredTrace, traceId } from '../trace.ts'
import { type UrlAnswer, wholeAnswer } from './answer.ts'
import { isPreflight, preflightFields, type UrlCors, withCors } from './cors.ts'
import { urlEvent } from './event.ts'
import type { Invalid } from './head.ts'

export interface UrlOptions {
  readonly invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  /** null: the function answers preflights and sets the headers itself */
  readonly cors: UrlCors | null
  readonly region: string
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly functionArn: string
  readonly functionTimeoutMs: number
  readonly epoch: () => number
  readonly log: { warn(fields: object, message: string): void }
}

/** Answers one request, at once or when the function has. `port` is that of the listener. */
export function serveUrl(pool: Pool, options: UrlOptions, port: number, exchange: Exchange): void {
  const call = new UrlCall(options, exchange)
  if (options.cors !== null && isPreflight(exchange)) {
    call.send(200, preflightFields(options.cors, exchange))
    return
  }
  collect(exchange, maxRequestBytes, (body) => {
    // nobody is there to be answered
    if (body.kind === 'truncated') return
    const facts = {
      requestId: call.id,
      traceId: call.traceId,
      region: options.region,
      port,
      epoch: call.epoch,
    }
    const event = body.kind === 'oversize' ? 'too-large' : urlEvent(exchange, joined(body.chunks), facts)
    if (event === 'too-large') {
      call.refuse(requestTooLarge(maxRequestBytes))
    } else {
      call.payload = { size: event.byteLength, chunks: [event] }
      pool.invoke(call)
    }
  })
}

class UrlCall implements Invocation {
  readonly id: RequestId = newRequestId()
  readonly arn: string
  readonly traceId: string
  readonly epoch: number
  readonly clientContext = null
  readonly cognitoIdentity = null
  deliveryId: string | null = null
  readonly tenant = null
  readonly tail = false
  payload: Payload = emptyObject
  startedAt = 0
  deadline = 0
  readonly #options: UrlOptions
  readonly #exchange: Exchange

  constructor(options: UrlOptions, exchange: Exchange) {
    this.#options = options
    this.#exchange = exchange
    this.arn = options.functionArn
    this.epoch = options.epoch()
    this.traceId = traceId(exchange, this.id, this.epoch)
  }

  settle(outcome: Outcome): void {
    if (outcome.kind === 'response') {
      const { payload, contentType } = outcome
      const { invokeMode } = this.#options
      this.#answer(wholeAnswer(joined(payload.chunks), contentType, invokeMode))
    } else if (outcome.kind === 'throttled' || outcome.kind === 'shutdown') {
      this.refuse(this.#rendered(outcome))
    } else {
      // what an SDK would have got is the reason: type and text of the error
      this.#fail(textOf(this.#rendered(outcome).body))
    }
  }

  #rendered(outcome: Outcome): Answer {
    const timeoutSeconds = this.#options.functionTimeoutMs / 1000
    return render(outcome, { dialect: 'lambda', id: this.id, timeoutSeconds })
  }

  #answer(answer: UrlAnswer | Invalid): void {
    if ('invalid' in answer) this.#fail(answer.invalid)
    else this.respond(answer.status, answer.fields, answer.body)
  }

  /** The caller learns no more than on the service; whoever runs the emulator reads why. */
  #fail(reason: string): void {
    this.#options.log.warn(
      { requestId: this.id, reason: reason.slice(0, 1000) },
      'the Function URL answered 502',
    )
    this.respond(502, ['Content-Type', 'text/plain'], 'Internal Server Error')
  }

  /** An answer of ours that no function gave. */
  refuse({ status, contentType, headers = {}, body }: Answer): void {
    this.respond(status, ['Content-Type', contentType, ...Object.entries(headers).flat()], body as string)
  }

  respond(status: number, fields: Fields, body?: Body): void {
    const { cors } = this.#options
    this.send(status, cors === null ? fields : withCors(fields, cors, this.#exchange), body)
  }

  /** With the ids that every answer has. */
  send(status: number, fields: Fields, body?: Body): void {
    const trace = answeredTrace(this.traceId, true)
    this.#exchange.respond(status, ['x-amzn-RequestId', this.id, 'X-Amzn-Trace-Id', trace, ...fields], body)
  }
}

function textOf(body: Payload | string | null): string {
  return body === null || typeof body === 'string' ? (body ?? '') : joined(body.chunks).toString()
}
