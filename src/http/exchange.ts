/**
 * One HTTP request and its answer, as the edges see them. Outside of `src/http` nothing knows Bun's server.
 *
 * Nothing here is a promise: a request of a warm invocation is answered from within the callback that delivers it, and
 * one that waits is kept by whoever will answer it.
 */

/** name, value, name, value, … in the order and the letter case of the wire; values are Latin-1. */
export type Fields = readonly string[]

/** The bytes of an answer. A list is sent piece by piece, never joined. */
export type Body = string | Uint8Array | readonly Uint8Array[]

/**
 * How the body of a request ended. `truncated`: the peer went away, or broke the framing, before its end. Trailers are
 * null when some came that this version of Bun cannot read.
 */
export type BodyEnd =
  | { readonly kind: 'complete'; readonly trailers: Fields | null }
  | { readonly kind: 'truncated' }

/** Receives the body of a request. */
export interface BodyReader {
  /**
   * One piece as it came. The bytes are the reader's to keep, unless it writes this very piece to a `ResponseStream` before
   * it returns.
   */
  chunk(bytes: Uint8Array): void
  /** Once, after the last piece. */
  end(end: BodyEnd): void
}

export interface Exchange {
  readonly method: string
  /** path and query as sent, without scheme and host */
  readonly target: string
  /** the peer's IP address, an IPv4 one in its own form; empty when it is not known any more */
  readonly peer: string
  /** HTTP version as spoken, `HTTP/1.1` or `HTTP/1.0` */
  readonly protocol: string
  /** All headers as sent, duplicates apart. */
  readonly headers: Fields
  /** First value of a header, by its lower-case name; null when it was not sent. */
  header(name: string): string | null
  /** The request has a body: a length above 0, or chunked. */
  readonly hasBody: boolean
  /**
   * Starts the body: at most once, now or later. A body that nobody reads is discarded with the answer. `Expect:
   * 100-continue` is answered here.
   */
  read(reader: BodyReader): void
  /** Stops reading from the peer, and goes on; a few pieces may still come. While paused, a leaving peer is not noticed. */
  pause(): void
  resume(): void
  /** The peer went away before the answer was complete. */
  readonly gone: boolean
  /** Called once when that happens, never if it has happened already. Only parked exchanges set it. */
  onGone: (() => void) | null
  /**
   * Answers in one piece; its length is set here. False, and nothing happens, when an answer has begun or the peer has
   * gone. A header that cannot be sent as it is (a line break, a character beyond Latin-1) makes it a 500 and is told
   * to `failed`. With `checked` the headers are known to be good, as those of each invocation are: looking at them is
   * one part in thirty of what our code costs.
   */
  respond(status: number, headers: Fields, body?: Body, checked?: boolean): boolean
  /**
   * Answers piece by piece; null under the same conditions. `checked` as above. With `follows` a piece is written before
   * the caller of this returns to the event loop: the head may wait for it, and both are with the kernel when that `write`
   * returns, not when the loop goes on.
   */
  stream(status: number, headers: Fields, checked?: boolean, follows?: boolean): ResponseStream | null
}

/** The headers of a request. */
export type Sent = Pick<Exchange, 'header'>

export interface ResponseStream {
  /** False: the peer is slow; write no more until `onDrain`, and leave the bytes as they are until then. */
  write(bytes: Uint8Array): boolean
  onDrain: (() => void) | null
  end(trailers?: Fields): void
  /** Breaks the connection, so that nobody takes what came for the whole. */
  abort(): void
}

export interface Listener {
  /** the address that was really bound, without brackets */
  readonly hostname: string
  readonly port: number
  /** No new connections; those that wait are still answered, and every connection ends with its next answer. */
  close(): void
  /** Ends what is left. */
  stop(): Promise<void>
}

/**
 * `hostname` without brackets, empty for every address of the machine, IPv6 included, `localhost` for both of its addresses;
 * port 0 for a free one.
 */
export interface ListenAt {
  readonly hostname: string
  readonly port: number
}

/** What a listener calls. */
export interface Handlers {
  /** Answers the exchange, or keeps it. */
  handle(exchange: Exchange): void
  /** Something threw while this exchange was handled. Unless it is answered here, the peer gets an empty 500. */
  failed(error: unknown, exchange: Exchange): void
  /** This version of Bun cannot do all that an exchange can: what is missing, in words. Once per process. */
  limited(what: string): void
}

/** What all exchanges of a listener share. */
export interface Shared {
  readonly handlers: Handlers
  /** every connection ends with its next answer */
  closing: boolean
}
