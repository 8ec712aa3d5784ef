import { describe, expect, test } from 'bun:test'
import { hasPrelude, maxPreludeBytes, PreludeReader } from '../../../src/gateway/url/prelude.ts'

const zeros = '\0'.repeat(8)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Feeds the pieces, then the end if they were not enough. What comes behind a prelude is the rest of its piece. */
function read(pieces: readonly Uint8Array[]) {
  const reader = new PreludeReader()
  for (const [at, piece] of pieces.entries()) {
    const read = reader.push(piece)
    if (read === null) continue
    if ('invalid' in read) return read.invalid
    const rest = Buffer.concat([read.rest, ...pieces.slice(at + 1)]).toString('latin1')
    return { status: read.status, fields: read.fields, rest }
  }
  const ended = reader.end()
  return 'invalid' in ended ? ended.invalid : { ...ended, rest: Buffer.from(ended.rest).toString('latin1') }
}

const readText = (text: string) => read([bytes(text)])

test('a prelude has status, headers and cookies, and the body follows', () => {
  const json = '{"statusCode":201,"headers":{"Content-Type":"text/html","x-n":10},"cookies":["a=1"]}'
  expect(readText(`${json}${zeros}<p>\0`)).toEqual({
    status: 201,
    fields: ['Content-Type', 'text/html', 'x-n', '10', 'Set-Cookie', 'a=1'],
    rest: '<p>\0',
  })
})

test('a header of a prelude may have several values, as the client for Rust writes them', () => {
  expect(
    readText(`{"headers":{"vary":["origin","accept"],"x-none":[],"content-type":["text/a"]}}${zeros}`),
  ).toEqual({
    status: 200,
    fields: ['vary', 'origin', 'vary', 'accept', 'content-type', 'text/a'],
    rest: '',
  })
  expect(readText(`{"headers":{"vary":["origin",["accept"]]}}${zeros}`)).toMatch(
    /header "vary" is \["accept"\]/,
  )
})

test('a prelude may be empty, formatted, or begin with a mark', () => {
  const plain = { status: 200, fields: ['Content-Type', 'application/octet-stream'], rest: 'x' }
  for (const json of ['{}', ' {\r\n\t} ', '\ufeff{}', '{"unknown":[1]}', '{"headers":null,"cookies":null}']) {
    expect(readText(`${json}${zeros}x`)).toEqual(plain)
  }
})

test('a prelude that is cut at any byte, into two or three pieces or into all its bytes, says the same', () => {
  const whole = bytes(`{"statusCode":"418","headers":{"x-e":"1"}}${zeros}\0\0body`)
  const expected = {
    status: 418,
    fields: ['x-e', '1', 'Content-Type', 'application/octet-stream'],
    rest: '\0\0body',
  }
  for (let first = 0; first <= whole.length; first++) {
    expect(read([whole.slice(0, first), whole.slice(first)])).toEqual(expected)
    for (let second = first; second <= whole.length; second++) {
      expect(read([whole.slice(0, first), whole.slice(first, second), whole.slice(second)])).toEqual(expected)
    }
  }
  expect(read([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(expected)
})

test('a stream that ends at any byte of its prelude has none', () => {
  const whole = bytes(`{"statusCode":200}${zeros}`)
  for (let end = 1; end < whole.length; end++) {
    expect(read([whole.slice(0, end)])).toMatch(
      /^behind the JSON of the prelude are [0-7] zero bytes; 8 are needed$/,
    )
  }
})

test('a stream without a byte is an empty answer', () => {
  const empty = { status: 200, fields: ['Content-Type', 'application/octet-stream'], rest: '' }
  expect(read([])).toEqual(empty)
  expect(read([new Uint8Array(), new Uint8Array()])).toEqual(empty)
})

describe('no prelude is', () => {
  test.each([
    [`{"statusCode":200}\0\0\0x`, 'behind the JSON of the prelude are 3 zero bytes; 8 are needed'],
    [`${zeros}body`, 'the prelude is no JSON: unexpected end'],
    [`hello${zeros}`, "the prelude is no JSON: unexpected 'h' at offset 0"],
    [`{"a":1${zeros}`, 'the prelude is no JSON: unexpected end'],
    [`[1]${zeros}`, 'the prelude is [1]; allowed is an object'],
    [`null${zeros}`, 'the prelude is null; allowed is an object'],
    [`"a"${zeros}`, 'the prelude is "a"; allowed is an object'],
    [
      `{"statusCode":99}${zeros}`,
      "the prelude's statusCode is 99; allowed is a whole number from 200 to 599",
    ],
    [`{"cookies":7}${zeros}`, "the prelude's cookies is 7; allowed is a list of texts"],
  ])('%j', (text, reason) => {
    expect(readText(text)).toBe(reason)
  })

  test('bytes that are no UTF-8', () => {
    expect(read([Uint8Array.of(0x22, 0xff, 0x22), bytes(zeros)])).toBe(
      'the prelude is no JSON: invalid UTF-8',
    )
  })

  test('one that is deeper than anything', () => {
    expect(readText('['.repeat(500_000) + zeros)).toBe(
      'the prelude is no JSON: more than 10000 levels of nesting',
    )
  })
})

test('a prelude is limited at the byte, in however many pieces', () => {
  const frame = '{"headers":{"x":""}}'
  const json = `{"headers":{"x":"${'a'.repeat(maxPreludeBytes - frame.length)}"}}`
  const most = bytes(json + zeros)
  const pieces = (size: number, all: Uint8Array) =>
    Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size))
  for (const size of [1000, 65_536, most.length]) {
    expect(read(pieces(size, most))).toMatchObject({ status: 200, rest: '' })
    expect(read(pieces(size, bytes(` ${json}${zeros}`)))).toMatch(/^the prelude is longer than 1048576 bytes/)
  }
})

test('the type of a stream says whether it has a prelude', () => {
  const type = 'application/vnd.awslambda.http-integration-response'
  for (const yes of [type, `${type}; charset=utf-8`, type.toUpperCase()]) expect(hasPrelude(yes)).toBe(true)
  for (const no of [null, '', 'application/json', `${type}x`, `text/plain; a=${type}`]) {
    expect(hasPrelude(no)).toBe(false)
  }
})
