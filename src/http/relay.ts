/**
 * The body of one exchange as the stream of another: pieces go on as they come, at the pace of the slower side. A piece
 * is what one read gives, 512 KiB at most. While the receiver is slow it has one, and one is held here: then the sender
 * is not read from, so that no more than 1 MiB is anywhere but in the kernel.
 */

import type { BodyEnd, BodyReader, Exchange, ResponseStream } from './exchange.ts'

/** Where the pieces go; a `ResponseStream` is one. */
export type RelayTarget = Pick<ResponseStream, 'write' | 'onDrain'>

/** Whose body it is. */
export interface RelayOwner {
  /** Called once, when the body has ended and its receiver has taken all of it. */
  ended(end: BodyEnd): void
}

/**
 * Reads the body of `source` into `receiver`, which may be exchanged for null at any time: from then on the pieces are
 * dropped, and the sender is not asked to wait.
 */
export class Relay implements BodyReader {
  /** bytes that came so far */
  size = 0
  readonly #source: Exchange
  readonly #owner: RelayOwner
  #receiver: RelayTarget | null
  /** what waits for the receiver; null until something has had to */
  #held: Uint8Array[] | null = null
  #heldBytes = 0
  #slow = false
  #paused = false
  #end: BodyEnd | null = null

  constructor(source: Exchange, receiver: RelayTarget | null, owner: RelayOwner) {
    this.#source = source
    this.#receiver = receiver
    this.#owner = owner
  }

  /** bytes that wait for the receiver */
  get waiting(): number {
    return this.#heldBytes
  }

  // only a slow receiver has to call back
  private write(receiver: RelayTarget, bytes: Uint8Array): void {
    if (receiver.write(bytes)) return
    this.#slow = true
    if (receiver.onDrain === null) this.awaitDrain(receiver)
  }

  private awaitDrain(receiver: RelayTarget): void {
    receiver.onDrain = () => this.drained()
  }

  private detach(): void {
    if (this.#receiver !== null) this.#receiver.onDrain = null
    this.#receiver = null
  }

  /** The receiver has gone: what is left of the body is read and dropped. */
  drop(): void {
    this.detach()
    this.#slow = false
    this.drained()
  }

  chunk(bytes: Uint8Array): void {
    this.size += bytes.byteLength
    const receiver = this.#receiver
    if (receiver === null) return
    if (!this.#slow) {
      this.write(receiver, bytes)
      return
    }
    this.#held ??= []
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
    const held = this.#held
    while (held !== null && held.length > 0 && !this.#slow) {
      const piece = held.shift() as Uint8Array
      this.#heldBytes -= piece.byteLength
      if (receiver !== null) this.write(receiver, piece)
    }
    if (this.#paused && this.#heldBytes === 0) {
      this.#paused = false
      this.#source.resume()
    }
    if (!this.#slow) this.finish()
  }

  private finish(): void {
    const end = this.#end
    if (end === null) return
    this.#end = null
    this.detach()
    this.#owner.ended(end)
  }
}
