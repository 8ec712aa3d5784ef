/**
 * The body of one exchange as the stream of another: pieces go on as they come, at the pace of the slower side. A piece
 * is what one read gives, 512 KiB at most. While the receiver is slow it has one, and one is held here: then the sender
 * is not read from, so that no more than 1 MiB is anywhere but in the kernel.
 */

import type { BodyEnd, BodyReader, Exchange, ResponseStream } from './exchange.ts'

/** Where the pieces go; a `ResponseStream` is one. */
export type RelayTarget = Pick<ResponseStream, 'write' | 'onDrain'>

/**
 * Reads the body of `source` into `receiver`, which may be exchanged for null at any time: from then on the pieces are
 * dropped, and the sender is not asked to wait.
 */
export class Relay implements BodyReader {
  /** bytes that came so far */
  size = 0
  readonly #source: Exchange
  readonly #done: (end: BodyEnd) => void
  #receiver: RelayTarget | null
  readonly #held: Uint8Array[] = []
  #heldBytes = 0
  #slow = false
  #paused = false
  #end: BodyEnd | null = null

  /** `done` is called once, when the body has ended and its receiver has taken all of it. */
  constructor(source: Exchange, receiver: RelayTarget | null, done: (end: BodyEnd) => void) {
    this.#source = source
    this.#receiver = null
    this.#done = done
    this.attach(receiver)
  }

  /** bytes that wait for the receiver */
  get waiting(): number {
    return this.#heldBytes
  }

  private attach(receiver: RelayTarget | null): void {
    if (this.#receiver !== null) this.#receiver.onDrain = null
    this.#receiver = receiver
    if (receiver !== null) receiver.onDrain = () => this.drained()
  }

  /** The receiver has gone: what is left of the body is read and dropped. */
  drop(): void {
    this.attach(null)
    this.#slow = false
    this.drained()
  }

  chunk(bytes: Uint8Array): void {
    this.size += bytes.byteLength
    const receiver = this.#receiver
    if (receiver === null) return
    if (!this.#slow) {
      this.#slow = !receiver.write(bytes)
      return
    }
    this.#held.push(bytes)
    this.#heldBytes += bytes.byteLength
    if (this.#paused) return
    this.#paused = true
    this.#source.pause()
  }

  end(end: BodyEnd): void {
    this.#end = end
    if (!this.#slow) this.finish()
  }

  private drained(): void {
    this.#slow = false
    const receiver = this.#receiver
    while (this.#held.length > 0 && !this.#slow) {
      const piece = this.#held.shift() as Uint8Array
      this.#heldBytes -= piece.byteLength
      if (receiver !== null) this.#slow = !receiver.write(piece)
    }
    if (this.#paused && this.#held.length === 0) {
      this.#paused = false
      this.#source.resume()
    }
    if (!this.#slow) this.finish()
  }

  private finish(): void {
    const end = this.#end
    if (end === null) return
    this.#end = null
    this.attach(null)
    this.#done(end)
  }
}
