/** Reads what a caller posts, up to the limit of a request, without looking at it. */

import type { Payload } from '../core/failure.ts'
import { firstValue } from '../core/header.ts'

export type Body = Payload | 'too-large' | 'broken'

/** What an invocation without a body is given: Node's client ends on an empty event. */
export const emptyObject: Blob = new Blob(['{}'])

/** Calls `done` once. A request that announces more than the limit is refused unread. */
export function readBody(request: Request, limit: number, done: (body: Body) => void): void {
  // that it may come twice, as long as it says the same, is Bun's opinion
  const length = firstValue(request.headers, 'content-length')
  const broken = (): void => done('broken')
  if (length !== null) {
    if (Number(length) > limit) done('too-large')
    else request.blob().then((blob) => done(orEmpty(blob)), broken)
  } else if (request.body === null) {
    done(emptyObject)
  } else {
    readChunks(request.body, limit).then(done, broken)
  }
}

const orEmpty = (blob: Blob): Payload => (blob.size === 0 ? emptyObject : blob)

async function readChunks(body: ReadableStream<Uint8Array>, limit: number): Promise<Body> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  for await (const chunk of body as ReadableStream<Uint8Array<ArrayBuffer>>) {
    bytes += chunk.byteLength
    // what comes after the limit is read and dropped, so that the caller can finish and read the answer
    if (bytes <= limit) chunks.push(chunk)
    else chunks.length = 0
  }
  return bytes > limit ? 'too-large' : orEmpty(new Blob(chunks))
}
