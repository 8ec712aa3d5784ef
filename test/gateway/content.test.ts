import { expect, test } from 'bun:test'
import { contentProblem } from '../../src/gateway/content.ts'

const problem = (text: string): string | null => contentProblem(new TextEncoder().encode(text))

test('content is JSON in UTF-8, and may begin with a mark', () => {
  expect(problem('{"é":"\u{1f600}"}')).toBeNull()
  expect(problem('\ufeff{"a":1}')).toBeNull()
  expect(problem('\ufeff\ufeff{"a":1}')).toBe('unexpected byte 239 at offset 0')
  expect(problem('')).toBe('unexpected end')
  expect(problem('{]')).toBe("unexpected ']' at offset 1")
})

test('content that is not UTF-8 is none, even where it would be JSON', () => {
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
    expect(contentProblem(Uint8Array.from([0x22, ...bytes, 0x22]))).toBe('invalid UTF-8')
  }
})
