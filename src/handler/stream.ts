/**
 * Runs a handler that writes its answer piece by piece (`awslambda.streamifyResponse`).
 *
 * The connection is opened by the first byte. An error before that is an ordinary one and goes to `/error`; after
 * it only trailers can say so.
 */

import type { Writable } from 'node:stream'
import { isThenable } from './buffered.ts'
import type { Connection, Reply } from './connection.ts'
import type { Context } from './context.ts'
import { errorDocument, RuntimeError } from './errors.ts'
import { onIdle } from './idle.ts'
import type { Handler } from './load.ts'
import type { RuntimeApi } from './runtime-api.ts'

const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type'
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body'

/** What a streaming handler writes to. */
export type ResponseStream = Writable & {
  setContentType(type: string): void
  /** The hook by which `HttpResponseStream.from` puts its prelude before everything else. */
  _onBeforeFirstWrite?: (write: (chunk: string | Uint8Array) => void) => void
}

/** The request that carries a streamed answer. */
class StreamedAnswer {
  readonly #api: RuntimeApi
  readonly #requestId: string
  #connection: Promise<Connection> | undefined
  contentType = 'application/octet-stream'
  failure: { readonly error: unknown } | undefined

  constructor(api: RuntimeApi, requestId: string) {
    this.#api = api
    this.#requestId = requestId
  }

  get begun(): boolean {
    return this.#connection !== undefined
  }

  async write(chunk: Buffer): Promise<void> {
    const connection = await this.#begin()
    // A chunk of no bytes would end the body.
    if (chunk.length === 0) return
    const size = Buffer.from(`${chunk.length.toString(16)}\r\n`)
    await connection.send(Buffer.concat([size, chunk, Buffer.from('\r\n')]))
  }

  async end(): Promise<Reply> {
    const connection = await this.#begin()
    await connection.send(Buffer.from(`0\r\n${this.#trailers()}\r\n`))
    try {
      return await connection.reply()
    } finally {
      connection.close()
    }
  }

  #trailers() {
    if (!this.failure) return ''
    const document = errorDocument(this.failure.error)
    const body = Buffer.from(JSON.stringify(document)).toString('base64')
    return `${ERROR_TYPE}: ${document.errorType.replace(/[^\x20-\x7e]/g, '?')}\r\n${ERROR_BODY}: ${body}\r\n`
  }

  #begin() {
    this.#connection ??= this.#open()
    return this.#connection
  }

  async #open() {
    const connection = await this.#api.connect()
    const headers = {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Content-Type': this.contentType.replace(/[\r\n]/g, ' '),
      Trailer: `${ERROR_TYPE}, ${ERROR_BODY}`,
    }
    await connection.send(this.#api.streamHead(this.#requestId, headers))
    return connection
  }
}

const toBuffer = (chunk: unknown, encoding?: BufferEncoding) => {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding)
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  return Buffer.from(JSON.stringify(chunk) ?? 'null')
}

type Settle = { resolve(reply: Reply): void; reject(error: unknown): void }

/** Loads node's streams only now: other handlers should not pay for them at every cold start. */
const createStream = async (answer: StreamedAnswer, settle: Settle, highWaterMark: number | undefined) => {
  const { Writable } = await import('node:stream')
  let touched = false
  const prelude = () => {
    if (touched) return Buffer.alloc(0)
    touched = true
    const parts: Buffer[] = []
    stream._onBeforeFirstWrite?.((chunk) => parts.push(toBuffer(chunk)))
    return Buffer.concat(parts)
  }
  const stream = new Writable({
    ...(highWaterMark && { highWaterMark }),
    write: (chunk: Buffer, _, done) => {
      answer.write(Buffer.concat([prelude(), chunk])).then(() => done(), done)
    },
    final: (done) => {
      const ended = answer.write(prelude()).then(() => answer.end())
      ended.then(settle.resolve).then(() => done(), done)
    },
  }) as ResponseStream
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  // A handler may write any value, as to AWS's stream; node's accepts only bytes and text.
  stream.write = (chunk: unknown, ...rest: unknown[]) =>
    write(typeof chunk === 'string' ? chunk : toBuffer(chunk), ...rest)
  stream.setContentType = (type) => {
    if (touched) throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.')
    answer.contentType = type
  }
  stream.on('error', settle.reject)
  stream.on('close', () => settle.reject(new Error('Response stream is not finished.')))
  return stream
}

/** How a streamed invocation ended: with a reply, or with an error that has or has not been told to the caller. */
export type StreamResult =
  | { readonly state: 'answered'; readonly reply: Reply }
  | { readonly state: 'failed'; readonly error: unknown; readonly begun: boolean }

/** Runs one invocation; an error is reported in trailers if the answer has begun, else left to the caller. */
export const runStreaming = async (
  api: RuntimeApi,
  handler: Handler,
  event: unknown,
  context: Context,
  highWaterMark: number | undefined,
): Promise<StreamResult> => {
  const answer = new StreamedAnswer(api, context.awsRequestId)
  const { promise: replied, ...settle } = Promise.withResolvers<Reply>()
  replied.catch(() => {})
  const stream = await createStream(answer, settle, highWaterMark)
  try {
    onIdle(() => settle.reject(new Error('Response stream is not finished.')))
    const returned = handler(event, stream, context)
    if (!isThenable(returned)) throw new Error('Streaming does not support non-async handlers.')
    // A handler may never return once its stream has failed.
    const broken = replied.then(() => returned)
    if ((await Promise.race([returned, broken])) !== undefined) {
      console.warn('Streaming handlers ignore return values.')
    }
    return { state: 'answered', reply: await replied }
  } catch (error) {
    if (answer.begun) await endWith(error, answer, stream)
    return { state: 'failed', error, begun: answer.begun }
  } finally {
    onIdle(undefined)
  }
}

/** Lets out what was written, then the trailers. A handler that broke its stream has nothing left to let out. */
const endWith = async (error: unknown, answer: StreamedAnswer, stream: ResponseStream) => {
  answer.failure = { error }
  if (stream.destroyed) return void (await answer.end().catch(() => {}))
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('close', resolve)
  if (!stream.writableEnded) stream.end()
  await promise
}
