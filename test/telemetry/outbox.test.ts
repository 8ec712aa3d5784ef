import { describe, expect, test } from 'bun:test'
import { Outbox } from '../../src/telemetry/outbox.ts'

const buffering = { maxItems: 3, maxBytes: 10, timeoutMs: 1000 }

describe('a batch is due', () => {
  test('when its first record is old enough, has company enough, or is big enough', () => {
    const outbox = new Outbox()
    expect(outbox.due(buffering)).toBeNull()
    outbox.add('a', 100)
    outbox.add('b', 200)
    expect(outbox.due(buffering)).toBe(1100)
    outbox.add('c', 300)
    expect(outbox.due(buffering)).toBe(100)
    outbox.take(buffering)
    outbox.add('0123456789', 400)
    expect(outbox.due(buffering)).toBe(400)
  })
})

describe('a batch has', () => {
  test('as many records as are asked for', () => {
    const outbox = new Outbox()
    for (const text of ['a', 'b', 'c', 'd']) outbox.add(text, 0)
    expect(outbox.take(buffering)).toEqual({ records: ['a', 'b', 'c'], bytes: 3, loss: null })
    expect(outbox.take(buffering)).toEqual({ records: ['d'], bytes: 1, loss: null })
    expect(outbox.take(buffering)).toBeNull()
  })

  test('no more bytes than are asked for, unless one record alone is larger', () => {
    const outbox = new Outbox()
    for (const text of ['12345', '12345', '1', '0123456789ab', 'é']) outbox.add(text, 0)
    expect(outbox.take(buffering)?.records).toEqual(['12345', '12345'])
    expect(outbox.take(buffering)?.records).toEqual(['1'])
    expect(outbox.take(buffering)?.records).toEqual(['0123456789ab'])
    expect(outbox.take(buffering)).toEqual({ records: ['é'], bytes: 2, loss: null })
  })
})

describe('what does not fit', () => {
  test('goes, oldest first, and is told once with the next batch', () => {
    const outbox = new Outbox(10)
    expect([outbox.add('1234', 0), outbox.add('5678', 0), outbox.add('90', 0)]).toEqual([null, null, null])
    expect(outbox.add('abcde', 0)).toEqual({ records: 2, bytes: 8 })
    expect({ size: outbox.size, bytes: outbox.bytes }).toEqual({ size: 2, bytes: 7 })
    expect(outbox.take(buffering)).toEqual({
      records: ['90', 'abcde'],
      bytes: 7,
      loss: { records: 2, bytes: 8 },
    })
    outbox.add('x', 0)
    expect(outbox.take(buffering)?.loss).toBeNull()
  })

  test('is told with losses from elsewhere', () => {
    const outbox = new Outbox(5)
    outbox.lose({ records: 3, bytes: 30 })
    for (const text of ['123', '456']) outbox.add(text, 0)
    expect(outbox.take(buffering)?.loss).toEqual({ records: 4, bytes: 33 })
  })

  test('is no single record that is too large: it is kept alone', () => {
    const outbox = new Outbox(5)
    outbox.add('1', 0)
    expect(outbox.add('0123456789', 0)).toEqual({ records: 1, bytes: 1 })
    expect(outbox.take(buffering)?.records).toEqual(['0123456789'])
  })
})

test('a hundred thousand records come out as they went in', () => {
  const outbox = new Outbox()
  const limits = { maxItems: 7, maxBytes: 1000, timeoutMs: 1 }
  const out: string[] = []
  for (let index = 0; index < 100_000; index++) {
    outbox.add(String(index), 0)
    if (index % 5 === 0) out.push(...(outbox.take(limits)?.records ?? []))
  }
  for (let batch = outbox.take(limits); batch !== null; batch = outbox.take(limits))
    out.push(...batch.records)
  expect(out.length).toBe(100_000)
  expect(out.every((text, index) => text === String(index))).toBe(true)
  expect({ size: outbox.size, bytes: outbox.bytes }).toEqual({ size: 0, bytes: 0 })
})
