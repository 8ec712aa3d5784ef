import { describe, expect, test } from 'bun:test'
import { jsonProblem, maxDepth } from '../../src/http/json.ts'

const problem = (text: string): string | null => jsonProblem(new TextEncoder().encode(text))

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Pieces of which JSON is made, and some that it is not. */
const pieces = [
  ...['{', '}', '[', ']', ',', ':', '"', '\\', ' ', '\n', '\t', '\r', '\f', '\v', '\0', '\u00a0', '\ufeff'],
  ...['"a"', '"é\u2028😀"', '"\\u00e9"', '"\\uD800"', '"\\u12g4"', '"\\x"', '"\\"', '"tab\t"', "'a'", '""'],
  ...['0', '-', '-0', '01', '1.', '.5', '1.5', '1e5', '1E+5', '1e', '1e-', '-1.25e-7', '+1', '0x1', '1_0'],
  ...[
    'true',
    'false',
    'null',
    'tru',
    'True',
    'nul',
    'NaN',
    'Infinity',
    'undefined',
    '//',
    '/**/',
    '"k":',
    '"k":1',
  ],
]

describe('jsonProblem', () => {
  test('agrees with the parser about every pair of pieces, with another one behind it or none', () => {
    for (const first of ['', ...pieces]) {
      for (const second of pieces) {
        for (const third of ['', '}', ']', ' ', '"', '1', ':1}']) {
          const text = first + second + third
          if ((problem(text) === null) !== parses(text)) expect(text).toBe('judged as the parser judges')
        }
      }
    }
  })

  test('agrees with the parser about documents with one byte changed, cut or added', () => {
    const whole = ' {"a" : [1, -2.5e+3, true, {"b":{},"c":[[]]}], "\\u0041\\n": "x\\\\y", "z": null}\n'
    for (let at = 0; at <= whole.length; at++) {
      for (const piece of ['', ...pieces]) {
        for (const rest of [whole.slice(at), whole.slice(at + 1)]) {
          const text = whole.slice(0, at) + piece + rest
          if ((problem(text) === null) !== parses(text)) expect(text).toBe('judged as the parser judges')
        }
      }
    }
  })

  test('says what is wrong and where', () => {
    expect(problem('')).toBe('unexpected end')
    expect(problem('{"a":')).toBe('unexpected end')
    expect(problem('not JSON')).toBe("unexpected 'o' at offset 1")
    expect(problem("{'a':1}")).toBe("unexpected ''' at offset 1")
    expect(problem('{} \u00e9')).toBe('unexpected byte 195 at offset 3')
    expect(problem('"line\nfeed"')).toBe('unexpected byte 10 at offset 5')
  })

  test('takes what no text is inside a string', () => {
    expect(jsonProblem(Uint8Array.of(0x22, 0xff, 0xc0, 0x22))).toBeNull()
    expect(jsonProblem(Uint8Array.of(0xff))).toBe('unexpected byte 255 at offset 0')
  })

  test('takes nesting up to its limit', () => {
    const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + 1 + '}]'.repeat(depth / 2)
    expect(problem(nested(maxDepth))).toBeNull()
    expect(problem(nested(maxDepth + 2))).toBe('more than 10000 levels of nesting')
    expect(problem('['.repeat(6_000_000))).toBe('more than 10000 levels of nesting')
    expect(problem(`[${'[],{},'.repeat(100_000)}0]`)).toBeNull()
  })
})
