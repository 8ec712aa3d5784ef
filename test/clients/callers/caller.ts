/** An AWS SDK in a program of its own, which makes calls and says what its user gets to see. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'

export interface Caller {
  readonly name: string
  /** Name and version, as the matrix shows them. */
  readonly title: string
  /** The class of an exception that the SDK has no class for. */
  readonly unmodeled: string
  /** Installs it, once, and hands on its command; throws `Unavailable` where that is impossible. */
  prepare(): Promise<Command>
}

export interface Command {
  readonly words: readonly string[]
  readonly cwd: string
}

/** The members of an Invoke, as SDKs name them. */
export type Input = Readonly<Record<string, string>>

export interface Seen {
  readonly status: number
  readonly requestId: string | null
  readonly attempts: number
  /** of an answer */
  readonly functionError?: string | null
  readonly executedVersion?: string | null
  readonly log?: string | null
  /** null if it is large */
  readonly payload?: string | null
  readonly bytes?: number
  /** of a stream: its pieces, and what its last event says */
  readonly pieces?: readonly string[]
  readonly complete?: Readonly<Record<string, string>>
  /** milliseconds from the first piece to the end */
  readonly spread?: number
  readonly contentType?: string | null
  /** of an exception: its class, its name on the wire, its text */
  readonly exception?: string
  readonly code?: string
  readonly message?: string
  readonly reason?: string | null
  readonly retryAfter?: string | null
}

export interface Call {
  readonly url: string
  readonly operation?: 'Invoke' | 'InvokeWithResponseStream' | 'ListFunctions'
  readonly input?: Input
  /** how often the SDK may try, the first time included */
  readonly attempts?: number
}

/** A running program. It makes one call after the other. */
export interface Session extends AsyncDisposable {
  call(call: Call): Promise<Seen>
}

/** Long enough for every call, the retries included. */
const patienceMs = 60_000

export function open({ words, cwd }: Command): Session {
  const child = Bun.spawn([...words], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  const complaints = child.stderr.text()
  const stdout = Readable.fromWeb(child.stdout as never)
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return {
    async call({ url, operation = 'Invoke', input = {}, attempts = 1 }) {
      child.stdin.write(`${JSON.stringify({ url, operation, input, attempts })}\n`)
      await child.stdin.flush()
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      const line = await lines.next()
      clearTimeout(late)
      if (!line.done) return JSON.parse(line.value)
      throw new Error(`the caller ended: ${(await complaints).trim().slice(-300)}`)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
