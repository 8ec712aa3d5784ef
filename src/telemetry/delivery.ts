/**
 * Brings one batch to a subscriber: HTTP, one request on a connection of its own; TCP, lines on a connection that stays.
 *
 * Sockets and not `fetch`, which would go through the proxy that the function's variables name. A batch comes once a
 * second or every 256 KB, so a connection for each is cheap, and no state of an earlier one can hurt it.
 */

import type { Destination } from './subscription.ts'

/** How a delivery can end; `refused` when nobody listens there. */
export type Delivered =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly reason: string; readonly refused: boolean }

export interface Transport extends Disposable {
  /**
   * Delivers records, in order, within `limitMs`, in which a stall of the machine hardly counts. Never throws; not called
   * again before it has resolved.
   */
  deliver(records: readonly string[], limitMs: number): Promise<Delivered>
}

const delivered: Delivered = { kind: 'delivered' }
const failed = (reason: string, refused = false): Delivered => ({ kind: 'failed', reason, refused })

const refusal = (error: unknown): Delivered => {
  const { code, message } = error as NodeJS.ErrnoException
  return failed(`cannot connect: ${code ?? message}`, code === 'ECONNREFUSED')
}

/** Opens the way to a destination. TCP connects at once: a problem in words, or the transport. */
export async function openTransport(
  destination: Destination,
  limitMs: number,
): Promise<Transport | { readonly problem: string }> {
  if (destination.protocol === 'HTTP') return new HttpTransport(destination)
  const transport = new TcpTransport(destination.port)
  const outcome = await transport.deliver([], limitMs)
  if (outcome.kind === 'delivered') return transport
  transport[Symbol.dispose]()
  return { problem: outcome.reason }
}

/** How much of an answer is kept, in bytes. */
const maxAnswer = 16 * 1024
/** How long the rest of an answer is waited for once its status is known, in milliseconds. */
const restMs = 200
/**
 * The limit is counted in steps of so many milliseconds. When the machine stalls, a timer is due before the answer is read
 * that came meanwhile, and the records would be delivered twice: so a stall costs one step, however long it is.
 */
const stepMs = 250

class HttpTransport implements Transport {
  readonly #destination: Extract<Destination, { protocol: 'HTTP' }>
  #current: HttpDelivery | null = null

  constructor(destination: Extract<Destination, { protocol: 'HTTP' }>) {
    this.#destination = destination
  }

  async deliver(records: readonly string[], limitMs: number): Promise<Delivered> {
    const { method, target, host, port } = this.#destination
    const body = Buffer.from(`[${records.join(',')}]`)
    const head =
      `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.byteLength}\r\nConnection: close\r\n\r\n`
    this.#current = new HttpDelivery(port, Buffer.concat([Buffer.from(head), body]), limitMs)
    const outcome = await this.#current.outcome
    this.#current = null
    return outcome
  }

  [Symbol.dispose](): void {
    this.#current?.finish(failed('the subscription ended'))
  }
}

/** One request and its answer. */
class HttpDelivery {
  readonly outcome: Promise<Delivered>
  readonly #request: Buffer
  readonly #resolve: (outcome: Delivered) => void
  #sent = 0
  #answer = ''
  /** what the answer's status says; null until it is known */
  #said: Delivered | null = null
  #socket: Bun.Socket | null = null
  #timer: Timer | undefined
  #over = false

  constructor(port: number, request: Buffer, limitMs: number) {
    this.#request = request
    const { promise, resolve } = Promise.withResolvers<Delivered>()
    this.outcome = promise
    this.#resolve = resolve
    this.#wait(limitMs, limitMs)
    const write = (socket: Bun.Socket): void => this.#write(socket)
    const closed = (): void =>
      this.finish(this.#said ?? failed('the connection was closed without an answer'))
    const connecting = Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: write,
        drain: write,
        data: (_, bytes) => this.#read(bytes),
        end: closed,
        close: closed,
        error: (_, error) => this.finish(this.#said ?? failed(error.message)),
        connectError: (_, error) => this.finish(refusal(error)),
      },
    })
    connecting.then(
      (socket) => {
        this.#socket = socket
        if (this.#over) socket.terminate()
      },
      (error) => this.finish(refusal(error)),
    )
  }

  finish(outcome: Delivered): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#socket?.terminate()
    this.#resolve(outcome)
  }

  #wait(leftMs: number, limitMs: number): void {
    const step = Math.min(leftMs, stepMs)
    this.#timer = setTimeout(() => {
      if (leftMs > step) this.#wait(leftMs - step, limitMs)
      else this.finish(failed(`no answer within ${limitMs} ms`))
    }, step)
  }

  #write(socket: Bun.Socket): void {
    while (this.#sent < this.#request.byteLength) {
      const count = socket.write(this.#request.subarray(this.#sent))
      if (count <= 0) return
      this.#sent += count
    }
  }

  #read(bytes: Buffer): void {
    this.#answer += bytes.toString('latin1')
    const { status, complete } = parseAnswer(this.#answer)
    if (status === null) {
      if (this.#answer.length > maxAnswer) this.finish(failed('the answer is no HTTP'))
      return
    }
    const said = status < 300 ? delivered : failed(`the subscriber answered ${status}`)
    if (complete || this.#answer.length > maxAnswer) {
      this.finish(said)
    } else if (this.#said === null) {
      // an answer that came in time counts, however slowly the rest of it comes
      this.#said = said
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.finish(said), restMs)
    }
  }
}

/** The status of an answer, null until it is there, and whether all of it is. Interim answers are passed over. */
function parseAnswer(text: string): { readonly status: number | null; readonly complete: boolean } {
  let rest = text
  for (;;) {
    const status = Number(/^HTTP\/1\.\d (\d{3})[^\r\n]*\r?\n/.exec(rest)?.[1])
    if (Number.isNaN(status)) return { status: null, complete: false }
    const end = rest.indexOf('\r\n\r\n')
    if (status >= 200 && end < 0) return { status, complete: false }
    if (status >= 200)
      return { status, complete: isComplete(status, rest.slice(0, end), rest.slice(end + 4)) }
    if (end < 0) return { status: null, complete: false }
    rest = rest.slice(end + 4)
  }
}

function isComplete(status: number, head: string, body: string): boolean {
  if (status === 204 || status === 304) return true
  const length = /\r\ncontent-length:\s*(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return body.length >= Number(length)
  return /\r\ntransfer-encoding:\s*chunked/i.test(head) && body.endsWith('0\r\n\r\n')
}

class TcpTransport implements Transport {
  readonly #port: number
  #socket: Bun.Socket | null = null
  #wake: (() => void) | null = null
  #disposed = false

  constructor(port: number) {
    this.#port = port
  }

  async deliver(records: readonly string[], limitMs: number): Promise<Delivered> {
    const until = performance.now() + limitMs
    if (this.#socket === null) {
      const refused = await this.#connect(limitMs)
      if (refused !== null) return refused
    }
    const bytes = Buffer.from(records.map((record) => `${record}\n`).join(''))
    let sent = 0
    while (sent < bytes.byteLength) {
      const socket = this.#socket as Bun.Socket | null
      if (socket === null) return failed('the connection was closed')
      const count = socket.write(bytes.subarray(sent))
      if (count > 0) sent += count
      if (sent === bytes.byteLength) break
      const left = until - performance.now()
      if (left <= 0) {
        // half a record may be under way: what follows on this connection would be read as its rest
        this.#drop()
        return failed(`not taken within ${limitMs} ms`)
      }
      await this.#drained(left)
    }
    return delivered
  }

  /** Null when connected. */
  async #connect(limitMs: number): Promise<Delivered | null> {
    const gone = (socket: Bun.Socket): void => {
      if (this.#socket === socket) this.#socket = null
      this.#wake?.()
    }
    const connecting = Bun.connect({
      hostname: '127.0.0.1',
      port: this.#port,
      socket: {
        drain: () => this.#wake?.(),
        data() {},
        end: (socket) => socket.terminate(),
        close: gone,
        error: gone,
      },
    })
    let timer: Timer | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), limitMs)
    })
    try {
      const socket = await Promise.race([connecting, late])
      if (socket === null) {
        connecting.then(
          (opened) => opened.terminate(),
          () => {},
        )
        return failed(`no connection within ${limitMs} ms`)
      }
      if (this.#disposed) {
        socket.terminate()
        return failed('the subscription ended')
      }
      this.#socket = socket
      return null
    } catch (error) {
      return refusal(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #drained(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#wake = null
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wake = wake
    })
  }

  #drop(): void {
    this.#socket?.terminate()
    this.#socket = null
  }

  [Symbol.dispose](): void {
    this.#disposed = true
    this.#drop()
    this.#wake?.()
  }
}
