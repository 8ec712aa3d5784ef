/** The answer of InvokeWithResponseStream, read by the SDK's own code. */
import { EventStreamCodec } from '@smithy/eventstream-codec'

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
)

export interface StreamEvent {
  readonly type: unknown
  readonly body: Buffer
}

/** All events of a body. Throws where one is cut, or its checksum is wrong. */
export function eventsIn(body: Buffer): StreamEvent[] {
  const events: StreamEvent[] = []
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at)
    const { headers, body: content } = codec.decode(body.subarray(at, at + length))
    events.push({ type: headers[':event-type']?.value, body: Buffer.from(content) })
    at += length
  }
  return events
}

/** The pieces together, and what the last event says. Throws where it is not the last one, or is missing. */
export function readStream(body: Buffer): {
  readonly bytes: Buffer
  readonly end: Readonly<Record<string, string>>
} {
  const events = eventsIn(body)
  const last = events.pop()
  if (last?.type !== 'InvokeComplete') throw new Error(`the last event is ${String(last?.type)}`)
  const other = events.find(({ type }) => type !== 'PayloadChunk')
  if (other !== undefined) throw new Error(`an event is ${String(other.type)}`)
  return { bytes: Buffer.concat(events.map(({ body }) => body)), end: JSON.parse(last.body.toString()) }
}
