/** Reads AWS's event stream, as InvokeWithResponseStream answers in it, with the library of the SDK for JavaScript. */

import { EventStreamCodec } from '@smithy/eventstream-codec'

const text = new TextDecoder()
const codec = new EventStreamCodec(
  (bytes) => text.decode(bytes),
  (string) => new TextEncoder().encode(string),
)

/** One message of a stream. */
export type Message = ReturnType<typeof codec.decode>

/** Cuts the stream into messages: each begins with its length in four bytes, big-endian. Throws when it breaks off. */
export async function* messages(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Message> {
  let rest = new Uint8Array()
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? new Uint8Array(chunk) : Buffer.concat([rest, chunk])
    for (;;) {
      if (rest.length < 4) break
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0)
      if (rest.length < length) break
      yield codec.decode(rest.subarray(0, length))
      rest = rest.subarray(length)
    }
  }
  if (rest.length > 0) throw new Error('the answer broke off in the middle of a message')
}
