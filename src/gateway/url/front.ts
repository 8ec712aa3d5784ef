/**
 * The Function URL: every path and method of its listener belongs to the function. A request becomes an event of
 * payload format 2.0, and what the function returns becomes the response. The caller may go away meanwhile; that changes
 * nothing.
 */

import type { Outcome } from '../../core/failure.ts'
import { maxRequestBytes } from '../../core/limits.ts'
import type { Receiver } from '../../engine/invocation.ts'
import { type Collected, type Collecting, Collector, joined } from '../../http/collect.ts'
import type { Body, Exchange, Fields } from '../../http/exchange.ts'
import { CallerStream } from '../caller-stream.ts'
import { type InvokeAnswer, render, requestTooLarge } from '../dialect.ts'
import { announcesMore } from '../invoke.ts'
import { type Front, InvokeRequest } from '../invoke-request.ts'
import { newRequestId } from '../request.ts'
import type { ServedFunction } from '../served.ts'
import { answeredTrace, traceId } from '../trace.ts'
import { wholeAnswer } from './answer.ts'
import { isPreflight, preflightFields, type UrlCors, withCors } from './cors.ts'
import { urlEvent } from './event.ts'
import { HeadedStream, type ParsedHead } from './stream.ts'

export interface UrlOptions {
  readonly invokeMode: 'BUFFERED' | 'RESPONSE_STREAM'
  /** null: the function answers preflights and sets the headers itself */
  readonly cors: UrlCors | null
  readonly region: string
  readonly epoch: () => number
  readonly log: { warn(fields: object, message: string): void }
}

/** Answers one request, at once or when the function has. `port` is that of the listener. */
export function serveUrl(
  served: ServedFunction,
  options: UrlOptions,
  port: number,
  exchange: Exchange,
): void {
  new UrlFront(served, options, exchange, port).serve()
}

/** The parameters of an invocation that a request of the URL has no words for. */
const parameters = {
  qualifier: null,
  clientContext: null,
  cognitoIdentity: null,
  tenant: null,
  tail: false,
} as const

/** Exported for `compiler.ts`. */
export class UrlFront implements Front, Collecting {
  readonly streams: Front['streams']
  readonly #served: ServedFunction
  readonly #options: UrlOptions
  readonly #exchange: Exchange
  readonly #epoch: number
  readonly #request: InvokeRequest
  readonly #trace: string
  readonly #port: number
  #stream: HeadedStream | null = null
  #failed = false

  constructor(served: ServedFunction, options: UrlOptions, exchange: Exchange, port: number) {
    this.#port = port
    this.#served = served
    this.#options = options
    this.#exchange = exchange
    this.#epoch = options.epoch()
    // Go's client does not declare its streams
    this.streams = options.invokeMode === 'BUFFERED' ? 'never' : 'chunked'
    const id = newRequestId()
    this.#request = new InvokeRequest(served.arn, parameters, id, false, this)
    this.#trace = traceId(exchange, id, this.#epoch)
  }

  serve(): void {
    const { cors } = this.#options
    if (cors !== null && isPreflight(this.#exchange)) {
      this.#exchange.respond(200, [...this.ids(), ...preflightFields(cors, this.#exchange)])
    } else if (announcesMore(this.#exchange, maxRequestBytes)) {
      this.refuse(requestTooLarge(maxRequestBytes))
    } else {
      this.#exchange.read(new Collector(maxRequestBytes, this))
    }
  }

  collected(body: Collected): void {
    // nobody is there to be answered
    if (body.kind === 'truncated') return
    const facts = {
      requestId: this.#request.id,
      traceId: this.#trace,
      region: this.#options.region,
      port: this.#port,
      epoch: this.#epoch,
    }
    const event =
      body.kind === 'oversize' ? 'too-large' : urlEvent(this.#exchange, joined(body.chunks), facts)
    if (this.#served.durable !== null) this.fail('a durable function is not invoked by its Function URL')
    else if (event === 'too-large') this.refuse(requestTooLarge(maxRequestBytes))
    else this.#request.run(this.#served, { size: event.byteLength, chunks: [event] })
  }

  /** The event tells it, so that it was made before. */
  traceFor(): string {
    return this.#trace
  }

  begin(_: InvokeRequest, contentType: string): Receiver {
    this.#stream = this.headed(contentType)
    return this.#stream
  }

  // apart: the variables of a function that makes another one are an object at every call
  private headed(contentType: string): HeadedStream {
    return new HeadedStream(contentType, (head) => this.open(head))
  }

  /** The head of a stream is known; what is wrong with it is answered in its place. */
  private open(head: ParsedHead): CallerStream | null {
    if ('invalid' in head) {
      this.fail(head.invalid)
      return null
    }
    return CallerStream.open(this.#exchange, head.status, this.fields(head.fields))
  }

  answer(_: InvokeRequest, outcome: Outcome): void {
    if (outcome.kind === 'response') {
      if (this.#stream !== null) this.#stream.end()
      else this.whole(joined(outcome.payload.chunks), outcome.contentType)
    } else if (outcome.kind === 'throttled' || (outcome.kind === 'shutdown' && this.#stream === null)) {
      this.refuse(this.rendered(outcome))
    } else {
      // what an SDK would have got is the reason: type and text of the error
      this.fail(textOf(this.rendered(outcome).body))
    }
  }

  private rendered(outcome: Outcome): InvokeAnswer {
    const timeoutSeconds = this.#served.timeoutMs / 1000
    return render(outcome, { dialect: 'lambda', id: this.#request.id, timeoutSeconds })
  }

  private whole(payload: Uint8Array, contentType: string | null): void {
    const answer = wholeAnswer(payload, contentType, this.#options.invokeMode)
    if ('invalid' in answer) this.fail(answer.invalid)
    // `urlHead` has looked at what a function returned
    else this.respond(answer.status, answer.fields, answer.body, contentType === null)
  }

  /**
   * The caller learns no more than on the service; whoever runs the emulator reads why. A stream whose head is out ends
   * as if it were complete.
   */
  private fail(reason: string): void {
    const begun = this.#stream?.cut() ?? false
    // of a stream without a good prelude that has been told
    if (this.#failed) return
    this.#failed = true
    const what = begun ? 'a stream of the Function URL ended early' : 'the Function URL answered 502'
    this.#options.log.warn({ requestId: this.#request.id, reason: reason.slice(0, 1000) }, what)
    if (!begun) this.respond(502, ['Content-Type', 'text/plain'], 'Internal Server Error')
  }

  /** An answer of the emulator itself, in place of the function's. */
  private refuse({ status, contentType, headers = {}, body }: InvokeAnswer): void {
    this.respond(status, ['Content-Type', contentType, ...Object.entries(headers).flat()], body as string)
  }

  private respond(status: number, fields: Fields, body?: Body, checked = false): void {
    this.#exchange.respond(status, this.fields(fields), body, checked && this.#options.cors === null)
  }

  private fields(fields: Fields): Fields {
    const { cors } = this.#options
    return [...this.ids(), ...(cors === null ? fields : withCors(fields, cors, this.#exchange))]
  }

  /** What every answer has. */
  private ids(): Fields {
    return ['x-amzn-RequestId', this.#request.id, 'X-Amzn-Trace-Id', answeredTrace(this.#trace, true)]
  }
}

function textOf(body: InvokeAnswer['body']): string {
  return body === null || typeof body === 'string' ? (body ?? '') : joined(body.chunks).toString()
}
