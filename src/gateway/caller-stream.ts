/** A stream to a caller. After the caller has gone, what is written is dropped, and no writer has to wait. */

import type { Receiver } from '../engine/invocation.ts'
import type { Exchange, Fields, ResponseStream } from '../http/exchange.ts'

export class CallerStream implements Receiver {
  onDrain: (() => void) | null = null
  readonly #exchange: Exchange
  readonly #stream: ResponseStream
  #over = false

  /**
   * Sends the head; null when the caller has gone. With `checked` the fields are known to be good; with `follows` a piece
   * is written at once, and the head goes out with it.
   */
  static open(
    exchange: Exchange,
    status: number,
    fields: Fields,
    checked = false,
    follows = false,
  ): CallerStream | null {
    const stream = exchange.stream(status, fields, checked, follows)
    return stream === null ? null : new CallerStream(exchange, stream)
  }

  private constructor(exchange: Exchange, stream: ResponseStream) {
    this.#exchange = exchange
    this.#stream = stream
  }

  /** What comes after the end, or after the caller has gone, is dropped. */
  write(bytes: Uint8Array): boolean {
    if (this.#over || this.#stream.write(bytes)) return true
    return this.#stream.onDrain === null && this.awaitDrain()
  }

  /** True: there is nobody to wait for. Most callers are fast, and have no use for these functions. */
  private awaitDrain(): boolean {
    if (this.#exchange.gone) {
      this.#over = true
      return true
    }
    this.#stream.onDrain = () => this.onDrain?.()
    this.#exchange.onGone = () => {
      this.#over = true
      this.onDrain?.()
    }
    return false
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
