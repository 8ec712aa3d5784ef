/**
 * The bridge to hono, for what is rare and has many routes. A request that carries a payload or waits takes the
 * `Exchange` itself.
 */

import { Hono } from 'hono'
import type { BodyReader, Exchange, Fields, ResponseStream } from './exchange.ts'
import { pathOf } from './path.ts'

/** What a route sees besides the request, in `context.env`. */
export interface Origin {
  /** path and query as sent: the address of the request has them without dot segments */
  readonly target: string
  /** IP address of the peer */
  readonly peer: string
}

export type Router = Hono<{ Bindings: Origin }>

/** A router whose routes see the path as it was sent. */
export const createRouter = (): Router =>
  new Hono<{ Bindings: Origin }>({
    getPath: ({ url }, options) => pathOf((options?.env as Origin | undefined)?.target ?? pathIn(url)),
  })

/** Of an address that was made by hand, as tests do. */
const pathIn = (url: string): string => url.slice(url.indexOf('/', url.indexOf('//') + 2))

/** Lets the router answer an exchange; what it throws goes to `failed`. */
export function route(router: Router, exchange: Exchange, failed: (error: unknown) => void): void {
  const { target, peer } = exchange
  const abort = new AbortController()
  exchange.onGone = () => abort.abort()
  const request = requestOf(exchange, abort.signal)
  Promise.resolve(router.fetch(request, { target, peer }))
    .then((response) => send(exchange, response))
    .catch(failed)
}

function requestOf(exchange: Exchange, signal: AbortSignal): Request {
  const { method, target, headers } = exchange
  const body = exchange.hasBody && method !== 'GET' && method !== 'HEAD' ? bodyOf(exchange) : null
  const all = new Headers()
  for (let index = 0; index < headers.length; index += 2) {
    all.append(headers[index] as string, headers[index + 1] as string)
  }
  const path = target.startsWith('/') ? target : '/'
  // the name is nobody's; which one was asked for stands in the headers
  return new Request(`http://emulator${path}`, { method, headers: all, body, signal })
}

/** Pieces that a stream may hold before its sender is asked to wait. */
const heldBytes = 262_144

function bodyOf(exchange: Exchange): ReadableStream<Uint8Array> {
  let paused = false
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const reader: BodyReader = {
          chunk(bytes) {
            controller.enqueue(bytes)
            if ((controller.desiredSize ?? 1) > 0 || paused) return
            paused = true
            exchange.pause()
          },
          end(end) {
            if (end.kind === 'complete') controller.close()
            else controller.error(new Error('the body of the request broke off'))
          },
        }
        exchange.read(reader)
      },
      pull() {
        if (!paused) return
        paused = false
        exchange.resume()
      },
    },
    { highWaterMark: heldBytes, size: (piece) => piece?.byteLength ?? 0 },
  )
}

/** Answers with what a route gave: in one piece if it is there, else as it comes. */
async function send(exchange: Exchange, response: Response): Promise<void> {
  const { status, body } = response
  const fields = fieldsOf(response.headers)
  if (body === null) {
    exchange.respond(status, fields)
    return
  }
  const reader = body.getReader()
  const first = await reader.read()
  const next = reader.read()
  const all = first.done || (await Promise.race([next.then(({ done }) => done), turn()]))
  if (all) {
    exchange.respond(status, fields, first.value ?? [])
    return
  }
  const stream = exchange.stream(status, fields)
  if (stream === null) {
    await reader.cancel()
    return
  }
  exchange.onGone = () => {
    // one that has failed says so to whoever reads it
    reader.cancel().catch(() => {})
    stream.onDrain?.()
  }
  await pipe(stream, reader, first.value, next)
}

/** One turn of the event loop: what a route had ready is read by then. */
const turn = (): Promise<false> => new Promise((resolve) => setImmediate(() => resolve(false)))

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>

async function pipe(
  stream: ResponseStream,
  reader: Reader,
  first: Uint8Array | undefined,
  second: ReturnType<Reader['read']>,
): Promise<void> {
  try {
    if (first !== undefined) await write(stream, first)
    for (let read = await second; !read.done; read = await reader.read()) await write(stream, read.value)
    stream.end()
  } catch (error) {
    stream.abort()
    throw error
  }
}

function write(stream: ResponseStream, bytes: Uint8Array): Promise<void> | undefined {
  if (stream.write(bytes)) return undefined
  return new Promise((resolve) => {
    stream.onDrain = resolve
  })
}

function fieldsOf(headers: Headers): Fields {
  const fields: string[] = []
  // cookies come one by one
  for (const [name, value] of headers) fields.push(spelled(name), value)
  return fields
}

/** As AWS spells the names of headers, which shell runtimes grep for: `Headers` has them in lower case. */
const spelled = (name: string): string =>
  exceptions[name] ?? name.replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase())

const exceptions: Readonly<Record<string, string>> = {
  'x-amzn-requestid': 'x-amzn-RequestId',
  'x-amzn-errortype': 'x-amzn-ErrorType',
}
