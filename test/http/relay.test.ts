import { describe, expect, test } from 'bun:test'
import type { BodyEnd } from '../../src/http/exchange.ts'
import { Relay } from '../../src/http/relay.ts'
import { FakeExchange, FakeStream } from './fake.ts'

const complete: BodyEnd = { kind: 'complete', trailers: [] }
const mebibyte = 1024 * 1024

function scene(): { source: FakeExchange; sink: FakeStream; relay: Relay; ends: BodyEnd[] } {
  const source = new FakeExchange({ end: null })
  const sink = new FakeStream()
  const ends: BodyEnd[] = []
  const relay = new Relay(source, sink, { ended: (end) => ends.push(end) })
  source.read(relay)
  return { source, sink, relay, ends }
}

test('pieces go on as they come, and the end after them', () => {
  const { sink, relay, ends } = scene()
  relay.chunk(Buffer.from('a'))
  expect(sink.text).toBe('a')
  relay.chunk(Buffer.from('b'))
  const end: BodyEnd = { kind: 'complete', trailers: ['X', 'y'] }
  relay.end(end)
  expect(sink.text).toBe('ab')
  expect(ends).toEqual([end])
  expect(relay.size).toBe(2)
})

describe('a slow receiver', () => {
  test('is not written to until it has taken what it has, and nothing is lost', () => {
    const { sink, relay, ends } = scene()
    sink.fast = false
    for (const letter of 'abc') relay.chunk(Buffer.from(letter))
    expect(sink.text).toBe('a')
    relay.end(complete)
    expect(ends).toEqual([])
    sink.onDrain?.()
    expect(sink.text).toBe('ab')
    sink.fast = true
    sink.onDrain?.()
    expect(sink.text).toBe('abc')
    expect(ends).toEqual([complete])
  })

  test('makes the sender wait with the first piece that is held, and go on when none is', () => {
    const { source, sink, relay } = scene()
    sink.fast = false
    const piece = new Uint8Array(mebibyte / 4)
    relay.chunk(piece)
    expect(source.paused).toBe(false)
    relay.chunk(piece)
    expect(source.paused).toBe(true)
    // what was read before the sender waits
    relay.chunk(piece)
    expect(relay.waiting).toBe(mebibyte / 2)
    sink.onDrain?.()
    expect([source.paused, relay.waiting]).toEqual([true, mebibyte / 4])
    sink.onDrain?.()
    expect([source.paused, relay.waiting]).toEqual([false, 0])
  })

  test('that is dropped lets the sender go on; what comes then is counted and dropped', () => {
    const { source, sink, relay, ends } = scene()
    sink.fast = false
    for (let index = 0; index < 6; index++) relay.chunk(new Uint8Array(mebibyte / 4))
    expect(source.paused).toBe(true)
    relay.drop()
    expect(source.paused).toBe(false)
    expect(sink.onDrain).toBe(null)
    relay.chunk(new Uint8Array(10))
    relay.end({ kind: 'truncated' })
    expect(sink.pieces).toHaveLength(1)
    expect(ends).toEqual([{ kind: 'truncated' }])
    expect(relay.size).toBe((6 * mebibyte) / 4 + 10)
    expect(relay.waiting).toBe(0)
  })
})

test('an end that came while the receiver was slow is told when it is dropped', () => {
  const { sink, relay, ends } = scene()
  sink.fast = false
  relay.chunk(Buffer.from('a'))
  relay.end(complete)
  relay.drop()
  expect(ends).toEqual([complete])
})
