/** A whole body, up to a limit, as the pieces that came. */

import type { BodyReader, Exchange, Fields } from './exchange.ts'

/** How it went. Of an oversize body `bytes` is the whole size, as it was counted to the end. */
export type Collected =
  | {
      readonly kind: 'complete'
      readonly size: number
      readonly chunks: readonly Uint8Array[]
      /** null when some came that cannot be read, see `BodyEnd` */
      readonly trailers: Fields | null
    }
  | { readonly kind: 'oversize'; readonly bytes: number }
  | { readonly kind: 'truncated' }

/** Pieces below this are put together in buffers, so that a body in pieces of one byte does not take a hundred each. */
const packedBytes = 1024
const bufferBytes = 16_384

/**
 * Reads the body of a request; calls `done` once, before it returns if there is no body. What is over the limit, in
 * bytes, is counted and dropped, so that the peer can finish sending and read the answer.
 */
export function collect(exchange: Exchange, limit: number, done: (collected: Collected) => void): void {
  exchange.read(new Collector(limit, { collected: done }))
}

/** Who waits for a body; what each invocation passes through is one itself, because a function costs more. */
export interface Collecting {
  collected(body: Collected): void
}

export class Collector implements BodyReader {
  readonly #limit: number
  readonly #for: Collecting
  readonly #chunks: Uint8Array[] = []
  #size = 0
  /** the last of the chunks, if it is a buffer of ours: how much of it is used */
  #buffer: Uint8Array | null = null
  #used = 0

  constructor(limit: number, whom: Collecting) {
    this.#limit = limit
    this.#for = whom
  }

  chunk(bytes: Uint8Array): void {
    this.#size += bytes.byteLength
    if (this.#size > this.#limit) {
      this.#chunks.length = 0
      this.#buffer = null
    } else if (bytes.byteLength >= packedBytes || this.#chunks.length === 0) {
      this.closeBuffer()
      this.#chunks.push(bytes)
    } else {
      this.pack(bytes)
    }
  }

  private pack(bytes: Uint8Array): void {
    if (this.#buffer === null || this.#used + bytes.byteLength > bufferBytes) {
      this.closeBuffer()
      this.#buffer = new Uint8Array(bufferBytes)
      this.#chunks.push(this.#buffer)
    }
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.byteLength
  }

  /** The next piece is not put into this buffer. */
  private closeBuffer(): void {
    if (this.#buffer === null) return
    this.#chunks[this.#chunks.length - 1] = this.#buffer.subarray(0, this.#used)
    this.#buffer = null
    this.#used = 0
  }

  end(end: Parameters<BodyReader['end']>[0]): void {
    if (end.kind === 'truncated') {
      this.#for.collected(end)
      return
    }
    if (this.#size > this.#limit) {
      this.#for.collected({ kind: 'oversize', bytes: this.#size })
      return
    }
    this.closeBuffer()
    const { trailers } = end
    this.#for.collected({ kind: 'complete', size: this.#size, chunks: this.#chunks, trailers })
  }
}

/** A text as such a body. */
export function encoded(text: string): { readonly size: number; readonly chunks: readonly Uint8Array[] } {
  const bytes = new TextEncoder().encode(text)
  return { size: bytes.byteLength, chunks: [bytes] }
}

/** The pieces as one, for what has to be looked at as a whole. */
export function joined(chunks: readonly Uint8Array[]): Buffer {
  const [first] = chunks
  return first !== undefined && chunks.length === 1 ? bufferOf(first) : Buffer.concat(chunks)
}

/** The same bytes as a `Buffer`; what Bun reads is one already. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
