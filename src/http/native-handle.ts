/** The parts of Bun's native HTTP handles that are needed; they are not documented. */

import type { Fields } from './exchange.ts'

/** The part of Bun's `NodeHTTPResponse` that is needed. */
export interface Handle {
  readonly aborted: boolean
  readonly finished: boolean
  onabort: (() => void) | undefined
  onwritable: (() => void) | undefined
  ondata: ((chunk: Uint8Array | undefined, last: boolean, aborted: number) => void) | undefined
  takeRawHeaders(): string[] | undefined
  takeRequestTrailers(lenient: false): string[] | undefined
  writeHead(status: number, text: string, headers: Fields, auto: number, keepAlive: 0): void
  flushHeaders(): void
  writeHeadAndEnd(
    status: number,
    text: string,
    headers: Fields,
    body: string | Uint8Array | undefined,
    encoding: undefined,
    strict: undefined,
    auto: number,
    keepAlive: 0,
  ): number
  /** Negative: taken, but wait for `onwritable`, and leave the bytes as they are until then. */
  write(chunk: Uint8Array): number
  end(): number
  cork(run: () => void): void
  writeContinue(): void
  pause(): unknown
  resume(): unknown
}

/** The part of Bun's socket handle that is needed; there is one per connection. */
export interface Socket {
  /** Handed back to the callback with every request of this connection. */
  duplex: unknown
  /** null, or undefined, when the peer has gone */
  readonly remoteAddress: { readonly address: string } | null | undefined
  close(): void
  /** FIN behind what is written. */
  end(afterDrain: true): void
  setResponseTrailers(lines: string): void
  startPipelinedResponse(handle: Handle, ancient: boolean, close: boolean): boolean
}
