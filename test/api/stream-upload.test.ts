import { expect, test } from 'bun:test'
import { StreamUpload, type StreamUploadResult } from '../../src/api/stream-upload.ts'
import { maxStreamBytes } from '../../src/core/limits.ts'
import type { BodyEnd } from '../../src/http/exchange.ts'
import { FakeExchange } from '../http/fake.ts'

const complete: BodyEnd = { kind: 'complete', trailers: [] }
const mebibyte = new Uint8Array(1024 * 1024)

/** What takes the pieces only counts them: 200 MiB are sent by one piece of memory. */
function scene(taken: 'taken' | 'dropped' = 'taken') {
  const seen = { begun: 0, bytes: 0, results: [] as StreamUploadResult[] }
  const upload = new StreamUpload(new FakeExchange({ end: null }), {
    begin() {
      seen.begun++
      if (taken === 'dropped') return null
      const write = ({ byteLength }: Uint8Array): boolean => {
        seen.bytes += byteLength
        return true
      }
      return { onDrain: null, write }
    },
    done: (result) => seen.results.push(result),
  })
  const sendLimit = (): void => {
    for (let sent = 0; sent < maxStreamBytes; sent += mebibyte.byteLength) upload.chunk(mebibyte)
  }
  return { upload, seen, sendLimit }
}

test('begins with the first piece, and not without one', () => {
  const empty = scene()
  empty.upload.end(complete)
  expect(empty.seen).toEqual({
    begun: 0,
    bytes: 0,
    results: [{ kind: 'complete', size: 0, chunks: [], trailers: [] }],
  })
  const { upload, seen } = scene()
  upload.chunk(new Uint8Array(3))
  upload.chunk(new Uint8Array(4))
  expect([seen.begun, seen.bytes, seen.results]).toEqual([1, 7, []])
  upload.end({ kind: 'truncated' })
  expect(seen.results).toEqual([{ kind: 'truncated' }])
})

test('takes 200 MiB to the byte', () => {
  const { upload, seen, sendLimit } = scene()
  sendLimit()
  upload.end(complete)
  expect(seen.bytes).toBe(maxStreamBytes)
  expect(seen.results).toEqual([{ kind: 'complete', size: maxStreamBytes, chunks: [], trailers: [] }])
})

test.each(['taken', 'dropped'] as const)(
  'is too large with one byte more, once, also where it is %s',
  (taken) => {
    const { upload, seen, sendLimit } = scene(taken)
    upload.chunk(new Uint8Array(1))
    sendLimit()
    const oversize: StreamUploadResult = {
      kind: 'oversize',
      bytes: maxStreamBytes + 1,
      limit: maxStreamBytes,
    }
    expect(seen.results).toEqual([oversize])
    // the caller has all that may be sent; the rest is read and dropped
    upload.chunk(mebibyte)
    upload.end(complete)
    expect([seen.begun, seen.bytes]).toEqual([1, taken === 'taken' ? maxStreamBytes : 0])
    expect(seen.results).toEqual([oversize])
  },
)
