/**
 * One HTTP/1.1 connection to the Runtime API, on a bare socket.
 *
 * Not `fetch`: that obeys the function's HTTP_PROXY, is what functions and their libraries replace, cannot send
 * trailers, and keeps no promise about which bytes are still on their way when the process ends. And a bare socket
 * can be left out of what keeps the event loop alive, which is how an empty loop is seen while a handler runs.
 */

import type { Socket } from 'bun'
import { type HttpResponse, HttpResponseParser } from './http-response.ts'

export type { HttpResponse } from './http-response.ts'

/** Where the Runtime API listens. */
export interface RuntimeApiAddress {
  readonly host: string
  readonly port: number
}

/** The peer closed the connection before it had answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  /** Whether part of an answer had arrived. */
  readonly answering: boolean

  constructor(answering: boolean) {
    super('The Runtime API closed the connection')
    this.answering = answering
  }
}

/** Splits `host:port`; the host may be an IPv6 literal in brackets, or absent for the loopback. */
export const parseAddress = (text: string): RuntimeApiAddress => {
  const colon = text.lastIndexOf(':')
  const host = text.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  return { host: host || '127.0.0.1', port: Number(text.slice(colon + 1)) }
}

interface Waiting<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** A connection that carries one exchange at a time. It keeps the process alive only while an answer is awaited. */
export class Connection {
  #socket: Socket | undefined
  readonly #parser = new HttpResponseParser()
  #reply: Waiting<HttpResponse> | undefined
  #early: HttpResponse | undefined
  /** What the kernel did not take yet, and who waits for it to. */
  #unsent: Buffer[] = []
  #drained: Waiting<void>[] = []
  #closed = false

  /** Connects; rejects when nobody listens. */
  static async open({ host, port }: RuntimeApiAddress): Promise<Connection> {
    const connection = new Connection()
    connection.#socket = await Bun.connect({
      hostname: host,
      port,
      socket: {
        binaryType: 'buffer',
        data: (_, bytes) => connection.#receive(bytes),
        drain: () => connection.#flush(),
        close: () => connection.#close(),
        end: () => connection.#close(),
        error: () => connection.#close(),
      },
    })
    connection.#socket.setNoDelay(true)
    connection.#socket.unref()
    return connection
  }

  /** Whether another exchange can be begun. */
  get usable(): boolean {
    return !this.#closed && this.#unsent.length === 0 && this.#early === undefined && !this.#parser.started
  }

  /** Sends bytes; the promise settles when the kernel has taken them all, which is the peer's back-pressure. */
  send(bytes: Buffer): Promise<void> {
    if (this.#closed) return Promise.reject(new ConnectionLost(false))
    this.#unsent.push(bytes)
    this.#flush()
    if (this.#unsent.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#socket?.ref()
      this.#drained.push({ resolve, reject })
    })
  }

  /** Waits for the next reply, however long. */
  reply(): Promise<HttpResponse> {
    const early = this.#early
    this.#early = undefined
    if (early) return Promise.resolve(early)
    if (this.#closed) return Promise.reject(new ConnectionLost(this.#parser.started))
    this.#socket?.ref()
    return new Promise((resolve, reject) => {
      this.#reply = { resolve, reject }
    })
  }

  /** Sends a whole request and waits for its reply, which may come before the last byte is sent. */
  exchange(bytes: Buffer): Promise<HttpResponse> {
    const reply = this.reply()
    // The reply fails with the connection; the second report of the same loss is not news.
    this.send(bytes).catch(() => {})
    return reply
  }

  close(): void {
    this.#socket?.end()
    this.#close()
  }

  #receive(bytes: Buffer) {
    this.#settle(this.#parser.push(bytes))
  }

  #settle(reply: HttpResponse | undefined) {
    if (!reply) return
    const waiting = this.#reply
    this.#reply = undefined
    if (!waiting) {
      this.#early = reply
      return
    }
    if (this.#drained.length === 0) this.#socket?.unref()
    if (reply.headers.get('connection')?.toLowerCase() === 'close') this.close()
    waiting.resolve(reply)
  }

  #flush() {
    while (this.#unsent[0]) {
      const bytes = this.#unsent[0]
      const sent = Math.max(0, this.#socket?.write(bytes) ?? 0)
      if (sent < bytes.length) {
        this.#unsent[0] = bytes.subarray(sent)
        return
      }
      this.#unsent.shift()
    }
    const drained = this.#drained
    this.#drained = []
    if (drained.length > 0 && !this.#reply) this.#socket?.unref()
    for (const waiting of drained) waiting.resolve()
  }

  #close() {
    if (this.#closed) return
    this.#closed = true
    this.#settle(this.#parser.end())
    const lost = new ConnectionLost(this.#parser.started)
    this.#reply?.reject(lost)
    this.#reply = undefined
    for (const waiting of this.#drained) waiting.reject(lost)
    this.#drained = []
    this.#unsent = []
  }
}
