/**
 * `Exchange` on the handles under Bun's own `node:http` (`Bun.serve({ onNodeHTTPRequest })`), which are not documented:
 * they read trailers, answer pipelined requests, and cost a third less than `fetch`. DECISIONS says what is relied on;
 * `test/http` holds every bit of it.
 *
 * What the handles do not do for us, and this file does:
 * - A callback that throws sends an empty 200. Everything that Bun calls is guarded here.
 * - A body that is not asked for before the callback returns is lost: one that nobody has read by then is held.
 * - `ondata` comes once more, with `aborted`, when the connection ends, also after a complete body.
 * - An answer to a gone peer throws. `aborted` is looked at first.
 * - Headers go out unchecked, HEAD sends a body, 204 and 304 a long one, `close` closes nothing, a list of headers is
 *   framed by its own `Content-Length` only.
 * - What is written for a pipelined request is lost while the answer before it is not out: it is kept in order.
 */

import { bind, plainAddress } from './address.ts'
import type {
  Body,
  BodyEnd,
  BodyReader,
  Exchange,
  Fields,
  Handlers,
  ListenAt,
  Listener,
  ResponseStream,
  Shared,
} from './exchange.ts'
import { fieldProblem, firstField, isList, piecesOf, sizeOf } from './fields.ts'

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
/** Requests of one connection that may wait for the answer to an earlier one; a peer that sends more is cut off. */
const maxPipelined = 64
/** How much of a body is held for a reader that comes later before the peer is asked to wait. */
const heldBytes = 65_536

/** What all exchanges of a connection share: those that wait for the answer to an earlier one, in order. */
interface Connection {
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
  readonly #connection: Connection
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
    connection: Connection,
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
      if (answers.push({ exchange: this, status, headers, body }) === 1) setImmediate(writeAnswers)
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
      current = this
      try {
        this.data(chunk, last, aborted)
      } catch (error) {
        this.fail(error)
      }
      current = null
    }
  }

  private data(chunk: Uint8Array | undefined, last: boolean, aborted: number): void {
    if (this.#end !== null) return
    const reader = this.#reader
    if (chunk !== undefined && chunk.byteLength > 0) {
      if (reader !== null) reader.chunk(chunk)
      else this.hold(chunk)
    }
    if (!last) return
    if (aborted !== 0) this.#end = truncated
    else if ((this.#bits & transferEncoding) === 0) this.#end = complete
    else this.#end = { kind: 'complete', trailers: this.#handle.takeRequestTrailers(false) ?? [] }
    reader?.end(this.#end)
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

/**
 * An answer that is written at the end of the turn of the event loop. Whoever gets one runs at once where they share a CPU with
 * us, and the code that answers the next one is out of the processor's caches then: DECISIONS has figures.
 */
interface Answer {
  readonly exchange: NativeExchange
  readonly status: number
  readonly headers: Fields
  readonly body: Body | undefined
}

/** The one of which Bun tells just now. If its peer has ended its half, Bun closes the connection when this returns. */
let current: NativeExchange | null = null
let answers: Answer[] = []

/** Requests of a stretch, and connections that one caller and its environment have between them: more are busy. */
const stretchRequests = 64
const calmConnections = 4
let stretch = 0
let requests = 0
let active = 0
/**
 * Answers are kept. For one caller nothing is gained, and a turn of its own for writing costs one part in thirty. How many answers a
 * turn has would not tell: where each is written at once, those who get them come one by one.
 */
let busy = false

/** Looks how many connections have had a request, every so many requests. */
export function countRequest(connection: Connection): void {
  if (connection.stretch !== stretch) {
    connection.stretch = stretch
    active++
  }
  if (++requests < stretchRequests) return
  busy = active > calmConnections
  stretch++
  requests = 0
  active = 0
}

/** Writes what was answered in this turn, in order. */
export function writeAnswers(): void {
  const all = answers
  answers = []
  for (let index = 0; index < all.length; index++) {
    const answer = all[index] as Answer
    answer.exchange.sendAnswer(answer)
  }
}

export class NativeStream implements ResponseStream {
  onDrain: (() => void) | null = null
  readonly #exchange: NativeExchange
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

  constructor(exchange: NativeExchange, handle: Handle, socket: Socket, bodiless: boolean) {
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
    if (handle.aborted || handle.write(bytes) >= 0) return true
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

/** An answer of this status has no body, whatever the method. */
const isBodiless = (status: number): boolean => status === 204 || status === 304

/** Path and query of a target in any of its forms; `host:port` of CONNECT stays as it is. */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === 47) return target
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '')
  return rest === '' || rest.startsWith('?') ? `/${rest}` : rest
}

/** What Bun calls for each request: always these twelve arguments, see `isKnownShape`. */
type Callback = (
  server: unknown,
  target: string,
  method: string,
  bits: number,
  handle: Handle,
  hasBody: boolean,
  socket: Socket,
  isNew: boolean,
  connection: Connection | undefined,
  ancient: boolean,
  head: unknown,
  pipelined: boolean,
) => void

function isKnownShape(args: readonly unknown[]): boolean {
  return (
    typeof args[11] === 'boolean' &&
    typeof args[1] === 'string' &&
    typeof args[2] === 'string' &&
    typeof args[3] === 'number' &&
    typeof (args[4] as Partial<Handle> | null)?.writeHeadAndEnd === 'function' &&
    typeof (args[6] as Partial<Socket> | null)?.startPipelinedResponse === 'function'
  )
}

/** Answers a request that came with handles of another shape, as far as that is possible. */
function refuseUnknown(args: readonly unknown[]): void {
  for (const one of args) {
    const handle = one as Partial<Pick<Handle, 'writeHead' | 'end'>> | null
    if (typeof handle?.writeHead !== 'function' || typeof handle.end !== 'function') continue
    handle.writeHead(503, '', ['Retry-After', '1', 'Content-Length', '0'], 0, 0)
    handle.end()
    return
  }
}

/**
 * What Bun calls. The first request shows whether the handles have the shape that is known here; if not, it is refused
 * with a 503, and `changed` is called to let the listener go on in another way.
 */
export function nativeCallback(shared: Shared, changed: (server: NativeServer) => void): Callback {
  let known = false
  return function onNodeHTTPRequest(
    server,
    target,
    method,
    bits,
    handle,
    hasBody,
    socket,
    isNew,
    duplex,
    ancient,
    head,
    pipelined,
  ) {
    if (!known) {
      const first = [server, target, method, bits, handle, hasBody]
      const args = [...first, socket, isNew, duplex, ancient, head, pipelined]
      if (!isKnownShape(args)) {
        changed(server as NativeServer)
        refuseUnknown(args)
        return
      }
      known = true
    }
    let connection = duplex
    if (connection === undefined) {
      connection = { queue: [], reused: false, stretch: -1, peer: null }
      socket.duplex = connection
    } else {
      connection.reused = true
    }
    countRequest(connection)
    if (pipelined && connection.queue.length >= maxPipelined) {
      socket.close()
      return
    }
    const path = originForm(target)
    const exchange = new NativeExchange(
      method,
      path,
      hasBody,
      bits,
      ancient,
      handle,
      socket,
      connection,
      shared,
      pipelined,
    )
    if (pipelined) connection.queue.push(exchange)
    // its socket stays when the peer has gone
    if (method === 'CONNECT') closeOnAbort(handle, socket)
    current = exchange
    try {
      shared.handlers.handle(exchange)
      exchange.returned()
    } catch (error) {
      exchange.fail(error)
    }
    current = null
  }
}

function closeOnAbort(handle: Handle, socket: Socket): void {
  handle.onabort = () => socket.close()
}

/** Opens a listener on the native handles; `changed` as above. */
export function listenNatively(
  at: ListenAt,
  handlers: Handlers,
  changed: (server: NativeServer, shared: Shared) => void,
): Listener {
  const shared: Shared = { handlers, closing: false }
  const onNodeHTTPRequest = nativeCallback(shared, (server) => changed(server, shared))
  const server = bind(at, { onNodeHTTPRequest }) as NativeServer
  return {
    hostname: server.hostname as string,
    port: server.port as number,
    close() {
      shared.closing = true
      void server.stop(false)
      // Bun goes on serving those that are idle
      server.closeIdleConnections()
    },
    stop() {
      writeAnswers()
      return server.stop(true)
    },
  }
}

/** What the published types leave out. */
export type NativeServer = Bun.Server<undefined> & { closeIdleConnections(): void }
