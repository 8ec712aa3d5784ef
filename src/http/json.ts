/**
 * Whether bytes are JSON, told without making anything of them: what a parser builds can be eighty times the text, and
 * 6 MB of nothing but brackets keep one busy for seconds.
 */

/** Deepest nesting of a JSON document, as in Go's decoder, which the reference uses. */
export const maxDepth = 10_000

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const colon = 0x3a
const bracket = 0x5b
const backslash = 0x5c
const brace = 0x7b

/** What is wrong with this text, null if nothing is. Bytes beyond ASCII may be anything where they may be at all. */
export function jsonProblem(text: Uint8Array): string | null {
  /** the bytes that close what is open, the innermost last */
  const open: number[] = []
  let expected: 'value' | 'name' | 'end' = 'value'
  let empty = false
  for (let at = 0; ; ) {
    at = afterBlanks(text, at)
    const byte = text[at]
    const close = open.at(-1)
    if (close !== undefined && byte === close && (empty || expected === 'end')) {
      open.pop()
      at++
      empty = false
      expected = 'end'
    } else if (expected === 'end') {
      if (close === undefined) return byte === undefined ? null : unexpected(text, at)
      if (byte !== comma) return unexpected(text, at)
      at++
      expected = close === brace + 2 ? 'name' : 'value'
    } else if (expected === 'name') {
      empty = false
      if (byte !== quote) return unexpected(text, at)
      at = afterString(text, at)
      if (at < 0) return unexpected(text, ~at)
      at = afterBlanks(text, at)
      if (text[at] !== colon) return unexpected(text, at)
      at++
      expected = 'value'
    } else if (byte === bracket || byte === brace) {
      if (open.length === maxDepth) return `more than ${maxDepth} levels of nesting`
      // each closes with the character after the next
      open.push(byte + 2)
      at++
      empty = true
      expected = byte === brace ? 'name' : 'value'
    } else {
      empty = false
      at = afterScalar(text, at)
      if (at < 0) return unexpected(text, ~at)
      expected = 'end'
    }
  }
}

function unexpected(text: Uint8Array, at: number): string {
  const byte = text[at]
  if (byte === undefined) return 'unexpected end'
  const printable = byte > 0x20 && byte < 0x7f
  return `unexpected ${printable ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`} at offset ${at}`
}

function afterBlanks(text: Uint8Array, start: number): number {
  let at = start
  for (; ; at++) {
    const byte = text[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
  }
}

/** Where it ends; the complement of where it is wrong, if it is. So do the functions that follow. */
function afterScalar(text: Uint8Array, at: number): number {
  const byte = text[at]
  if (byte === quote) return afterString(text, at)
  return byte === minus || isDigit(byte) ? afterNumber(text, at) : afterWord(text, at)
}

function afterString(text: Uint8Array, start: number): number {
  let at = start + 1
  for (; at < text.length; at++) {
    const byte = text[at] as number
    if (byte === quote) return at + 1
    if (byte < 0x20) return ~at
    if (byte !== backslash) continue
    at++
    if (text[at] === 0x75) {
      for (const end = at + 4; at < end; ) if (!isHex(text[++at])) return ~at
    } else if (!escapes.has(text[at])) {
      return ~at
    }
  }
  return ~text.length
}

const bytesOf = (word: string): number[] => [...word].map((letter) => letter.charCodeAt(0))
const escapes: ReadonlySet<number | undefined> = new Set(bytesOf('"\\/bfnrt'))
const words = ['true', 'false', 'null'].map(bytesOf)

function afterWord(text: Uint8Array, start: number): number {
  const word = words.find(([first]) => first === text[start])
  if (word === undefined) return ~start
  const wrong = word.findIndex((byte, index) => text[start + index] !== byte)
  return wrong < 0 ? start + word.length : ~(start + wrong)
}

/** No zero before another digit, and a digit after every point, exponent and sign. */
function afterNumber(text: Uint8Array, start: number): number {
  let at = text[start] === minus ? start + 1 : start
  at = text[at] === 0x30 ? at + 1 : afterDigits(text, at)
  if (at >= 0 && text[at] === 0x2e) at = afterDigits(text, at + 1)
  if (at >= 0 && (text[at] === 0x65 || text[at] === 0x45)) {
    const signed = text[at + 1] === 0x2b || text[at + 1] === minus
    at = afterDigits(text, signed ? at + 2 : at + 1)
  }
  return at
}

function afterDigits(text: Uint8Array, start: number): number {
  let at = start
  while (isDigit(text[at])) at++
  return at > start ? at : ~at
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39

const isHex = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
