import { expect, test } from 'bun:test'
import { lineLimit, splitLines } from '../../src/process/lines.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const cut = (chunks: readonly string[], limit?: number): string[] => {
  const runs: string[] = []
  const lines = splitLines((run) => runs.push(new TextDecoder().decode(run)), limit)
  for (const chunk of chunks) lines.push(bytes(chunk))
  lines.flush()
  return runs
}

test('a chunk of whole lines is one run', () => {
  expect(cut(['a\nb\n\nc\n'])).toEqual(['a\nb\n\nc\n'])
})

test('a chunk of whole lines is handed on without a copy', () => {
  const runs: Uint8Array[] = []
  const chunk = bytes('a\nb\n')
  splitLines((run) => runs.push(run)).push(chunk)
  expect(runs[0]).toBe(chunk)
})

test('an unfinished line waits for its end', () => {
  expect(cut(['a', 'b', 'c\nd', '\n'])).toEqual(['abc\n', 'd\n'])
})

test('flush ends the unfinished line, and nothing else', () => {
  expect(cut(['a\nb'])).toEqual(['a\n', 'b\n'])
  expect(cut(['a\n'])).toEqual(['a\n'])
  expect(cut([])).toEqual([])
})

test('a line of exactly the limit is one line', () => {
  expect(cut(['12345678\nx\n'], 8)).toEqual(['12345678\nx\n'])
  expect(cut(['1234', '5678', '\n'], 8)).toEqual(['12345678\n'])
  expect(cut(['12345678'], 8)).toEqual(['12345678\n'])
})

test('a longer line comes in pieces of the limit', () => {
  expect(cut(['123456789\n'], 8)).toEqual(['12345678\n', '9\n'])
  expect(cut(['1234', '56789', 'abcdefgh', '\n'], 8)).toEqual(['12345678\n', '9abcdefg\n', 'h\n'])
  expect(cut(['1234567812345678', '\n'], 8)).toEqual(['12345678\n', '12345678\n'])
  expect(cut(['123456789'], 8)).toEqual(['12345678\n', '9\n'])
})

test('lines around a long one keep their order', () => {
  expect(cut(['a\nb\n123456789\nc\nd\n'], 8).join('')).toBe('a\nb\n12345678\n9\nc\nd\n')
})

test('a line is whole up to 1 MiB unless another limit is given', () => {
  expect(lineLimit).toBe(1_048_576)
  expect(cut(['x'.repeat(lineLimit), '\n']).map((run) => run.length)).toEqual([lineLimit + 1])
  expect(cut(['x'.repeat(lineLimit + 3)]).map((run) => run.length)).toEqual([lineLimit + 1, 4])
})

test('characters cut in two by a chunk come out whole', () => {
  const runs: Uint8Array[] = []
  const lines = splitLines((run) => runs.push(run))
  const chunk = bytes('grüße\n')
  lines.push(chunk.subarray(0, 3))
  lines.push(chunk.subarray(3))
  expect(Buffer.concat(runs).toString()).toBe('grüße\n')
})

test('any way of cutting the same bytes into chunks gives the same lines', () => {
  let seed = 1
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: random(60) }, () => (random(6) === 0 ? '\n' : 'x')).join('')
    const whole: string[] = []
    for (const line of text.split('\n')) whole.push(...(line.match(/.{1,8}/g) ?? ['']))
    if (text === '' || text.endsWith('\n')) whole.pop()
    const chunks: string[] = []
    for (let at = 0; at < text.length; ) {
      const length = 1 + random(12)
      chunks.push(text.slice(at, at + length))
      at += length
    }
    expect(cut(chunks, 8).join('')).toBe(whole.map((line) => `${line}\n`).join(''))
  }
})
