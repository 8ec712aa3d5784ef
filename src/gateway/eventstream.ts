/**
 * The event stream of InvokeWithResponseStream: each message has its lengths, a checksum of them, headers, a payload,
 * and a checksum of it all. https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html shows the
 * format. Only two kinds of events are written, and none is read. DECISIONS.md says why no library does it.
 */

/** Content type of the answer. */
export const eventStreamType = 'application/vnd.amazon.eventstream'

/** Largest payload of one event, in bytes; longer pieces of a stream are split. */
export const maxEventPayload = 128 * 1024

/** How the invocation ended; absent members are left out. */
export interface InvocationEnd {
  /** the error's type, as the runtime gave it */
  readonly ErrorCode?: string | undefined
  /** the error's document, as text */
  readonly ErrorDetails?: string | undefined
  /** base64 of the last 4 KB of the log */
  readonly LogResult?: string | undefined
}

/** The pieces of a stream as they came, each as one event or as several. */
export function payloadChunks(bytes: Uint8Array): Uint8Array[] {
  const events: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += maxEventPayload) {
    events.push(payloadChunk(bytes.subarray(at, at + maxEventPayload)))
  }
  return events
}

/** All of a buffered response as one event. */
export const payloadChunk = (bytes: Uint8Array): Uint8Array => message(payload, bytes)

/** The last event. */
export const invokeComplete = (end: InvocationEnd): Uint8Array =>
  message(complete, Buffer.from(JSON.stringify(end)))

const text = 7

/** One byte for the length of the name, the name, the kind of value, two bytes for its length, the value. */
function headerBlock(headers: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [
      Buffer.from([name.length]),
      Buffer.from(name),
      Buffer.from([text, value.length >> 8, value.length & 255]),
      Buffer.from(value),
    ]),
  )
}

const eventHeaders = (type: string, contentType: string): Buffer =>
  headerBlock([
    [':event-type', type],
    [':content-type', contentType],
    [':message-type', 'event'],
  ])

const payload = eventHeaders('PayloadChunk', 'application/octet-stream')
const complete = eventHeaders('InvokeComplete', 'application/json')

function message(headers: Buffer, content: Uint8Array): Buffer {
  const start = 12 + headers.length
  const end = start + content.length
  const bytes = Buffer.allocUnsafe(end + 4)
  bytes.writeUInt32BE(bytes.length, 0)
  bytes.writeUInt32BE(headers.length, 4)
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, 8)), 8)
  headers.copy(bytes, 12)
  bytes.set(content, start)
  bytes.writeUInt32BE(Bun.hash.crc32(bytes.subarray(0, end)), end)
  return bytes
}
