/** A listener whose handler is the test's, and raw connections to it. */

import type { Exchange, Handlers, ListenAt, Listener } from '../../src/http/exchange.ts'
import { until } from '../harness.ts'
import { connect, type Peer } from '../kit/peer.ts'

export interface Stand extends AsyncDisposable {
  readonly listener: Listener
  readonly port: number
  /** what is done with each exchange; it is kept if this does nothing */
  handle: (exchange: Exchange) => void
  /** what is done when something threw */
  answerFailure: (exchange: Exchange) => void
  readonly exchanges: Exchange[]
  readonly errors: string[]
  readonly limits: string[]
  connect(hostname?: string, port?: number): Promise<Peer>
  /** Sends one request on a connection of its own and hands on all that came back until its end. */
  ask(text: string): Promise<string>
  exchange(index?: number): Promise<Exchange>
}

export type Open = (at: ListenAt, handlers: Handlers) => Listener

export function stand(listen: Open, hostname = '127.0.0.1'): Stand {
  const exchanges: Exchange[] = []
  const errors: string[] = []
  const limits: string[] = []
  const peers: Peer[] = []
  const handlers: Handlers = {
    handle(exchange) {
      exchanges.push(exchange)
      made.handle(exchange)
    },
    failed(error, exchange) {
      errors.push(String(error))
      made.answerFailure(exchange)
    },
    limited: (what) => limits.push(what),
  }
  const listener = listen({ hostname, port: 0 }, handlers)
  const made: Stand = {
    listener,
    port: listener.port,
    handle: (exchange) => exchange.respond(200, [], 'ok'),
    answerFailure: () => {},
    exchanges,
    errors,
    limits,
    async connect(host = '127.0.0.1', port = listener.port) {
      const peer = await connect(port, host)
      peers.push(peer)
      return peer
    },
    async ask(text) {
      const peer = await made.connect()
      peer.send(text)
      await peer.ended()
      return peer.received
    },
    exchange: (index = 0) => until(`exchange ${index}`, () => exchanges[index]),
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.leave()
      await listener.stop()
    },
  }
  return made
}

/** Reads a body and answers with what came: size, pieces, end. */
export interface Read {
  readonly bytes: Uint8Array[]
  text: string
  end: string | null
  ends: number
  trailers: readonly string[] | null
}

export function read(exchange: Exchange, done: (read: Read) => void = () => {}): Read {
  const result: Read = { bytes: [], text: '', end: null, ends: 0, trailers: [] }
  exchange.read({
    chunk(bytes) {
      result.bytes.push(bytes)
      result.text += Buffer.from(bytes).toString('latin1')
    },
    end(end) {
      result.ends++
      result.end = end.kind
      if (end.kind === 'complete') result.trailers = end.trailers
      done(result)
    },
  })
  return result
}

/** So many turns of the event loop, in which what has arrived is read. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The answers on a connection, split by their status lines. */
export const answers = (text: string): string[] => text.split(/(?=HTTP\/1\.1 \d{3} )/)

/** The body of the only answer. */
export const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)
