/**
 * The Runtime API as its client sees it: poll, answer, fail.
 */

import { Connection, ConnectionLost, type HttpResponse, type RuntimeApiAddress } from './connection.ts'
import { type ErrorDocument, errorDocument } from './errors.ts'

/** The emulator no longer listens: the process has nothing left to serve. */
export class RuntimeApiGone extends Error {
  override readonly name = 'RuntimeApiGone'
}

/** Connections that may end without an answer before a request is given up. */
const attempts = 3

/** By name; of a repeated one, all. */
type Headers = Readonly<Record<string, string | readonly string[]>>

// A header cannot carry what an error may be named; the document has the real name.
const typeHeader = ({ errorType }: ErrorDocument) => ({
  'Lambda-Runtime-Function-Error-Type': errorType.replace(/[^\x20-\x7e]/g, '?'),
})

/** One client: polls and answers share a connection, streams and last words have their own. */
export class RuntimeApiClient {
  readonly #address: RuntimeApiAddress
  #shared: Promise<Connection>

  /** Begins to connect, so that this and the loading of the handler overlap. */
  constructor(address: RuntimeApiAddress) {
    this.#address = address
    this.#shared = this.connect()
    this.#shared.catch(() => {})
  }

  /** A client of the same API with a connection of its own. */
  another(): RuntimeApiClient {
    return new RuntimeApiClient(this.#address)
  }

  /** Waits for the next invocation. */
  async next(): Promise<HttpResponse> {
    const reply = await this.#exchange(this.#request('GET', '/invocation/next'))
    if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body.toString().trim()}`)
    return reply
  }

  /** Answers an invocation. A refusal comes back as the reply, a lost connection as `undefined`. */
  respond(requestId: string, body: string): Promise<HttpResponse | undefined> {
    return this.#post(`/invocation/${encodeURIComponent(requestId)}/response`, body)
  }

  /** Reports that an invocation failed. */
  fail(requestId: string, thrown: unknown): Promise<HttpResponse | undefined> {
    const document = errorDocument(thrown)
    // As AWS's client, which names no type of the function's own here: what is no type of the runtime's would be
    // taken for an unknown failure of it.
    const headers = document.errorType.startsWith('Runtime.') ? typeHeader(document) : {}
    return this.#post(`/invocation/${encodeURIComponent(requestId)}/error`, JSON.stringify(document), headers)
  }

  /** Reports an error as the last thing before the end; of the init when there is no invocation. */
  async lastWords(requestId: string | undefined, thrown: unknown): Promise<void> {
    // The shared connection may carry a poll that is never answered.
    this.#shared = this.connect()
    const posted = requestId ? this.fail(requestId, thrown) : this.#failInit(errorDocument(thrown))
    await posted.catch(() => {})
  }

  /** A connection of its own, for a stream. */
  async connect(): Promise<Connection> {
    try {
      return await Connection.open(this.#address)
    } catch (error) {
      throw new RuntimeApiGone((error as Error).message)
    }
  }

  /** The first lines of a streamed answer. */
  streamHead(requestId: string, headers: Headers): Buffer {
    const path = `/invocation/${encodeURIComponent(requestId)}/response`
    return this.#request('POST', path, { ...headers, 'Transfer-Encoding': 'chunked' })
  }

  async #usable() {
    const shared = await this.#shared
    if (shared.usable) return shared
    shared.close()
    this.#shared = this.connect()
    return this.#shared
  }

  #failInit(document: ErrorDocument) {
    return this.#post('/init/error', JSON.stringify(document), typeHeader(document))
  }

  async #post(path: string, body: string, headers: Record<string, string> = {}) {
    const all = { ...headers, 'Content-Type': 'application/json' }
    try {
      return await this.#exchange(this.#request('POST', path, all, body))
    } catch (error) {
      if (error instanceof ConnectionLost) return undefined
      throw error
    }
  }

  /** Sends a request, again when it met the end of an idle connection: what comes twice is refused by its id. */
  async #exchange(request: Buffer): Promise<HttpResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const connection = await this.#usable()
      try {
        return await connection.exchange(request)
      } catch (error) {
        const again = error instanceof ConnectionLost && !error.answering && attempt < attempts
        if (!again) throw error
      }
    }
  }

  #request(method: string, path: string, headers: Headers = {}, body?: string) {
    const { host, port } = this.#address
    const lines = [`${method} /2018-06-01/runtime${path} HTTP/1.1`]
    lines.push(`Host: ${host.includes(':') ? `[${host}]` : host}:${port}`)
    for (const [name, values] of Object.entries(headers)) {
      for (const value of [values].flat()) lines.push(`${name}: ${value}`)
    }
    if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`)
  }
}
