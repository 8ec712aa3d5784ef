/**
 * Reads what a runtime posts, up to the limit of a response. Bytes are neither copied nor looked at.
 */

import { maxResponseBytes } from '../core/failure.ts'
import { firstValue } from '../core/header.ts'
import type { Received } from '../core/lifecycle.ts'

/** Only a streamed response decides the type that its caller sees. */
const streamedType = (request: Request): string | null =>
  firstValue(request.headers, 'lambda-runtime-function-response-mode') === 'streaming'
    ? (request.headers.get('content-type') ?? 'application/octet-stream')
    : null

/**
 * Calls `done` once: an upload that breaks off is `truncated`. A callback and not a promise, because this is on the
 * way of every invocation.
 */
export function receive(request: Request, done: (received: Received) => void): void {
  const announced = request.headers.get('content-length')
  const broken = (): void => done({ kind: 'truncated' })
  if (announced !== null && Number(announced) <= maxResponseBytes) {
    const contentType = streamedType(request)
    request.blob().then((payload) => done({ kind: 'complete', payload, contentType }), broken)
  } else {
    receiveUnknown(request).then(done, broken)
  }
}

/**
 * A chunked or oversize body: what is over the limit is counted and dropped, so that the runtime can finish sending
 * and read its 413.
 *
 * Trailers mean an error of a response stream, but the listener sees only that they came: what follows the body is
 * taken for a bad request, and the signal of this request fires within one turn of the event loop.
 */
async function receiveUnknown(request: Request): Promise<Received> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  if (request.body !== null) {
    for await (const chunk of request.body as ReadableStream<Uint8Array<ArrayBuffer>>) {
      bytes += chunk.byteLength
      if (bytes <= maxResponseBytes) chunks.push(chunk)
      else chunks.length = 0
    }
  }
  if (bytes > maxResponseBytes) return { kind: 'oversize', bytes }
  const payload = new Blob(chunks)
  if (request.headers.get('trailer') !== null) {
    await new Promise((resolve) => setImmediate(resolve))
    if (request.signal.aborted) {
      return { kind: 'trailers', payload: bytes === 0 ? null : payload, contentType: streamedType(request) }
    }
  }
  return { kind: 'complete', payload, contentType: streamedType(request) }
}
