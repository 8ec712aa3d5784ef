/**
 * Parses HTTP/1.1 replies: by length, in chunks, or up to the end of the connection.
 */

/** One reply, read to its end. */
export interface HttpResponse {
  readonly status: number
  /** By lower-case name; of a repeated header the last. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

type Head = Omit<HttpResponse, 'body'>

const parseHead = (text: string): Head => {
  const [first = '', ...lines] = text.split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { status: Number(first.split(' ')[1]), headers }
}

/** Takes the bytes of a connection and gives back each reply when its last byte has arrived. */
export class HttpResponseParser {
  #head: Head | undefined
  /** Bytes not understood yet. While a body is read by length they stay in pieces: joining each time is quadratic. */
  #pieces: Buffer[] = []
  #size = 0
  /** How many bytes must be here before looking again is worth it. */
  #wanted = 1
  #body: Buffer[] = []

  /** Whether bytes of a reply have arrived that is not complete. */
  get started(): boolean {
    return this.#head !== undefined || this.#size > 0
  }

  push(bytes: Buffer): HttpResponse | undefined {
    this.#pieces.push(bytes)
    this.#size += bytes.length
    return this.#size < this.#wanted ? undefined : this.#parse()
  }

  /** The connection ended; that completes a reply that had no other end. */
  end(): HttpResponse | undefined {
    const head = this.#head
    if (!head || head.headers.has('content-length') || head.headers.has('transfer-encoding')) return undefined
    return this.#complete(head, this.#take(this.#size))
  }

  #parse(): HttpResponse | undefined {
    if (!this.#head) {
      const bytes = this.#join()
      const end = bytes.indexOf('\r\n\r\n')
      if (end < 0) return undefined
      const head = parseHead(bytes.toString('utf8', 0, end))
      this.#take(end + 4)
      // 1xx announces that the reply is still to come.
      if (head.status < 200) return this.#parse()
      this.#head = head
    }
    const { headers, status } = this.#head
    if (status === 204 || status === 304) return this.#complete(this.#head, Buffer.alloc(0))
    if (headers.get('transfer-encoding')?.toLowerCase().endsWith('chunked'))
      return this.#parseChunks(this.#head)
    const length = headers.get('content-length')
    this.#wanted = length === undefined ? Number.POSITIVE_INFINITY : Number(length)
    return this.#size < this.#wanted ? undefined : this.#complete(this.#head, this.#take(this.#wanted))
  }

  #parseChunks(head: Head): HttpResponse | undefined {
    for (;;) {
      const bytes = this.#join()
      const end = bytes.indexOf('\r\n')
      this.#wanted = this.#size + 1
      if (end < 0) return undefined
      const length = Number.parseInt(bytes.toString('latin1', 0, end), 16)
      if (length === 0) {
        const trailers =
          bytes.subarray(end, end + 4).toString('latin1') === '\r\n\r\n' ? end : bytes.indexOf('\r\n\r\n')
        if (trailers < 0) return undefined
        this.#take(trailers + 4)
        return this.#complete(head, Buffer.concat(this.#body))
      }
      this.#wanted = end + 2 + length + 2
      if (this.#size < this.#wanted) return undefined
      this.#body.push(this.#take(this.#wanted).subarray(end + 2, end + 2 + length))
    }
  }

  #join(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0] as Buffer
  }

  #take(count: number): Buffer {
    const bytes = this.#join()
    this.#pieces = [bytes.subarray(count)]
    this.#size -= count
    this.#wanted = 1
    return bytes.subarray(0, count)
  }

  #complete(head: Head, body: Buffer): HttpResponse {
    this.#head = undefined
    this.#body = []
    this.#wanted = 1
    return { ...head, body }
  }
}
