/** One line for each request that was answered. Only where somebody reads it: it makes an object for each request. */

import { DelegatingExchange } from './delegate.ts'
import type { Body, Exchange, Fields, ResponseStream } from './exchange.ts'

/** What became of a request. */
export interface RequestTrace {
  readonly method: string
  /** as sent, without its query */
  readonly path: string
  readonly status: number
  /** whole milliseconds from its head to the end of its answer */
  readonly ms: number
  /** of an invocation */
  readonly requestId?: string
  /** the peer did not wait for it */
  readonly gone?: true
}

/** Hands each exchange on, and tells what was answered. `now` is in monotonic milliseconds. */
export function traced(
  handle: (exchange: Exchange) => void,
  tell: (trace: RequestTrace) => void,
  now: () => number,
): (exchange: Exchange) => void {
  return (exchange) => handle(new TracedExchange(exchange, tell, now))
}

const idHeader = 'x-amzn-requestid'

class TracedExchange extends DelegatingExchange {
  readonly #tell: (trace: RequestTrace) => void
  readonly #now: () => number
  readonly #since: number

  constructor(inner: Exchange, tell: (trace: RequestTrace) => void, now: () => number) {
    super(inner)
    this.#tell = tell
    this.#now = now
    this.#since = now()
  }

  override respond(status: number, headers: Fields, body?: Body): boolean {
    const sent = this.inner.respond(status, headers, body)
    this.#answered(status, headers, sent)
    return sent
  }

  override stream(status: number, headers: Fields): ResponseStream | null {
    const stream = this.inner.stream(status, headers)
    if (stream === null) {
      this.#answered(status, headers, false)
      return null
    }
    const answered = (sent: boolean): void => this.#answered(status, headers, sent)
    return {
      write: (bytes) => stream.write(bytes),
      get onDrain() {
        return stream.onDrain
      },
      set onDrain(drained) {
        stream.onDrain = drained
      },
      end(trailers) {
        stream.end(trailers)
        answered(true)
      },
      abort() {
        stream.abort()
        answered(false)
      },
    }
  }

  #answered(status: number, headers: Fields, sent: boolean): void {
    const { method, target } = this.inner
    const end = target.indexOf('?')
    const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === idHeader)
    this.#tell({
      method,
      path: end < 0 ? target : target.slice(0, end),
      status,
      ms: Math.round(this.#now() - this.#since),
      ...(at < 0 ? {} : { requestId: headers[at + 1] as string }),
      ...(sent ? {} : { gone: true }),
    })
  }
}
