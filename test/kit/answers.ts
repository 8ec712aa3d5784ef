/** HTTP/1.1 as bytes: requests that may be cut anywhere, and answers counted out of a stream of chunks. */

export interface Answer {
  readonly status: number
  /** status line and headers */
  readonly head: string
  readonly body: Buffer
}

export function header(answer: Answer, name: string): string | null {
  const found = answer.head.match(new RegExp(`\r\n${name}: *([^\r]*)`, 'i'))
  return found === null ? null : (found[1] as string)
}

type Headers = Readonly<Record<string, string>>

/** A whole request; a body is announced by its length unless the headers say otherwise. */
export function message(
  method: string,
  path: string,
  body: string | Uint8Array | null = null,
  headers: Headers = {},
): Buffer {
  const bytes = body === null ? Buffer.alloc(0) : Buffer.from(body as string)
  let head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  const framed = 'Transfer-Encoding' in headers || 'Content-Length' in headers
  if (body !== null && !framed) head += `Content-Length: ${bytes.byteLength}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), bytes])
}

/** A body in chunks of that size, with or without the end. */
export function chunked(body: Uint8Array, size: number, end = '0\r\n\r\n'): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0; at < body.byteLength; at += size) {
    const piece = body.subarray(at, at + size)
    parts.push(Buffer.from(`${piece.byteLength.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from(end)])
}

/** Counts answers out of what one connection sends. Each is taken once, in order. */
export class Answers {
  readonly #answers: Answer[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  /** bytes that the first unfinished answer needs at least; below it there is no point in looking */
  #needed = 0
  #ended = false
  #waiting: ((answer: Answer | null) => void)[] = []
  #watchers: (() => void)[] = []
  /** answers that have been counted so far */
  count = 0
  /** whether the answers to HEAD requests, which have no body, are expected */
  bodiless = false

  push(chunk: Uint8Array): void {
    this.#chunks.push(Buffer.from(chunk))
    this.#bytes += chunk.byteLength
    if (this.#bytes >= this.#needed) this.#parse()
  }

  end(): void {
    this.#ended = true
    this.#parse()
    for (const wake of this.#waiting.splice(0)) wake(null)
    for (const wake of this.#watchers.splice(0)) wake()
  }

  /** Bytes that belong to no complete answer. */
  get rest(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** An answer is there to be taken. */
  get waiting(): boolean {
    return this.#answers.length > 0
  }

  get ended(): boolean {
    return this.#ended
  }

  /** The next answer; null when the peer closed the connection without one. */
  next(): Promise<Answer | null> {
    const ready = this.#answers.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    if (this.#ended) return Promise.resolve(null)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Settles when there is an answer to take, or never will be. */
  async ready(): Promise<void> {
    while (this.#answers.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#watchers.push(resolve)
      await promise
    }
  }

  /** The next answer, left where it is. */
  async peek(): Promise<Answer | null> {
    await this.ready()
    return this.#answers[0] ?? null
  }

  #parse(): void {
    let bytes = Buffer.concat(this.#chunks)
    for (;;) {
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) break
      const head = bytes.toString('latin1', 0, end)
      const status = Number(head.slice(9, 12))
      const found = bodyAt(head, status, bytes, end + 4, this.#ended, this.bodiless)
      if (typeof found === 'number') {
        this.#needed = found
        break
      }
      this.#needed = 0
      bytes = bytes.subarray(found.end)
      if (status >= 200) this.#arrived({ status, head, body: found.body })
    }
    this.#chunks = bytes.byteLength === 0 ? [] : [bytes]
    this.#bytes = bytes.byteLength
  }

  #arrived(answer: Answer): void {
    this.count++
    const wake = this.#waiting.shift()
    if (wake === undefined) this.#answers.push(answer)
    else wake(answer)
    for (const watcher of this.#watchers.splice(0)) watcher()
  }
}

/** The body that begins there and where it ends, or how many bytes there must be before it is worth looking again. */
export function bodyAt(
  head: string,
  status: number,
  bytes: Buffer,
  start: number,
  ended: boolean,
  bodiless: boolean,
): { readonly body: Buffer; readonly end: number } | number {
  const none = { body: Buffer.alloc(0), end: start }
  if (status < 200 || status === 204 || status === 304 || bodiless) return none
  const length = head.match(/\r\ncontent-length: *(\d+)/i)?.[1]
  if (length !== undefined) {
    const end = start + Number(length)
    return bytes.byteLength < end ? end : { body: Buffer.from(bytes.subarray(start, end)), end }
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) {
    return ended ? { body: bytes.subarray(start), end: bytes.byteLength } : bytes.byteLength + 1
  }
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return bytes.byteLength + 1
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const next = line + 2 + size + 2
    if (next > bytes.byteLength) return next
    if (size === 0) return { body: Buffer.concat(parts), end: next }
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = next
  }
}
