/**
 * `Exchange` on the documented `fetch` handler of `Bun.serve`, for a version of Bun whose native handles have another
 * shape. It can do less: trailers cannot be read (that some came is known) nor sent, a request pipelined behind one that
 * waits gets no answer, and headers that were sent twice arrive as one. `test/http` lists every difference.
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
import { fieldProblem, piecesOf } from './fields.ts'

/** A body of at most so many announced bytes is taken in one piece. */
const wholeBytes = 65_536
/** Bytes of a stream that wait in front of the socket before the writer is asked to wait. */
const streamBytes = 262_144

class FetchExchange implements Exchange {
  readonly method: string
  readonly protocol = 'HTTP/1.1'
  readonly #request: Request
  readonly #server: Bun.Server<undefined>
  readonly #shared: Shared
  #onGone: (() => void) | null = null
  #listening = false
  #answered: Response | null = null
  #stream: FetchStream | null = null
  #resolve: ((response: Response) => void) | null = null
  #reading = false
  /** resolves when a paused body may go on */
  #paused: { readonly resumed: Promise<void>; readonly resume: () => void } | null = null

  constructor(request: Request, server: Bun.Server<undefined>, shared: Shared) {
    this.method = request.method
    this.#request = request
    this.#server = server
    this.#shared = shared
  }

  get target(): string {
    const { url } = this.#request
    // a full address, or only the path when there is no usable `Host`
    if (url.charCodeAt(0) === 47) return url
    const start = url.indexOf('/', url.indexOf('//') + 2)
    return start < 0 ? '/' : url.slice(start)
  }

  get peer(): string {
    return plainAddress(this.#server.requestIP(this.#request)?.address ?? '')
  }

  get headers(): Fields {
    return [...this.#request.headers].flat()
  }

  /** Bun hands out the values of a header that came more than once with commas between. */
  header(name: string): string | null {
    const all = this.#request.headers.get(name)
    if (all === null) return null
    const comma = all.indexOf(', ')
    return comma < 0 ? all : all.slice(0, comma)
  }

  get hasBody(): boolean {
    const { headers } = this.#request
    return (headers.get('content-length') ?? '0') !== '0' || headers.has('transfer-encoding')
  }

  get gone(): boolean {
    return this.#request.signal.aborted
  }

  get onGone(): (() => void) | null {
    return this.#onGone
  }

  set onGone(told: (() => void) | null) {
    this.#onGone = told
    if (told === null || this.#listening) return
    this.#listening = true
    const abort = (): void => {
      // the signal also fires at the end of a connection whose answer is out
      if (this.#answered === null || this.#stream !== null) this.#guard(() => this.#onGone?.())
    }
    this.#request.signal.addEventListener('abort', abort, { once: true })
  }

  read(reader: BodyReader): void {
    if (this.#reading) throw new Error('the body of a request is read once')
    this.#reading = true
    if (!this.hasBody) {
      reader.end({ kind: 'complete', trailers: [] })
      return
    }
    void this.#read(reader)
  }

  async #read(reader: BodyReader): Promise<void> {
    const end = await this.#readAll((piece) => this.#guard(() => reader.chunk(piece)))
    this.#guard(() => reader.end(end))
  }

  async #readAll(chunk: (piece: Uint8Array) => void): Promise<BodyEnd> {
    const request = this.#request
    const trailer = request.headers.has('trailer')
    try {
      if (!trailer && Number(request.headers.get('content-length') ?? Infinity) <= wholeBytes) {
        const piece = await request.bytes()
        if (piece.byteLength > 0) chunk(piece)
      } else if (request.body !== null) {
        for await (const piece of request.body as ReadableStream<Uint8Array>) {
          chunk(piece)
          while (this.#paused !== null) await this.#paused.resumed
        }
      }
    } catch {
      return { kind: 'truncated' }
    }
    // What follows the body is taken for a bad request, and the signal of this one fires within one turn of the loop.
    if (trailer) {
      await new Promise((resolve) => setImmediate(resolve))
      if (request.signal.aborted) return { kind: 'complete', trailers: null }
    }
    return { kind: 'complete', trailers: [] }
  }

  pause(): void {
    if (this.#paused !== null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#paused = { resumed: promise, resume: resolve }
  }

  resume(): void {
    const paused = this.#paused
    this.#paused = null
    paused?.resume()
  }

  respond(status: number, headers: Fields, body?: Body): boolean {
    if (this.#answered !== null || this.gone) return false
    const problem = fieldProblem(headers)
    if (problem !== null) {
      this.#answer(new Response(null, { status: 500 }))
      this.#shared.handlers.failed(new TypeError(problem), this)
      return true
    }
    const pieces = piecesOf(body)
    const whole =
      pieces.length === 0
        ? null
        : pieces.length === 1
          ? pieces[0]
          : new Blob([...pieces] as Uint8Array<ArrayBuffer>[])
    this.#answer(
      new Response(whole as Blob | Uint8Array<ArrayBuffer> | null, {
        status,
        headers: this.#headersOf(headers),
      }),
    )
    return true
  }

  stream(status: number, headers: Fields): ResponseStream | null {
    if (this.#answered !== null || this.gone) return null
    const problem = fieldProblem(headers)
    if (problem !== null) {
      this.respond(500, headers)
      return null
    }
    const stream = new FetchStream((run) => this.#guard(run))
    this.#stream = stream
    const bodiless = this.method === 'HEAD' || status === 204 || status === 304
    const body = bodiless ? null : stream.body
    this.#answer(new Response(body, { status, headers: this.#headersOf(headers) }))
    return stream
  }

  /** The answer, or when there will be one. */
  response(): Response | Promise<Response> {
    if (this.#answered !== null) return this.#answered
    return new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  fail(error: unknown): void {
    try {
      this.#shared.handlers.failed(error, this)
    } finally {
      if (this.#answered === null) this.#answer(new Response(null, { status: 500 }))
      else this.#stream?.abort()
    }
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  #answer(response: Response): void {
    this.#answered = response
    this.#resolve?.(response)
  }

  #headersOf(fields: Fields): Headers {
    const headers = new Headers()
    for (let index = 0; index < fields.length; index += 2) {
      headers.append(fields[index] as string, fields[index + 1] as string)
    }
    if (this.#shared.closing) headers.set('Connection', 'close')
    return headers
  }
}

class FetchStream implements ResponseStream {
  onDrain: (() => void) | null = null
  readonly body: ReadableStream<Uint8Array>
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null
  #full = false

  constructor(guard: (run: () => void) => void) {
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          if (!this.#full) return
          this.#full = false
          guard(() => this.onDrain?.())
        },
        cancel: () => {
          this.#controller = null
        },
      },
      { highWaterMark: streamBytes, size: (piece) => piece?.byteLength ?? 0 },
    )
  }

  write(bytes: Uint8Array): boolean {
    const controller = this.#controller
    if (controller === null || bytes.byteLength === 0) return true
    controller.enqueue(bytes)
    this.#full = (controller.desiredSize ?? 1) <= 0
    return !this.#full
  }

  end(trailers: Fields = []): void {
    const problem = fieldProblem(trailers)
    if (problem !== null) throw new TypeError(problem)
    this.#controller?.close()
    this.#controller = null
  }

  abort(): void {
    this.#controller?.error(new Error('the answer broke off'))
    this.#controller = null
  }
}

export function listenWithFetch(at: ListenAt, handlers: Handlers): Listener {
  const shared: Shared = { handlers, closing: false }
  const server = bind(at, fetchHandler(shared))
  return {
    hostname: server.hostname as string,
    port: server.port as number,
    close() {
      shared.closing = true
      void server.stop(false)
    },
    stop: () => server.stop(true),
  }
}

/** The option of `Bun.serve` that hands requests on as exchanges. */
export function fetchHandler(shared: Shared): {
  fetch(request: Request, server: Bun.Server<undefined>): Response | Promise<Response>
  error(): Response
} {
  return {
    fetch(request, server) {
      const exchange = new FetchExchange(request, server, shared)
      try {
        shared.handlers.handle(exchange)
      } catch (error) {
        exchange.fail(error)
      }
      return exchange.response()
    },
    // a stream that broke off before its first piece: nothing of ours throws
    error: () => new Response(null, { status: 500 }),
  }
}
