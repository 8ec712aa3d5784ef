import { describe, expect, test } from 'bun:test'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { invokeComplete, maxEventPayload, payloadChunks } from '../../src/gateway/eventstream.ts'

/** What the SDK for JavaScript reads with; it checks lengths and both sums. */
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
)

function read(event: Uint8Array) {
  const { headers, body } = codec.decode(event)
  const values = Object.fromEntries(Object.entries(headers).map(([name, { value }]) => [name, value]))
  return { headers: values, body: Buffer.from(body) }
}

const hex = (event: Uint8Array | undefined): string => Buffer.from(event ?? []).toString('hex')
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('events are byte for byte those that were recorded from the service', () => {
  expect(payloadChunks(bytes('Hello world ')).map(hex)).toEqual([
    '000000760000005a980e72ec0b3a6576656e742d7479706507000c5061796c6f61644368756e6b0d3a636f6e74656e742d747970650700186170706c69636174696f6e2f6f637465742d73747265616d0d3a6d6573736167652d747970650700056576656e7448656c6c6f20776f726c642033971fd8',
  ])
  expect(hex(invokeComplete({}))).toBe(
    '00000066000000541f56c8690b3a6576656e742d7479706507000e496e766f6b65436f6d706c6574650d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b7d7006d467',
  )
})

describe('the SDK reads', () => {
  test.each([1, 2, 100, 65_536, maxEventPayload])('a piece of %d bytes as one event', (size) => {
    const piece = Uint8Array.from({ length: size }, (_, at) => at % 251)
    const [event, ...others] = payloadChunks(piece)
    expect(others).toEqual([])
    const { headers, body } = read(event as Uint8Array)
    expect(headers).toEqual({
      ':event-type': 'PayloadChunk',
      ':content-type': 'application/octet-stream',
      ':message-type': 'event',
    })
    expect(body.equals(piece)).toBe(true)
  })

  test('a longer piece as several events', () => {
    const piece = Uint8Array.from({ length: 2 * maxEventPayload + 1 }, (_, at) => at % 253)
    const parts = payloadChunks(piece).map((event) => read(event).body)
    expect(parts.map((part) => part.length)).toEqual([maxEventPayload, maxEventPayload, 1])
    expect(Buffer.concat(parts).equals(piece)).toBe(true)
  })

  test('how the invocation ended', () => {
    const end = { ErrorCode: 'Träger.Error', ErrorDetails: '{"errorMessage":"ä"}', LogResult: 'U1RBUlQ=' }
    const { headers, body } = read(invokeComplete(end))
    expect(headers).toEqual({
      ':event-type': 'InvokeComplete',
      ':content-type': 'application/json',
      ':message-type': 'event',
    })
    expect(JSON.parse(body.toString())).toEqual(end)
    expect(
      JSON.parse(read(invokeComplete({ ErrorCode: 'E', LogResult: undefined })).body.toString()),
    ).toEqual({
      ErrorCode: 'E',
    })
  })
})

test('a piece without bytes is no event', () => {
  expect(payloadChunks(new Uint8Array())).toEqual([])
})
