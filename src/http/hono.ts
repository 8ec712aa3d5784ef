/**
 * The bridge to hono, for what is rare and has many routes. A request that carries a payload or waits takes the
 * `Exchange` itself.
 */

import { Hono } from 'hono'
import type { Exchange, Fields, ResponseStream } from './exchange.ts'
import { pathOf } from './path.ts'

/** What a route sees besides the request, in `context.env`. */
export interface Origin {
  /** path and query as sent: the address of the request has them without dot segments */
  readonly target: string
  /** IP address of the peer */
  readonly peer: string
  /** for a route that reads the body by itself, as long as it has not asked the request for it */
  readonly exchange: Exchange
}

export type Router = Hono<{ Bindings: Origin }>

/** A router whose routes see the path as it was sent. */
export function createRouter(): Router {
  const router: Router = new Hono<{ Bindings: Origin }>({
    // an address that was made by hand, as tests do, comes without an origin
    getPath: ({ url }, options) => pathOf((options?.env as Partial<Origin> | undefined)?.target ?? url),
  })
  // hono's own handler would print the error, and answer a text of its own
  return router.onError((error) => {
    throw error
  })
}

/** Lets the router answer an exchange. What it throws goes to `failed`, unless the peer has gone. */
export function route(router: Router, exchange: Exchange, failed: (error: unknown) => void): void {
  const { target, peer } = exchange
  const abort = new AbortController()
  exchange.onGone = () => abort.abort()
  const request = requestOf(exchange, abort.signal)
  Promise.try(() => router.fetch(request, { target, peer, exchange }))
    .then(
      (response) => send(exchange, response),
      (error) => {
        // a route that waits for the rest of a body fails when the peer goes away: nobody is there to be answered
        if (!exchange.gone) throw error
      },
    )
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

/** Bytes that wait for a route before their sender is asked to wait. */
const heldBytes = 262_144

/** The body, which is read when the route first asks for it. */
function bodyOf(exchange: Exchange): ReadableStream<Uint8Array> {
  let reading = false
  let paused = false
  function start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    reading = true
    exchange.read({
      chunk(bytes) {
        controller.enqueue(bytes)
        if ((controller.desiredSize ?? 0) > -heldBytes || paused) return
        paused = true
        exchange.pause()
      },
      end(end) {
        if (end.kind === 'complete') controller.close()
        else controller.error(new Error('the body of the request broke off'))
      },
    })
  }
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!reading) start(controller)
        if (!paused) return
        paused = false
        exchange.resume()
      },
    },
    { highWaterMark: 0, size: (piece) => piece?.byteLength ?? 0 },
  )
}

/**
 * Answers with what a route gave: a stream of events as it comes, all else in one piece. What is there already goes out
 * before the event loop turns, so that a peer that has ended its half is still answered.
 */
async function send(exchange: Exchange, response: Response): Promise<void> {
  const { status, headers, body } = response
  const fields = fieldsOf(headers)
  if (body === null || !headers.get('content-type')?.startsWith('text/event-stream')) {
    exchange.respond(status, fields, body === null ? [] : await response.bytes())
    return
  }
  const stream = exchange.stream(status, fields)
  if (stream === null) {
    await body.cancel()
    return
  }
  const reader = body.getReader()
  exchange.onGone = () => {
    // one that has failed says so to whoever reads it
    reader.cancel().catch(() => {})
    stream.onDrain?.()
  }
  await pipe(stream, reader)
}

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, 'read'>

async function pipe(stream: ResponseStream, reader: Reader): Promise<void> {
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read())
      await write(stream, read.value)
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
