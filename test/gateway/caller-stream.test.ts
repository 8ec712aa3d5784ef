import { expect, test } from 'bun:test'
import { CallerStream } from '../../src/gateway/caller-stream.ts'
import { FakeExchange } from '../http/fake.ts'

function open() {
  const exchange = new FakeExchange()
  const stream = CallerStream.open(exchange, 200, ['Content-Type', 'text/x'])
  if (stream === null || exchange.openStream === null) throw new Error('no stream')
  let drained = 0
  stream.onDrain = () => {
    drained++
  }
  return { exchange, stream, sent: exchange.openStream, drains: () => drained }
}

const piece = (text: string): Uint8Array => new TextEncoder().encode(text)

test('pieces go on, and a slow caller is waited for', () => {
  const { stream, sent, drains } = open()
  expect(stream.write(piece('one'))).toBe(true)
  sent.fast = false
  expect(stream.write(piece('two'))).toBe(false)
  sent.onDrain?.()
  expect(drains()).toBe(1)
  stream.end()
  expect([sent.text, sent.ended]).toEqual(['onetwo', 'complete'])
})

test('there is none for a caller who has gone before it began', () => {
  const exchange = new FakeExchange()
  exchange.leave()
  expect(CallerStream.open(exchange, 200, [])).toBeNull()
})

test('race: a caller who leaves while it is waited for lets the writer go on', () => {
  const { exchange, stream, sent, drains } = open()
  sent.fast = false
  stream.write(piece('one'))
  exchange.leave()
  expect(drains()).toBe(1)
  expect(stream.write(piece('two'))).toBe(true)
  expect(sent.text).toBe('one')
})

test('race: a caller who left before it was found to be slow is not waited for', () => {
  const { exchange, stream, sent, drains } = open()
  exchange.leave()
  // what is written to a connection that has gone may wait for ever
  sent.fast = false
  expect(stream.write(piece('one'))).toBe(true)
  expect(stream.write(piece('two'))).toBe(true)
  expect([sent.text, drains()]).toEqual(['one', 0])
})

test('race: the end comes while a slow caller is waited for: the writer goes on, and is not heard', () => {
  for (const how of ['end', 'abort'] as const) {
    const { stream, sent, drains } = open()
    sent.fast = false
    stream.write(piece('one'))
    stream[how]()
    expect([drains(), stream.write(piece('two')), sent.text]).toEqual([1, true, 'one'])
    expect(sent.ended).toBe(how === 'end' ? 'complete' : 'aborted')
  }
})
