/** A stream to a caller. After the caller has gone, what is written is dropped, and no writer has to wait. */

import type { Receiver } from '../engine/invocation.ts'
import type { Exchange, Fields, ResponseStream } from '../http/exchange.ts'

export class CallerStream implements Receiver {
  onDrain: (() => void) | null = null
  readonly #stream: ResponseStream
  #over = false

  /** Sends the head. Null when the caller has gone. With `checked` the fields are known to be good. */
  static open(exchange: Exchange, status: number, fields: Fields, checked = false): CallerStream | null {
    const stream = exchange.stream(status, fields, checked)
    return stream === null ? null : new CallerStream(exchange, stream)
  }

  private constructor(exchange: Exchange, stream: ResponseStream) {
    this.#stream = stream
    stream.onDrain = () => this.onDrain?.()
    exchange.onGone = () => {
      this.#over = true
      this.onDrain?.()
    }
  }

  /** What comes after the end, or after the caller has gone, is dropped. */
  write(bytes: Uint8Array): boolean {
    return this.#over || this.#stream.write(bytes)
  }

  /** Ends the answer: a writer that waits for room may go on, and what it writes is dropped. */
  end(): void {
    this.#over = true
    this.#stream.end()
    this.onDrain?.()
  }

  /** Breaks the connection. */
  abort(): void {
    this.#over = true
    this.#stream.abort()
    this.onDrain?.()
  }
}
