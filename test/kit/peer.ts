/** One raw connection to anything that listens: what is sent byte by byte, what came back, and how it ends. */

import { connect as open, type Socket } from 'node:net'
import { until } from '../harness.ts'

/** One connection, byte by byte. */
export class Peer implements Disposable {
  /** all that came, as Latin-1 */
  received = ''
  /** how many bytes came */
  bytes = 0
  /** keeps what comes; else it is only counted */
  keeps = true
  closed = false
  /** the other side has ended its half */
  #ended = false
  readonly #socket: Socket

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      if (this.keeps) this.received += chunk.toString('latin1')
    })
    socket.on('end', () => {
      this.#ended = true
    })
    socket.on('close', () => {
      this.closed = true
    })
    socket.on('error', () => {
      this.closed = true
    })
  }

  send(data: string | Uint8Array): void {
    this.#socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  /** Bytes of ours that the other side has not taken. */
  get unsent(): number {
    return this.#socket.writableLength
  }

  /** Stops reading, and goes on. */
  stall(): void {
    this.#socket.pause()
  }

  go(): void {
    this.#socket.resume()
  }

  /** FIN, while it goes on reading. */
  halfClose(): void {
    this.#socket.end()
  }

  /** Goes away. */
  leave(): void {
    this.#socket.destroy()
  }

  /** RST. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  until(what: string | RegExp): Promise<string> {
    return until(`${what} in ${JSON.stringify(this.received.slice(0, 500))}`, () =>
      (typeof what === 'string' ? this.received.includes(what) : what.test(this.received))
        ? this.received || ' '
        : null,
    )
  }

  async ended(): Promise<void> {
    await until('the end of the connection', () => this.#ended || this.closed)
  }

  [Symbol.dispose](): void {
    this.leave()
  }
}

export function connect(port: number, host = '127.0.0.1'): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const socket = open({ port, host, allowHalfOpen: true })
    socket.once('connect', () => resolve(new Peer(socket)))
    socket.once('error', reject)
  })
}

/** Sends one request and hands on the answer: its status line and headers as they were written, and its body. */
export async function exchange(
  port: number,
  head: readonly string[],
  body = '',
): Promise<{ readonly head: readonly string[]; readonly body: string }> {
  using peer = await connect(port)
  const [line, ...headers] = head
  peer.send([line, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n'))
  const text = await peer.until(/\r\n\r\n/)
  const end = text.indexOf('\r\n\r\n')
  const answer = text.slice(0, end).split('\r\n')
  const length = Number(/^content-length: (\d+)$/im.exec(answer.join('\n'))?.[1] ?? 0)
  await until('the body', () => peer.received.length >= end + 4 + length)
  return {
    head: answer.filter((header) => !/^(date|connection):/i.test(header)),
    body: peer.received.slice(end + 4),
  }
}
