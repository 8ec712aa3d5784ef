/**
 * Where extensions have their telemetry delivered: listeners that misbehave, each in its own way, and a good one, which
 * sees that nothing is told twice. A delivery whose answer came too late is made again, whole: two bodies that are the
 * same to the byte are one delivery. A report in two different ones was made twice, or put into two batches.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { message } from '../kit/answers.ts'
import { freePort } from '../kit/launch.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

/** What each does with a connection. */
const manners = {
  /** a byte a second, so that no delivery is ever answered in time */
  'answers a byte a second': (socket: Socket) => {
    let sent = 0
    const timer = setInterval(() => socket.write(ok.charAt(sent++ % ok.length)), 1000)
    socket.on('close', () => clearInterval(timer))
    socket.resume()
  },
  'answers 500 for ever': (socket: Socket) => {
    socket.on('data', () => socket.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'))
  },
  'accepts and never reads': (socket: Socket) => {
    socket.pause()
  },
  'closes in mid-body': (socket: Socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  },
} as const

export type SubscriberKind =
  | keyof typeof manners
  | 'refuses'
  | 'takes lines and never reads them'
  | 'takes everything'

export const subscriberKinds: readonly SubscriberKind[] = [
  ...(Object.keys(manners) as (keyof typeof manners)[]),
  'refuses',
  'takes lines and never reads them',
  'takes everything',
]

export class Subscribers implements Disposable {
  readonly #ports = new Map<SubscriberKind, number>()
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #good: Bun.Server<undefined>
  /** reports that the good one has got, by request id */
  readonly #reports = new Map<string, number>()
  /** hashes of the bodies that it has got */
  readonly #bodies = new Set<number | bigint>()
  /** what the good one has got that it should not have */
  readonly problems: string[] = []
  /** records that the good one has got */
  taken = 0

  private constructor() {
    this.#good = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        this.take(await request.text())
        return new Response('')
      },
    })
    this.#ports.set('takes everything', this.#good.port as number)
    this.#ports.set('refuses', freePort())
  }

  static async open(): Promise<Subscribers> {
    const subscribers = new Subscribers()
    for (const [kind, serve] of Object.entries(manners))
      await subscribers.#listen(kind as SubscriberKind, serve)
    await subscribers.#listen('takes lines and never reads them', (socket) => socket.pause())
    return subscribers
  }

  /** The request of an extension that wants everything delivered to one of these. */
  subscription(id: string, kind: SubscriberKind): Buffer {
    const port = this.#ports.get(kind) as number
    const destination = kind.includes('lines')
      ? { protocol: 'TCP', port }
      : { protocol: 'HTTP', URI: `http://sandbox:${port}` }
    const body = {
      schemaVersion: '2022-12-13',
      types: ['platform', 'function', 'extension'],
      destination,
      buffering: { timeoutMs: 25 },
    }
    return message('PUT', '/2022-07-01/telemetry', JSON.stringify(body), {
      'Lambda-Extension-Identifier': id,
    })
  }

  #listen(kind: SubscriberKind, serve: (socket: Socket) => void): Promise<void> {
    const server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
      serve(socket)
    })
    this.#servers.push(server)
    return new Promise((resolve) =>
      server.listen(0, '127.0.0.1', () => {
        this.#ports.set(kind, (server.address() as { port: number }).port)
        resolve()
      }),
    )
  }

  /** Takes the body of a delivery to the good one. */
  take(body: string): void {
    const hash = Bun.hash(body)
    if (this.#bodies.has(hash)) return
    this.#bodies.add(hash)
    const records = JSON.parse(body) as readonly Told[]
    this.taken += records.length
    for (const { type, record } of records) {
      // what was lost may have been lost to a listener that the extension had before
      if (type !== 'platform.report') continue
      const id = record.requestId as string
      const times = (this.#reports.get(id) ?? 0) + 1
      this.#reports.set(id, times)
      if (times > 1) this.problems.push(`${times} reports of ${id} were delivered`)
    }
    if (this.#reports.size <= 20_000) return
    this.#reports.clear()
    this.#bodies.clear()
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy()
    for (const server of this.#servers) server.close()
    void this.#good.stop(true)
  }
}

interface Told {
  readonly type: string
  readonly record: Readonly<Record<string, unknown>>
}
