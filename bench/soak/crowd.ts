/** 64 callers at once on one environment, for a minute: every answer is the caller's own, and nobody is overtaken. */
import { invokePath } from '../subject.ts'
import type { Check } from './report.ts'

const callerCount = 64

/** One caller on one connection. Gives the body of a good answer, and throws for any other. */
class Caller implements Disposable {
  readonly #socket: Bun.Socket
  #text = ''
  #told = Promise.withResolvers<string>()

  private constructor(socket: Bun.Socket) {
    this.#socket = socket
  }

  static async open(port: number): Promise<Caller> {
    const opened = Promise.withResolvers<Caller>()
    const socket = await Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        data: async (_, bytes) => (await opened.promise).#take(bytes),
        close: async () => (await opened.promise).#told.reject(new Error('the connection was closed')),
      },
    })
    opened.resolve(new Caller(socket))
    return opened.promise
  }

  call(body: string): Promise<string> {
    this.#text = ''
    this.#told = Promise.withResolvers()
    this.#socket.write(
      `POST ${invokePath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    return this.#told.promise
  }

  #take(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString('latin1')
    const end = this.#text.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#text)?.[1])
    if (end < 0 || !(this.#text.length >= end + 4 + length)) return
    if (!this.#text.startsWith('HTTP/1.1 200 ')) this.#told.reject(new Error(this.#text.slice(0, 300)))
    else this.#told.resolve(this.#text.slice(end + 4))
  }

  [Symbol.dispose](): void {
    this.#told.promise.catch(() => {})
    this.#socket.end()
  }
}

/** The function at that port has to answer each event with itself. */
export async function crowd(port: number, seconds: number): Promise<Check[]> {
  const end = performance.now() + seconds * 1000
  const served = new Array<number>(callerCount).fill(0)
  const problems: string[] = []
  let overtaken = 0
  const run = async (index: number): Promise<void> => {
    using caller = await Caller.open(port)
    for (let round = 1; performance.now() < end; round++) {
      const before = [...served]
      const body = `"${index}:${round}"`
      const answer = await caller.call(body)
      if (answer !== body) problems.push(`${body} was answered ${answer}`)
      // another one may have been ahead once, and read in the same breath once
      if (served.some((count, other) => count - (before[other] as number) > 2)) overtaken++
      served[index] = round
    }
  }
  await Promise.all(
    served.map((_, index) => run(index).catch((error) => problems.push(`caller ${index}: ${error}`))),
  )
  const total = served.reduce((sum, count) => sum + count, 0)
  const [least, most] = [Math.min(...served), Math.max(...served)]
  return [
    {
      name: `${callerCount} callers at once for ${seconds} s without a failure`,
      good: problems.length === 0 && total > callerCount,
      figure: `${total} invocations, ${problems.length} failed${problems.length > 0 ? `: ${problems[0]}` : ''}`,
    },
    { name: 'nobody is overtaken', good: overtaken === 0, figure: `${overtaken} times` },
    // in turn: nobody has been served more than a round or two more often than another one
    { name: 'all are served as often', good: most - least <= 2, figure: `${least} to ${most} times` },
  ]
}
