/** One request on the native handles, and its answer: what they leave undone is listed in `native.ts`. */

import { plainAddress } from './address.ts'
import type { Body, BodyEnd, BodyReader, Exchange, Fields, ResponseStream, Shared } from './exchange.ts'
import { fieldProblem, firstField, isList, piecesOf, sizeOf } from './fields.ts'
import { type Answer, answerLater, busy, current, setCurrent, writeAnswers } from './native-answers.ts'
import type { Handle, Socket } from './native-handle.ts'
import { NativeStream, wasSent } from './native-stream.ts'

/** Bits of the callback's fourth argument. */
const requestCloses = 1
const expectsContinue = 32
const transferEncoding = 128
/** Headers that Bun adds. */
const autoDate = 1
const autoClose = 4
/** No header: the mark with which Bun's `node:http` leaves out the last chunk too, which a peer took for its next answer. */
const noBody: Fields = ['\0', '2']
/** Pieces above this are written without a copy; below it, one call for head and body is cheaper. */
const smallBytes = 16_384
/** How much of a body is held for a reader that comes later before the peer is asked to wait. */
const heldBytes = 65_536

/** What all exchanges of a connection share: those that wait for the answer to an earlier one, in order. */
export interface NativeConnection {
  readonly queue: NativeExchange[]
  /** it has had a request before, so its peer goes on: who ends its half does so after its only one */
  reused: boolean
  /** the stretch of requests in which it had one last, see `countRequest` */
  stretch: number
  /** the peer's address, once somebody has asked for it: the socket makes an object for each answer */
  peer: string | null
}

const complete: BodyEnd = { kind: 'complete', trailers: [] }
const truncated: BodyEnd = { kind: 'truncated' }

export class NativeExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly hasBody: boolean
  readonly #bits: number
  readonly #ancient: boolean
  readonly #handle: Handle
  readonly #socket: Socket
  readonly #connection: NativeConnection
  readonly #shared: Shared
  #headers: Fields | null = null
  #onGone: (() => void) | null = null
  #begun = false
  #reader: BodyReader | null = null
  /** how the body ended, once it has */
  #end: BodyEnd | null = null
  /** what came of the body before anybody read it */
  #held: Uint8Array[] | null = null
  /** what is to be written when the answers before this one are out; null when they are */
  #pending: (() => void)[] | null

  constructor(
    method: string,
    target: string,
    hasBody: boolean,
    bits: number,
    ancient: boolean,
    handle: Handle,
    socket: Socket,
    connection: NativeConnection,
    shared: Shared,
    pipelined: boolean,
  ) {
    this.method = method
    this.target = target
    this.hasBody = hasBody
    this.#bits = bits
    this.#ancient = ancient
    this.#handle = handle
    this.#socket = socket
    this.#connection = connection
    this.#shared = shared
    this.#pending = pipelined ? [] : null
  }

  get peer(): string {
    const connection = this.#connection
    if (connection.peer !== null) return connection.peer
    const remote = this.#socket.remoteAddress
    // the peer has gone
    if (remote === null || remote === undefined) return ''
    connection.peer = plainAddress(remote.address)
    return connection.peer
  }

  get protocol(): string {
    return this.#ancient ? 'HTTP/1.0' : 'HTTP/1.1'
  }

  get headers(): Fields {
    // the handle has them once
    this.#headers ??= this.#handle.takeRawHeaders() ?? []
    return this.#headers
  }

  header(name: string): string | null {
    return firstField(this.headers, name)
  }

  get gone(): boolean {
    return this.#handle.aborted
  }

  get onGone(): (() => void) | null {
    return this.#onGone
  }

  set onGone(told: (() => void) | null) {
    this.#onGone = told
    this.#handle.onabort = told === null ? undefined : () => this.guard(told)
  }

  read(reader: BodyReader): void {
    if (this.#reader !== null) throw new Error('the body of a request is read once')
    this.#reader = reader
    if (!this.hasBody) {
      reader.end(complete)
      return
    }
    if ((this.#bits & expectsContinue) !== 0 && !this.#ancient && !this.#begun) this.askForBody()
    if (this.#held === null) this.attach()
    else this.handOver(reader, this.#held)
  }

  private askForBody(): void {
    this.write(() => this.#handle.writeContinue())
  }

  private handOver(reader: BodyReader, held: readonly Uint8Array[]): void {
    for (const piece of held) reader.chunk(piece)
    this.#held = null
    if (this.#end !== null) reader.end(this.#end)
    else this.#handle.resume()
  }

  pause(): void {
    this.#handle.pause()
  }

  resume(): void {
    this.#handle.resume()
  }

  respond(status: number, headers: Fields, body?: Body, checked = false): boolean {
    if (!this.begin()) return false
    const problem = checked ? null : fieldProblem(headers)
    if (problem !== null) {
      this.refuseHeaders(problem)
    } else if (this.#pending !== null) {
      this.sendLater(this.#pending, status, headers, body)
    } else if (checked && busy && (this !== current || this.#connection.reused)) {
      // at once where its first request came just now: who sends only one may have ended its half, see `current`
      answerLater({ exchange: this, status, headers, body })
    } else {
      this.send(status, headers, body)
    }
    return true
  }

  /** What was given in this turn, unless the peer has gone since. */
  sendAnswer({ status, headers, body }: Answer): void {
    if (this.#handle.aborted) return
    try {
      this.send(status, headers, body)
    } catch (error) {
      this.fail(error)
    }
  }

  private sendLater(pending: (() => void)[], status: number, headers: Fields, body: Body | undefined): void {
    // for a peer that is there then, see `startNext`
    pending.push(() => this.send(status, headers, body))
  }

  stream(status: number, headers: Fields, checked = false, follows = false): ResponseStream | null {
    if (!this.begin()) return null
    const problem = checked ? null : fieldProblem(headers)
    if (problem !== null) {
      this.refuseHeaders(problem)
      return null
    }
    const bodiless = this.method === 'HEAD' || isBodiless(status)
    const stream = new NativeStream(this, this.#handle, this.#socket, bodiless)
    if (this.#pending === null) {
      if (follows && !bodiless) stream.keepHead(status, headers)
      else this.open(status, headers, bodiless)
    } else this.openLater(this.#pending, status, headers, bodiless)
    return stream
  }

  /** The head of a stream, unless the peer has gone. */
  open(status: number, headers: Fields, bodiless: boolean): void {
    const handle = this.#handle
    if (handle.aborted || handle.finished) return
    if (bodiless) {
      // of HEAD, as the stream itself would have it: a length of 0 would be none
      const fields =
        this.method === 'HEAD' ? [...headers, 'Transfer-Encoding', 'chunked', ...noBody] : headers
      handle.writeHeadAndEnd(status, '', fields, undefined, undefined, undefined, this.auto, 0)
      return
    }
    this.writeHead(status, headers)
    // without this, half a head goes out
    handle.flushHeaders()
  }

  /** A head behind which something is written at once, to a peer that is there. */
  writeHead(status: number, headers: Fields): void {
    this.#handle.writeHead(status, '', headers, this.auto, 0)
  }

  private openLater(pending: (() => void)[], status: number, headers: Fields, bodiless: boolean): void {
    pending.push(() => this.open(status, headers, bodiless))
  }

  /** Runs what is not ours; what it throws is told, and the peer gets a 500 if nothing went out yet. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    try {
      this.#shared.handlers.failed(error, this)
    } finally {
      if (!this.#begun) this.respond(500, [])
      else {
        writeAnswers()
        if (!this.#handle.finished && !this.#handle.aborted) this.#socket.close()
      }
    }
  }

  /** The callback has returned: a body that nobody has read by now would be lost, or keep the request for ever. */
  returned(): void {
    if (!this.hasBody || this.#reader !== null || this.#begun) return
    this.#held = []
    this.attach()
  }

  /** Does it now, or when the answers before this one are out; not at all for a peer that has gone. */
  private write(action: () => void): void {
    if (this.#pending !== null) this.#pending.push(action)
    else if (!this.#handle.aborted && !this.#handle.finished) action()
  }

  /** The answers before this one are not out. */
  get waits(): boolean {
    return this.#pending !== null
  }

  /** As `write`, for the body of a stream. */
  writeLater(action: () => void): boolean {
    if (this.#pending === null) return false
    this.#pending.push(action)
    return true
  }

  private attach(): void {
    this.#handle.ondata = (chunk, last, aborted) => {
      setCurrent(this)
      try {
        this.data(chunk, last, aborted)
      } catch (error) {
        this.fail(error)
      }
      setCurrent(null)
    }
  }

  private data(chunk: Uint8Array | undefined, last: boolean, aborted: number): void {
    if (this.#end !== null) return
    const reader = this.#reader
    if (chunk !== undefined && chunk.byteLength > 0) {
      if (reader !== null) this.passOn(reader, chunk)
      else this.hold(chunk)
    }
    if (!last) return
    if (aborted !== 0) this.#end = truncated
    else if ((this.#bits & transferEncoding) === 0) this.#end = complete
    else this.#end = { kind: 'complete', trailers: this.#handle.takeRequestTrailers(false) ?? [] }
    reader?.end(this.#end)
  }

  /**
   * What has gone out by the time that the reader returns is let go of at once: the next piece gets memory that is still in the
   * processor's caches. Left to the collector each has memory of its own: DECISIONS, "What a stream's throughput is made of".
   */
  private passOn(reader: BodyReader, chunk: Uint8Array): void {
    reader.chunk(chunk)
    if (wasSent(chunk) && chunk.byteLength > smallBytes && chunk.byteLength === chunk.buffer.byteLength)
      (chunk.buffer as ArrayBuffer).transfer(0)
  }

  private hold(chunk: Uint8Array): void {
    this.#held?.push(chunk)
    if (sizeOf(this.#held ?? []) > heldBytes) this.#handle.pause()
  }

  /** False when an answer has begun or the peer has gone. A body that nobody reads is dropped from here on. */
  private begin(): boolean {
    if (this.#begun || this.#handle.aborted) return false
    this.#begun = true
    if (this.hasBody && this.#reader === null) {
      this.#handle.ondata = undefined
      if (this.#held !== null) this.#handle.resume()
      this.#held = null
    }
    return true
  }

  private refuseHeaders(problem: string): void {
    this.write(() => this.send(500, [], undefined))
    this.#shared.handlers.failed(new TypeError(problem), this)
  }

  /** The connection ends with this answer. */
  private get closes(): boolean {
    return this.#shared.closing || this.method === 'CONNECT'
  }

  private get auto(): number {
    const closes = this.closes || this.#ancient || (this.#bits & requestCloses) !== 0
    return closes ? autoDate | autoClose : autoDate
  }

  /** To a peer that is there. */
  private send(status: number, headers: Fields, body: Body | undefined): void {
    const handle = this.#handle
    let whole: string | Uint8Array | undefined
    let fields = headers
    if (isBodiless(status)) {
      // what a function gave all the same is dropped, as Bun does with a short one
    } else if (this.method === 'HEAD') {
      fields = [...headers, 'Content-Length', String(sizeOf(piecesOf(body)))]
    } else if (body !== undefined) {
      if (!isList(body)) whole = body
      else if (body.length === 1) whole = body[0]
      else if (body.length > 1) {
        this.respondPieces(status, headers, body)
        return
      }
      if (whole !== undefined && whole.length > smallBytes) {
        this.respondPieces(status, headers, piecesOf(whole))
        return
      }
    }
    const left = handle.writeHeadAndEnd(status, '', fields, whole, undefined, undefined, this.auto, 0)
    this.done(left)
  }

  private respondPieces(status: number, headers: Fields, pieces: readonly Uint8Array[]): void {
    const handle = this.#handle
    let index = 0
    const more = (): void => {
      while (index < pieces.length) {
        if (handle.aborted) return
        if (handle.write(pieces[index++] as Uint8Array) < 0) {
          handle.onwritable = () => this.guard(more)
          return
        }
      }
      this.done(handle.end())
    }
    handle.cork(() => {
      const fields = [...headers, 'Content-Length', String(sizeOf(pieces))]
      handle.writeHead(status, '', fields, this.auto, 0)
      more()
    })
  }

  /** The answer is written but for what the kernel has not taken yet, if `left` is negative. */
  done(left: number): void {
    if (this.closes) {
      this.#socket.end(true)
      return
    }
    const { queue } = this.#connection
    if (left < 0) this.awaitDrain()
    else if (queue.length > 0) this.startNext(queue)
  }

  /** Also for a request that is pipelined meanwhile. */
  private awaitDrain(): void {
    this.#handle.onwritable = () => this.done(0)
  }

  private startNext(queue: NativeExchange[]): void {
    const next = queue.shift() as NativeExchange
    const closes = (next.#bits & requestCloses) !== 0
    if (!this.#socket.startPipelinedResponse(next.#handle, next.#ancient, closes)) return
    const pending = next.#pending ?? []
    next.#pending = null
    for (const action of pending) next.guard(() => !next.#handle.aborted && action())
  }
}

/** An answer of this status has no body, whatever the method. */
const isBodiless = (status: number): boolean => status === 204 || status === 304
