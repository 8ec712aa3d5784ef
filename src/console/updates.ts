/** What open pages are sent, as server-sent events. */

import type { History } from './history.ts'

export interface UpdateOptions {
  /** what a page is told once */
  introduction(): Introduction
  /** the same one each time */
  history(): History
  /** what changes without an invocation */
  liveState(): LiveState
}

export interface Introduction {
  /** name of the function, of the first of several */
  readonly name: string
  /** all of them, where there are several; else empty */
  readonly functions: readonly { readonly name: string; readonly functionUrl: string | null }[]
  /** events by the name of their source */
  readonly examples: Readonly<Record<string, object>>
  /** texts of events by the name of their file */
  readonly files: Readonly<Record<string, string>>
  /** `http://HOST:PORT` */
  readonly functionUrl: string | null
  /** changes of the code are picked up, and told */
  readonly watches: boolean
  /** a function has durable executions, which have a page of their own */
  readonly durable: boolean
}

export interface LiveState {
  readonly environments: readonly object[]
  readonly queued: number
  /** the last failure since all went well */
  readonly failure: object | null
}

/** How many files of a change are named. */
const namedFiles = 3

/** Changes are gathered for this long: a page is no quicker, and a busy emulator writes less. */
const gatherMs = 100
/** Environments are looked at this often while a page is open; a page that is gone is noticed by it too. */
const lookMs = 1000

/** What is needed of the controller of a stream. */
interface Controller {
  readonly desiredSize: number | null
  enqueue(chunk: Uint8Array<ArrayBuffer>): void
  close(): void
}

export class Updates {
  readonly #options: UpdateOptions
  readonly #pages = new Set<Controller>()
  #gathering: ReturnType<typeof setTimeout> | undefined
  #looking: ReturnType<typeof setInterval> | undefined
  #seen = ''

  constructor(options: UpdateOptions) {
    this.#options = options
  }

  get history(): History {
    return this.#options.history()
  }

  /** Keeps invocations from now on. */
  begin(): void {
    this.#options.history()
  }

  /** Something has changed. */
  due(): void {
    if (this.#pages.size === 0) {
      // no page is open; the next one gets everything
      this.history.forgetChanged()
      return
    }
    this.#gathering ??= setTimeout(() => this.#tell(), gatherMs)
  }

  /** The next invocation runs new code. */
  codeChanged(files: readonly string[]): void {
    const code = { files: files.slice(0, namedFiles), more: Math.max(0, files.length - namedFiles) }
    this.#send({ code, ...this.#options.liveState() })
  }

  /** The events of one page, until `gone`. */
  stream(gone: AbortSignal): ReadableStream<Uint8Array<ArrayBuffer>> {
    let page: Controller | undefined
    const leave = (): void => {
      if (page !== undefined) this.#leave(page)
    }
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          page = controller
          this.#pages.add(controller)
          gone.addEventListener('abort', leave, { once: true })
          const invocations = this.history.summaries().reverse()
          const { introduction, liveState } = this.#options
          write(controller, 'hello', { ...introduction(), invocations, ...liveState() })
          this.#looking ??= setInterval(() => this.#look(), lookMs)
        },
        cancel: leave,
      },
      byBytes,
    )
  }

  #leave(page: Controller): void {
    this.#pages.delete(page)
    if (this.#pages.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
    clearTimeout(this.#gathering)
    this.#gathering = undefined
  }

  #tell(): void {
    this.#gathering = undefined
    const invocations = this.history.takeChanged()
    this.#send({ invocations, ...this.#options.liveState() })
  }

  #look(): void {
    const seen = this.#options.liveState()
    const text = JSON.stringify(seen)
    if (text === this.#seen) {
      // a comment, which keeps proxies from closing the connection
      for (const page of this.#pages) put(page, ':\n\n')
      return
    }
    this.#seen = text
    this.#send(seen)
  }

  #send(change: object): void {
    for (const page of this.#pages) write(page, 'change', change)
  }
}

const byBytes = { highWaterMark: 0, size: (chunk?: Uint8Array<ArrayBuffer>) => chunk?.byteLength ?? 0 }
const encoder = new TextEncoder()

/** Bytes that a page may have waiting; one that reads nothing, as a sleeping tab, is dropped and connects again. */
const maxWaiting = 1_048_576

function write(page: Controller, event: string, data: object): void {
  put(page, `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

function put(page: Controller, text: string): void {
  try {
    page.enqueue(encoder.encode(text))
    if ((page.desiredSize ?? 0) < -maxWaiting) page.close()
  } catch {
    // closed by its page a moment ago
  }
}
