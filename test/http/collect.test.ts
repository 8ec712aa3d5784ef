import { describe, expect, test } from 'bun:test'
import { type Collected, collect, joined } from '../../src/http/collect.ts'
import type { BodyEnd } from '../../src/http/exchange.ts'
import { FakeExchange } from './fake.ts'

const limit = 100_000

function gather(pieces: readonly (number | Uint8Array)[], end?: BodyEnd): Collected {
  const body = pieces.map((piece) => (typeof piece === 'number' ? new Uint8Array(piece).fill(piece) : piece))
  const results: Collected[] = []
  collect(new FakeExchange({ body, ...(end && { end }) }), limit, (collected) => results.push(collected))
  expect(results).toHaveLength(1)
  return results[0] as Collected
}

const whole = (collected: Collected): Uint8Array => {
  if (collected.kind !== 'complete') throw new Error(collected.kind)
  const bytes = joined(collected.chunks)
  expect(bytes.byteLength).toBe(collected.size)
  return bytes
}

test('the pieces are those that came', () => {
  const pieces = [new Uint8Array(5000), new Uint8Array(6000)]
  const collected = gather(pieces)
  expect(collected).toEqual({ kind: 'complete', size: 11_000, chunks: pieces, trailers: [] })
  expect(collected.kind === 'complete' && collected.chunks[0]).toBe(pieces[0] as Uint8Array)
})

test('a body without a byte is complete', () => {
  expect(gather([])).toEqual({ kind: 'complete', size: 0, chunks: [], trailers: [] })
})

describe('the limit, at the byte', () => {
  test('in one piece', () => {
    expect(gather([limit])).toMatchObject({ kind: 'complete', size: limit })
    expect(gather([limit + 1])).toEqual({ kind: 'oversize', bytes: limit + 1 })
  })

  test('in several, which are counted to the end', () => {
    expect(gather([limit - 1, 1])).toMatchObject({ kind: 'complete', size: limit })
    expect(gather([limit, 1, limit, 7])).toEqual({ kind: 'oversize', bytes: 2 * limit + 8 })
  })
})

test('pieces of a byte are put together, in order, with large ones between', () => {
  const bytes = Uint8Array.from({ length: 60_000 }, (_, index) => index % 251)
  const cut: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = at > 20_000 && at < 30_000 ? 3000 : 1 + (at % 3)
    cut.push(bytes.slice(at, at + size))
    at += size
  }
  const collected = gather(cut)
  expect(Buffer.from(whole(collected)).equals(bytes)).toBe(true)
  expect(collected.kind === 'complete' && collected.chunks.length).toBeLessThan(20)
})

test('trailers are handed on, also those that cannot be read', () => {
  const trailers = ['X-End', 'well']
  expect(gather([1], { kind: 'complete', trailers })).toMatchObject({ trailers })
  expect(gather([1], { kind: 'complete', trailers: null })).toMatchObject({ trailers: null })
})

test('what breaks off is truncated, however much came', () => {
  expect(gather([10], { kind: 'truncated' })).toEqual({ kind: 'truncated' })
  expect(gather([limit, 10], { kind: 'truncated' })).toEqual({ kind: 'truncated' })
})
