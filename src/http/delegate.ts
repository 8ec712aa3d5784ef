/** An exchange that hands everything on to another one; what it is to do differently, a class on top of it says. */

import type { Body, BodyReader, Exchange, Fields, ResponseStream } from './exchange.ts'

export class DelegatingExchange implements Exchange {
  protected readonly inner: Exchange

  constructor(inner: Exchange) {
    this.inner = inner
  }

  get method(): string {
    return this.inner.method
  }
  get target(): string {
    return this.inner.target
  }
  get peer(): string {
    return this.inner.peer
  }
  get protocol(): string {
    return this.inner.protocol
  }
  get headers(): Fields {
    return this.inner.headers
  }
  get hasBody(): boolean {
    return this.inner.hasBody
  }
  get gone(): boolean {
    return this.inner.gone
  }
  get onGone(): (() => void) | null {
    return this.inner.onGone
  }
  set onGone(told: (() => void) | null) {
    this.inner.onGone = told
  }

  header(name: string): string | null {
    return this.inner.header(name)
  }

  read(reader: BodyReader): void {
    this.inner.read(reader)
  }

  pause(): void {
    this.inner.pause()
  }

  resume(): void {
    this.inner.resume()
  }

  respond(status: number, headers: Fields, body?: Body): boolean {
    return this.inner.respond(status, headers, body)
  }

  stream(status: number, headers: Fields): ResponseStream | null {
    return this.inner.stream(status, headers)
  }
}

/** Adds these headers to whatever is answered. */
export class FieldsExchange extends DelegatingExchange {
  readonly #fields: Fields

  constructor(inner: Exchange, fields: Fields) {
    super(inner)
    this.#fields = fields
  }

  override respond(status: number, headers: Fields, body?: Body): boolean {
    return this.inner.respond(status, [...headers, ...this.#fields], body)
  }

  override stream(status: number, headers: Fields): ResponseStream | null {
    return this.inner.stream(status, [...headers, ...this.#fields])
  }
}
