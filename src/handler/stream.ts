/**
 * Runs a handler that writes its answer piece by piece (`awslambda.streamifyResponse`), with the bytes on the wire that
 * AWS's client for Node.js sends (4.0.2 was compared, case by case; `test/handler/ric.test.ts` does it again).
 *
 * The connection is opened by the first byte, or by the end. Every error goes into trailers, also one before the first
 * byte. Where AWS's client would hang until the time is over, or end (an answer that is never ended, a stream that was
 * destroyed), there is an error here.
 */

import type { Writable } from 'node:stream'
import { isThenable } from './buffered.ts'
import type { Connection, HttpResponse } from './connection.ts'
import type { Context } from './context.ts'
import { errorDocument, RuntimeError } from './errors.ts'
import { onIdle } from './idle.ts'
import type { Handler } from './load.ts'
import type { RuntimeApiClient } from './runtime-api-client.ts'

const errorTypeTrailer = 'Lambda-Runtime-Function-Error-Type'
const errorBodyTrailer = 'Lambda-Runtime-Function-Error-Body'

/** What a streaming handler writes to. */
export type HandlerResponseStream = Writable & {
  setContentType(type: string): void
  /** The hook by which `HttpResponseStream.from` puts its prelude before everything else. */
  _onBeforeFirstWrite?: (write: (chunk: string | Uint8Array) => void) => void
}

/** The request that carries a streamed answer. */
class StreamedAnswer {
  readonly #api: RuntimeApiClient
  readonly #requestId: string
  #connection: Promise<Connection> | undefined
  contentType = 'application/octet-stream'
  failure: { readonly error: unknown } | undefined

  constructor(api: RuntimeApiClient, requestId: string) {
    this.#api = api
    this.#requestId = requestId
  }

  async write(chunk: Buffer): Promise<void> {
    const connection = await this.#begin()
    // A chunk of no bytes would end the body.
    if (chunk.length === 0) return
    const size = Buffer.from(`${chunk.length.toString(16)}\r\n`)
    await connection.send(Buffer.concat([size, chunk, Buffer.from('\r\n')]))
  }

  async end(): Promise<HttpResponse> {
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
    return `${errorTypeTrailer}: ${document.errorType.replace(/[^\x20-\x7e]/g, '?')}\r\n${errorBodyTrailer}: ${body}\r\n`
  }

  #begin() {
    this.#connection ??= this.#open()
    return this.#connection
  }

  async #open() {
    const connection = await this.#api.connect()
    const headers = {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Content-Type': this.contentType,
      Trailer: [errorBodyTrailer, errorTypeTrailer],
    }
    await connection.send(this.#api.streamHead(this.#requestId, headers))
    return connection
  }
}

/** What is written becomes bytes, or text; any other value its JSON, as by AWS's stream. */
const toChunk = (chunk: unknown): unknown => {
  // the words of AWS's stream, which trips over these two
  if (chunk === null || chunk === undefined) {
    throw new TypeError(`Cannot read properties of ${chunk} (reading 'length')`)
  }
  return typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk)
}

/** Node's check of a header, in its words. */
const checkContentType = (type: unknown): string => {
  const fail = (code: string, message: string): never => {
    const error = Object.assign(new TypeError(message), { code })
    throw Object.assign(error, { stack: error.stack?.replace('TypeError', `TypeError [${code}]`) })
  }
  if (type === undefined) {
    return fail('ERR_HTTP_INVALID_HEADER_VALUE', 'Invalid value "undefined" for header "Content-Type"')
  }
  if (/[^\t\x20-\x7e\x80-\xff]/.test(String(type))) {
    return fail('ERR_INVALID_CHAR', 'Invalid character in header content ["Content-Type"]')
  }
  return String(type)
}

const preludeLost =
  'HttpResponseStream: status and headers are lost, because end() was called before any write(). ' +
  'On Lambda too: write before you end, if only an empty text.'

interface Settle {
  resolve(reply: HttpResponse): void
  reject(error: unknown): void
}

/** Loads node's streams only now: other handlers should not pay for them at every cold start. */
const createStream = async (answer: StreamedAnswer, settle: Settle, highWaterMark: number | undefined) => {
  const { Writable } = await import('node:stream')
  let touched = false
  const stream = new Writable({
    ...(highWaterMark && { highWaterMark }),
    write: (chunk: Buffer, _, done) => {
      answer.write(chunk).then(() => done(), done)
    },
    final: (done) => {
      if (stream._onBeforeFirstWrite && !touched && !answer.failure) console.warn(preludeLost)
      answer
        .end()
        .then(settle.resolve)
        .then(() => done(), done)
    },
  }) as HandlerResponseStream
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (chunk: unknown, ...rest: unknown[]) => {
    const checked = toChunk(chunk)
    if (!touched) {
      touched = true
      stream._onBeforeFirstWrite?.((first) => write(toChunk(first)))
    }
    return write(checked, ...rest)
  }
  const end = stream.end.bind(stream) as (...args: unknown[]) => HandlerResponseStream
  // Whoever waits for `finish` is called before who waits for the end, in the order in which they asked.
  stream.end = ((...args: unknown[]) => {
    const called = args.at(-1)
    if (typeof called === 'function') stream.once('finish', args.pop() as () => void)
    return end(...args)
  }) as HandlerResponseStream['end']
  stream.setContentType = (type) => {
    if (touched) throw new RuntimeError('InvalidStreamingOperation', 'Cannot set content-type, too late.')
    answer.contentType = checkContentType(type)
  }
  stream.on('error', settle.reject)
  stream.on('close', () => settle.reject(new Error('Response stream is not finished.')))
  return stream
}

/** How a streamed invocation ended; of an error the caller has been told, unless the answer had been ended before. */
export type StreamResult =
  | { readonly state: 'answered'; readonly reply: HttpResponse }
  | { readonly state: 'failed'; readonly error: unknown }

/** Runs one invocation to the end of its answer. */
export const runStreaming = async (
  api: RuntimeApiClient,
  handler: Handler,
  event: unknown,
  context: Context,
  highWaterMark: number | undefined,
): Promise<StreamResult> => {
  const answer = new StreamedAnswer(api, context.awsRequestId)
  const { promise: replied, ...settle } = Promise.withResolvers<HttpResponse>()
  replied.catch(() => {})
  const stream = await createStream(answer, settle, highWaterMark)
  // A callback has no place beside a stream.
  Reflect.deleteProperty(context, 'callbackWaitsForEmptyEventLoop')
  let broken = false
  replied.catch(() => {
    broken = true
  })
  try {
    onIdle(() => settle.reject(new Error('Response stream is not finished.')))
    const returned = handler(event, stream, context)
    if (!isThenable(returned)) throw new Error('Streaming does not support non-async handlers.')
    // A handler may never return once its stream has failed.
    const ended = replied.then(() => returned)
    if ((await Promise.race([returned, ended])) !== undefined) {
      console.warn('Streaming handlers ignore return values.')
    }
    return { state: 'answered', reply: await replied }
  } catch (error) {
    await endWith(error, answer, stream, broken)
    return { state: 'failed', error }
  } finally {
    onIdle(undefined)
  }
}

/**
 * Lets out what was written, then the trailers. Of what a handler throws behind the end of its answer nobody is told, as
 * by AWS's client; of a stream that broke the caller is, and there is nothing left to let out.
 */
const endWith = async (
  error: unknown,
  answer: StreamedAnswer,
  stream: HandlerResponseStream,
  broken: boolean,
): Promise<void> => {
  if (broken || !stream.writableEnded) answer.failure = { error }
  if (stream.destroyed) return void (await answer.end().catch(() => {}))
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.once('close', resolve)
  if (!stream.writableEnded) stream.end()
  await promise
}
