/** A stream of the function as the answer of its URL: its head first, from the prelude if it has one, then its bytes. */

import type { Receiver } from '../../engine/invocation.ts'
import type { CallerStream } from '../caller-stream.ts'
import type { Invalid, UrlHead } from './head.ts'
import { hasPrelude, type Prelude, PreludeReader } from './prelude.ts'

export type ParsedHead = UrlHead | Invalid

export class HeadedStream implements Receiver {
  readonly #open: (head: ParsedHead) => CallerStream | null
  /** null when the head is known */
  #prelude: PreludeReader | null = null
  #stream: CallerStream | null = null
  /** a head that is none, or the end: what comes is dropped */
  #over = false
  #onDrain: (() => void) | null = null

  /** `open` is called once, with the head, and sends it; null when nobody is there to get the rest. */
  constructor(contentType: string, open: (head: ParsedHead) => CallerStream | null) {
    this.#open = open
    if (hasPrelude(contentType)) this.#prelude = new PreludeReader()
    else this.begin({ status: 200, fields: ['Content-Type', contentType] })
  }

  get onDrain(): (() => void) | null {
    return this.#onDrain
  }

  set onDrain(drained: (() => void) | null) {
    this.#onDrain = drained
    if (this.#stream !== null) this.#stream.onDrain = drained
  }

  write(bytes: Uint8Array): boolean {
    if (this.#over) return true
    if (this.#prelude === null) return this.#stream?.write(bytes) ?? true
    const read = this.#prelude.push(bytes)
    return read === null || this.headed(read)
  }

  /** The stream has ended as it should; a prelude may be missing all the same. */
  end(): void {
    if (this.#prelude !== null && !this.#over) this.headed(this.#prelude.end())
    this.cut()
  }

  /** Ends it wherever it is. Whether its head is out. */
  cut(): boolean {
    const begun = this.#stream !== null
    this.#over = true
    if (begun) this.#stream?.end()
    else this.#onDrain?.()
    return begun
  }

  private headed(read: Prelude | Invalid): boolean {
    this.#prelude = null
    this.begin(read)
    return 'invalid' in read || read.rest.length === 0 || this.write(read.rest)
  }

  private begin(head: ParsedHead): void {
    this.#stream = this.#open(head)
    if (this.#stream === null) this.#over = true
    else this.#stream.onDrain = this.#onDrain
  }
}
