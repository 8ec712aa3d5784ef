/** The Debug Adapter Protocol, as VS Code speaks it with debugpy: what the test needs of it. */
import type { Socket } from 'bun'
import { until } from '../harness.ts'

/** The adapter is a program of its own, which takes its time to start. */
const slowMs = 60_000

interface Message {
  readonly type: string
  readonly event?: string
  readonly command?: string
  readonly request_seq?: number
  // biome-ignore lint/suspicious/noExplicitAny: what of it there is, the request says
  readonly body?: any
}

/** The adapter has gone, as that of a runtime that is being replaced. */
export class Closed extends Error {}

export class Adapter implements Disposable {
  #socket: Socket | undefined
  #received = Buffer.alloc(0)
  readonly #messages: Message[] = []
  #seq = 0
  #isClosed = false

  static async connect(port: number): Promise<Adapter> {
    const one = new Adapter()
    one.#socket = await until('the debugger to listen', () =>
      Bun.connect({
        hostname: '127.0.0.1',
        port,
        socket: {
          data: (_, chunk) => one.#take(chunk),
          close: () => {
            one.#isClosed = true
          },
        },
      }).catch(() => undefined),
    )
    return one
  }

  #take(chunk: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, chunk])
    for (;;) {
      const [head, length] = /^Content-Length: (\d+)\r\n\r\n/.exec(this.#received.toString('latin1')) ?? []
      if (head === undefined || this.#received.length < head.length + Number(length)) return
      const end = head.length + Number(length)
      this.#messages.push(JSON.parse(this.#received.subarray(head.length, end).toString()))
      this.#received = this.#received.subarray(end)
    }
  }

  /** Sends a request, and does not wait for its response. */
  send(command: string, args: object = {}): number {
    const seq = ++this.#seq
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args })
    this.#socket?.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
    return seq
  }

  async ask(command: string, args: object = {}): Promise<Message['body']> {
    const seq = this.send(command, args)
    const answered = () => {
      const answer = this.#messages.find(({ request_seq }) => request_seq === seq)
      if (answer === undefined && this.#isClosed) throw new Closed(command)
      return answer
    }
    return (await until(`an answer to ${command}`, answered, slowMs)).body
  }

  async event(name: string): Promise<Message['body']> {
    return (
      await until(`the event ${name}`, () => this.#messages.find(({ event }) => event === name), slowMs)
    ).body
  }

  [Symbol.dispose](): void {
    this.#socket?.end()
  }
}
