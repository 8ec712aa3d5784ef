/** HTTP/1.1 as bytes, so that a case can say exactly what it sends and see exactly what it gets. */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { patience, within } from '../harness.ts'
import { bodyAt } from './answers.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export const spell = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

export class Answer {
  readonly status: number
  readonly head: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer

  constructor(head: string, body: Buffer) {
    const [first = '', ...rest] = head.split('\r\n')
    this.head = head
    this.status = Number(first.split(' ')[1])
    this.headers = rest.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
    this.body = body
  }

  header(name: string): string | undefined {
    return this.headers.find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1]
  }

  get text(): string {
    return this.body.toString()
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a case expects of it, the case says
  get json(): any {
    return JSON.parse(this.text)
  }

  /** The id of the event that this answer to `/next` carries. */
  get id(): string {
    return this.header('Lambda-Runtime-Aws-Request-Id') ?? ''
  }
}

/** The peer closed the connection and has not answered, or not to the end. */
export class Closed extends Error {
  readonly partial: Buffer
  constructor(partial: Buffer) {
    super(`connection closed, answer so far: ${JSON.stringify(partial.toString('latin1').slice(0, 300))}`)
    this.partial = partial
  }
}

/** One connection. Answers are taken in their order. */
export class Wire implements Disposable {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  #closed = false
  #given = 0
  #wake: (() => void)[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#notify()
    })
    socket.on('error', () => {})
    for (const end of ['end', 'close'] as const) {
      socket.on(end, () => {
        this.#closed = true
        this.#notify()
      })
    }
  }

  static async open({ host, port }: Address): Promise<Wire> {
    const socket = connect({ host, port, allowHalfOpen: true })
    await within(
      `a connection to ${host}:${port}`,
      new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve)
        socket.once('error', reject)
      }),
    )
    return new Wire(socket)
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  send(bytes: string | Uint8Array): void {
    this.#given += Buffer.byteLength(bytes as string)
    this.#socket.write(bytes)
  }

  /** No more bytes from this side. */
  finish(): void {
    this.#socket.end()
  }

  /** Bytes of ours that the peer has not taken. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  /** Bytes that have been handed to the kernel, but for a part of the last piece. */
  get sent(): number {
    return this.#given - this.#socket.writableLength
  }

  /** Bytes that the kernel holds of this connection, on both ends and in both directions. */
  queued(): number {
    const { localPort, remotePort } = this.#socket
    const ends = [localPort, remotePort].sort().join()
    let bytes = 0
    for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
      // sl local_address rem_address st tx_queue:rx_queue
      const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/)
      const ports = [local, remote].map((address) => Number.parseInt(address.split(':')[1] ?? '', 16))
      if (ports.sort().join() !== ends) continue
      for (const queue of queues.split(':')) bytes += Number.parseInt(queue, 16)
    }
    return bytes
  }

  /** Reads no more. */
  stall(): void {
    this.#socket.pause()
  }

  get received(): Buffer {
    return this.#received
  }

  get closed(): boolean {
    return this.#closed
  }

  /** The bytes that have arrived, once they match. */
  async until(pattern: RegExp): Promise<string> {
    const wait = async () => {
      while (!pattern.test(this.#received.toString('latin1'))) {
        if (this.#closed) throw new Closed(this.#received)
        await this.#change()
      }
      return this.#received.toString('latin1')
    }
    return within(`${pattern} in an answer`, wait())
  }

  /** Settles when the peer has closed the connection. */
  async end(): Promise<void> {
    const wait = async () => {
      while (!this.#closed) await this.#change()
    }
    await within('the peer to close the connection', wait())
  }

  /** The next answer; what says 100 Continue is skipped. */
  answer(bodiless = false, limit = patience): Promise<Answer> {
    const answer = this.#answer(bodiless)
    return limit === Infinity ? answer : within('an answer', answer, limit)
  }

  async #answer(bodiless: boolean): Promise<Answer> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      if (end >= 0) {
        const head = this.#received.toString('latin1', 0, end)
        if (/^HTTP\/1\.\d 1\d\d/.test(head)) {
          this.#received = this.#received.subarray(end + 4)
          continue
        }
        const status = Number(head.split(' ')[1])
        const whole = bodyAt(head, status, this.#received, end + 4, this.#closed, bodiless)
        if (typeof whole !== 'number') {
          this.#received = this.#received.subarray(whole.end)
          return new Answer(head, whole.body)
        }
      }
      if (this.#closed) throw new Closed(this.#received)
      await this.#change()
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

export interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** The bytes of a request. A body is announced by its length unless the headers say otherwise. */
export function bytes(address: Address, { method = 'GET', path, headers = {}, body = '' }: Request): Buffer {
  const all: Record<string, string> = { Host: spell(address), ...headers }
  const names = Object.keys(all).map((name) => name.toLowerCase())
  if (!names.includes('content-length') && !names.includes('transfer-encoding') && method !== 'GET') {
    all['Content-Length'] = String(Buffer.byteLength(body))
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return Buffer.concat([head, Buffer.from(body as string)])
}

/** One request on a connection of its own. */
export async function request(address: Address, what: Request, limit = patience): Promise<Answer> {
  using wire = await Wire.open(address)
  wire.send(bytes(address, what))
  return await wire.answer(what.method === 'HEAD', limit)
}
