/** An answer on the native handles that is written piece by piece. */

import type { Fields, ResponseStream } from './exchange.ts'
import { fieldProblem } from './fields.ts'
import type { Handle, Socket } from './native-handle.ts'

/** What a stream asks of the exchange that it answers. */
interface StreamingExchange {
  /** the answers before this one are not out */
  readonly waits: boolean
  guard(run: () => void): void
  writeHead(status: number, headers: Fields): void
  writeLater(action: () => void): boolean
  done(left: number): void
}

/** What a stream wrote last of all, if Bun needs it no more. */
let sent: Uint8Array | null = null

/** Whether this very piece is it, which is then forgotten. */
export function wasSent(piece: Uint8Array): boolean {
  const was = sent === piece
  sent = null
  return was
}

export class NativeStream implements ResponseStream {
  onDrain: (() => void) | null = null
  readonly #exchange: StreamingExchange
  readonly #handle: Handle
  readonly #socket: Socket
  /** an answer to HEAD, 204 or 304: there is a head, and bytes are dropped */
  readonly #bodiless: boolean
  #ended = false
  /** the head that goes out with the first piece, see `keepHead`; null once it is out */
  #head: Fields | null = null
  #status = 0
  /** made for the first time that the peer is slow */
  #room: (() => void) | null = null

  constructor(exchange: StreamingExchange, handle: Handle, socket: Socket, bodiless: boolean) {
    this.#exchange = exchange
    this.#handle = handle
    this.#socket = socket
    this.#bodiless = bodiless
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended || this.#bodiless || bytes.byteLength === 0) return true
    if (this.#head !== null) return this.writeFirst(bytes)
    if (!this.#exchange.waits) return this.writeNow(bytes)
    this.holdBack(bytes)
    return false
  }

  /** The first piece follows at once, and takes the head with it. */
  keepHead(status: number, headers: Fields): void {
    this.#status = status
    this.#head = headers
  }

  private writeFirst(bytes: Uint8Array): boolean {
    const handle = this.#handle
    if (handle.aborted || handle.finished) return true
    first = this
    firstPiece = bytes
    // both are sent when this returns; without it, when Bun's callback does
    handle.cork(sendFirst)
    if (firstLeft >= 0) return true
    this.awaitRoom()
    return false
  }

  /** Head and first piece, within `cork`; returns what `Handle.write` does. */
  sendWithHead(bytes: Uint8Array): number {
    this.writeHead()
    return this.#handle.write(bytes)
  }

  private writeHead(): void {
    const head = this.#head
    this.#head = null
    if (head !== null) this.#exchange.writeHead(this.#status, head)
  }

  // each function that makes another one is apart: its variables would be an object at every call
  private holdBack(bytes: Uint8Array): void {
    this.#exchange.writeLater(() => {
      if (this.writeNow(bytes)) this.onDrain?.()
    })
  }

  /** What a gone peer does not get counts as written. */
  private writeNow(bytes: Uint8Array): boolean {
    const handle = this.#handle
    if (handle.aborted) return true
    if (handle.write(bytes) >= 0) {
      sent = bytes
      return true
    }
    this.awaitRoom()
    return false
  }

  private awaitRoom(): void {
    this.#room ??= () => this.#exchange.guard(() => this.onDrain?.())
    this.#handle.onwritable = this.#room
  }

  end(trailers: Fields = []): void {
    if (this.#ended) return
    const problem = fieldProblem(trailers)
    if (problem !== null) throw new TypeError(problem)
    this.#ended = true
    this.onDrain = null
    if (this.#exchange.waits) this.endLater(trailers)
    else this.endNow(trailers)
  }

  private endLater(trailers: Fields): void {
    this.#exchange.writeLater(() => this.endNow(trailers))
  }

  private endNow(trailers: Fields): void {
    const handle = this.#handle
    if (handle.aborted) return
    if (this.#bodiless) {
      this.#exchange.done(0)
      return
    }
    this.writeHead()
    if (trailers.length > 0) {
      let lines = ''
      for (let index = 0; index < trailers.length; index += 2) {
        lines += `${trailers[index]}: ${trailers[index + 1]}\r\n`
      }
      this.#socket.setResponseTrailers(lines)
    }
    this.#exchange.done(handle.end())
  }

  abort(): void {
    if (this.#ended) return
    this.#ended = true
    this.onDrain = null
    const close = (): void => this.#socket.close()
    if (!this.#exchange.writeLater(close)) close()
  }
}

// What `sendFirst` sends: a function made for each stream would be two objects more. Nothing comes in between.
let first: NativeStream | null = null
let firstPiece: Uint8Array | null = null
let firstLeft = 0

function sendFirst(): void {
  const [stream, piece] = [first, firstPiece]
  first = null
  firstPiece = null
  firstLeft = stream === null || piece === null ? 0 : stream.sendWithHead(piece)
}
