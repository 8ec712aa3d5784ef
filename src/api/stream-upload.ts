/**
 * A response that goes on to its caller as it comes, at the pace of the slower side. At most 1 MiB of it is held here while
 * the caller is slow; then the runtime has to wait.
 */

import { maxStreamBytes } from '../core/limits.ts'
import type { Receiver } from '../engine/invocation.ts'
import type { Collected } from '../http/collect.ts'
import type { BodyEnd, BodyReader, Exchange } from '../http/exchange.ts'
import { Relay, type RelayOwner } from '../http/relay.ts'

export type StreamUploadResult =
  | Exclude<Collected, { kind: 'oversize' }>
  /** `limit` in bytes */
  | { readonly kind: 'oversize'; readonly bytes: number; readonly limit: number }

export interface StreamUploadParts {
  /** The first piece is there. What it gives takes the pieces; null when there is nobody to take them. */
  begin(): Receiver | null
  /** The body has ended, and all of it has been taken. Called once; the pieces are not in the result. */
  done(result: StreamUploadResult): void
}

export class StreamUpload implements BodyReader, RelayOwner {
  readonly #exchange: Exchange
  readonly #parts: StreamUploadParts
  /** null before the first piece */
  #relay: Relay | null = null
  #oversize = false

  constructor(exchange: Exchange, parts: StreamUploadParts) {
    this.#exchange = exchange
    this.#parts = parts
  }

  chunk(bytes: Uint8Array): void {
    // the rest of one that is too large is read and dropped
    if (this.#oversize) return
    this.#relay ??= new Relay(this.#exchange, this.#parts.begin(), this)
    const relay = this.#relay
    const left = maxStreamBytes - relay.size
    if (bytes.byteLength <= left) {
      relay.chunk(bytes)
      return
    }
    this.#oversize = true
    if (left > 0) relay.chunk(bytes.subarray(0, left))
    relay.end({ kind: 'truncated' })
  }

  end(end: BodyEnd): void {
    if (this.#oversize) return
    if (this.#relay === null) this.ended(end)
    else this.#relay.end(end)
  }

  ended(end: BodyEnd): void {
    const size = this.#relay?.size ?? 0
    if (this.#oversize) this.#parts.done({ kind: 'oversize', bytes: size + 1, limit: maxStreamBytes })
    else if (end.kind === 'truncated') this.#parts.done(end)
    else this.#parts.done({ kind: 'complete', size, chunks: [], trailers: end.trailers })
  }
}
