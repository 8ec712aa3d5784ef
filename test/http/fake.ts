/** An exchange without a connection: the test says what came, and sees what was answered. */

import type { BodyEnd, BodyReader, Exchange, Fields, ResponseStream } from '../../src/http/exchange.ts'
import { fieldProblem, firstField, piecesOf } from '../../src/http/fields.ts'

export interface FakeRequest {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  /** the pieces of the body; none is no body */
  readonly body?: string | Uint8Array | readonly Uint8Array[]
  /** how the body ends; null: not yet, see `FakeExchange.end` */
  readonly end?: BodyEnd | null
}

const complete: BodyEnd = { kind: 'complete', trailers: [] }

export class FakeExchange implements Exchange {
  readonly method: string
  readonly target: string
  readonly peer = '127.0.0.1'
  readonly protocol = 'HTTP/1.1'
  readonly headers: Fields
  readonly hasBody: boolean
  gone = false
  onGone: (() => void) | null = null
  paused = false
  reader: BodyReader | null = null
  /** the answer, once there is one */
  answer: FakeAnswer | null = null
  openStream: FakeStream | null = null
  readonly #pieces: readonly Uint8Array[]
  readonly #end: BodyEnd | null
  #told: ((answer: FakeAnswer) => void) | null = null

  constructor({ method = 'POST', target = '/', headers = {}, body, end = complete }: FakeRequest = {}) {
    this.method = method
    this.target = target
    this.#pieces = piecesOf(body)
    this.#end = end
    this.hasBody = body !== undefined || end === null
    this.headers = Object.entries(headers).flat()
  }

  header(name: string): string | null {
    return firstField(this.headers, name)
  }

  read(reader: BodyReader): void {
    this.reader = reader
    for (const piece of this.#pieces) reader.chunk(piece)
    if (this.#end !== null) reader.end(this.#end)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  leave(): void {
    this.gone = true
    this.onGone?.()
  }

  respond(status: number, headers: Fields, body?: Parameters<Exchange['respond']>[2]): boolean {
    const problem = fieldProblem(headers)
    if (problem !== null) throw new TypeError(problem)
    if (this.answer !== null || this.openStream !== null || this.gone) return false
    this.answer = new FakeAnswer(status, headers, Buffer.concat(piecesOf(body)))
    this.#told?.(this.answer)
    return true
  }

  stream(status: number, headers: Fields): ResponseStream | null {
    const problem = fieldProblem(headers)
    if (problem !== null) throw new TypeError(problem)
    if (this.answer !== null || this.openStream !== null || this.gone) return null
    this.openStream = new FakeStream(status, headers)
    return this.openStream
  }

  /** The answer, now or later. */
  answered(): Promise<FakeAnswer> {
    return new Promise((resolve) => {
      if (this.answer !== null) resolve(this.answer)
      else this.#told = resolve
    })
  }
}

/** A payload as text. */
export const textOf = ({ chunks }: { readonly chunks: readonly Uint8Array[] }): string =>
  new TextDecoder().decode(Buffer.concat(chunks))

export class FakeAnswer {
  readonly status: number
  readonly headers: Fields
  readonly bytes: Uint8Array

  constructor(status: number, headers: Fields, bytes: Uint8Array) {
    this.status = status
    this.headers = headers
    this.bytes = bytes
  }

  header(name: string): string | null {
    return firstField(this.headers, name.toLowerCase())
  }

  get text(): string {
    return new TextDecoder().decode(this.bytes)
  }

  json(): unknown {
    return JSON.parse(this.text)
  }
}

export class FakeStream implements ResponseStream {
  readonly status: number
  readonly headers: Fields
  onDrain: (() => void) | null = null
  /** what `write` says */
  fast = true
  readonly pieces: Uint8Array[] = []
  ended: 'complete' | 'aborted' | null = null
  trailers: Fields = []

  constructor(status = 200, headers: Fields = []) {
    this.status = status
    this.headers = headers
  }

  write(bytes: Uint8Array): boolean {
    this.pieces.push(bytes)
    return this.fast
  }

  end(trailers: Fields = []): void {
    this.ended = 'complete'
    this.trailers = trailers
  }

  abort(): void {
    this.ended = 'aborted'
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString()
  }
}
