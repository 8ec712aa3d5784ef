import { describe, expect, test } from 'bun:test'
import { splitOutput } from '../../src/process/frames.ts'

const at = 1_700_000_000_123
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A record as a runtime client frames it; `kind` is level and format. */
function frame(text: string | Uint8Array, kind = 0x0f, length?: number): Uint8Array {
  const message = typeof text === 'string' ? bytes(text) : text
  const header = Buffer.alloc(16)
  header.writeUInt32BE((0xa55a0000 | kind) >>> 0, 0)
  header.writeUInt32BE(length ?? message.length, 4)
  header.writeBigUInt64BE(BigInt(at) * 1000n, 8)
  return Buffer.concat([header, message])
}

type Told = [text: string, recordedAt: number | null]

function splitter(limit?: number) {
  const told: Told[] = []
  const output = splitOutput(
    (run, recordedAt) => told.push([Buffer.from(run).toString('latin1'), recordedAt]),
    limit,
  )
  return { told, output }
}

function split(...chunks: (string | Uint8Array)[]): Told[] {
  const { told, output } = splitter()
  for (const chunk of chunks) output.push(typeof chunk === 'string' ? bytes(chunk) : chunk)
  output.end()
  return told
}

test('lines are lines, a record is whole, and they keep their order', () => {
  expect(
    split('one\ntwo\n', frame('Error: no\n    at a\n    at b\n'), 'three\n', frame('{"a":1}', 0x12)),
  ).toEqual([
    ['one\ntwo\n', null],
    ['Error: no\n    at a\n    at b\n', at],
    ['three\n', null],
    ['{"a":1}', at],
  ])
})

test('several in one chunk', () => {
  expect(split(Buffer.concat([frame('a'), frame('b\n'), bytes('c\nd\n'), frame('')]))).toEqual([
    ['a', at],
    ['b\n', at],
    ['c\nd\n', null],
    ['', at],
  ])
})

test('a record that comes in pieces of any size is the same', () => {
  const all = Buffer.concat([
    bytes('before\n'),
    frame('a record\nof two lines'),
    bytes('after\n'),
    frame('next'),
  ])
  const whole = [
    ['before\n', null],
    ['a record\nof two lines', at],
    ['after\n', null],
    ['next', at],
  ]
  for (let size = 1; size < all.length; size++) {
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
      all.subarray(index * size, (index + 1) * size),
    )
    expect(split(...chunks)).toEqual(whole as Told[])
  }
})

test('a line that was begun ends before the record', () => {
  expect(split('begun', frame('record'), 'on\n')).toEqual([
    ['begun\n', null],
    ['record', at],
    ['on\n', null],
  ])
})

describe('nothing is lost', () => {
  /** Every byte that went in comes out, but for headers of frames and newlines that end what had none. */
  const kept = (told: Told[]): string => told.map(([text]) => text).join('')

  test('of bytes that look like a mark and are none', () => {
    const lookalikes = [
      new Uint8Array([0xa5]),
      new Uint8Array([0xa5, 0x5a, 0x00]),
      new Uint8Array([0xa5, 0x5a, 0x00, 0x0f, 1, 2]),
      new Uint8Array([0xa5, 0x5a, 0x01, 0x0f, ...new Array(20).fill(65)]),
      new Uint8Array([0xa5, 0x5a, 0x00, 0x10, ...new Array(20).fill(65)]),
      new Uint8Array([0xa5, 0x5a, 0x00, 0x1f, ...new Array(20).fill(65)]),
      new Uint8Array([0xa5, 0x5a, 0x00, 0x0f, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 65, 65, 65, 65]),
      new Uint8Array([
        0xa5, 0x5a, 0x00, 0x0f, 0xff, 0xff, 0xff, 0xff, 0, 6, 0x0a, 0x24, 0x18, 0x1e, 0x40, 0, 65,
      ]),
    ]
    for (const one of lookalikes) {
      const text = Buffer.from(one).toString('latin1')
      const told = split('a\n', one, 'b\n')
      expect(kept(told)).toBe(`a\n${text}b\n`)
      expect(told.every(([, recordedAt]) => recordedAt === null)).toBe(true)
      expect(kept(split(one))).toBe(`${text}\n`)
    }
  })

  test('of a frame behind one that looked like one', () => {
    expect(split(Buffer.concat([new Uint8Array([0xa5, 0xa5]), frame('x')]))).toEqual([
      ['\xa5\xa5\n', null],
      ['x', at],
    ])
  })

  test('of a record that is cut, by the end of its process or by a flush', () => {
    expect(split(frame('cut', 0x0f, 100))).toEqual([['cut', at]])
    const { told, output } = splitter()
    output.push(frame('first ', 0x0f, 12))
    output.flush()
    output.push(bytes('second'))
    output.push(bytes('line\n'))
    expect(told).toEqual([
      ['first ', at],
      ['second', at],
      ['line\n', null],
    ])
  })

  test('of a header that is cut by a flush: its rest may come', () => {
    const { told, output } = splitter()
    const one = frame('record')
    output.push(one.subarray(0, 9))
    output.flush()
    output.push(one.subarray(9))
    expect(told).toEqual([['record', at]])
  })

  test('of what another process writes into a record', () => {
    const one = frame('0123456789')
    const told = split(one.subarray(0, 16), 'other\n', one.subarray(16), 'end\n')
    expect(told).toEqual([
      ['other\n0123', at],
      ['456789end\n', null],
    ])
  })

  test('of a header that another process writes into', () => {
    const one = frame('0123456789')
    const told = split(Buffer.concat([one.subarray(0, 8), bytes('other\n'), one.subarray(8)]))
    expect(kept(told)).toContain('other\n')
    expect(kept(told)).toContain('0123456789')
  })
})

test('a record over the limit comes in pieces', () => {
  const { told, output } = splitter(10)
  output.push(frame('0123456789abcdefghijXYZ'))
  expect(told).toEqual([
    ['0123456789', at],
    ['abcdefghij', at],
    ['XYZ', at],
  ])
})

test('text with every character of UTF-8 that begins or ends in A5 or 5A stays text', () => {
  const text = '\u00a5 ZZ \u0965 \u25a5\u{1f5a5} Z\n'
  expect(split(text)).toEqual([[Buffer.from(text).toString('latin1'), null]])
})
