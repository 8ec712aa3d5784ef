import { expect, test } from 'bun:test'
import { prefixed } from '../../src/telemetry/prefixed.ts'
import { bytesOf, type Lines } from '../../src/telemetry/sink.ts'

function written(...all: readonly Lines[]): string {
  const parts: Lines[] = []
  const sink = prefixed({ write: (lines) => parts.push(lines), flush() {} }, 'a | ')
  for (const lines of all) sink.write(lines)
  return parts.map((lines) => Buffer.from(bytesOf(lines)).toString()).join('')
}

test('each line has the name before it, whichever form it comes in', () => {
  const bytes = Buffer.from('é\n\nlast\n')
  expect(written('START\n', bytes, { render: () => 'END\nREPORT\n' })).toBe(
    'a | START\na | é\na | \na | last\na | END\na | REPORT\n',
  )
  expect(bytes.toString()).toBe('é\n\nlast\n')
})

test('nothing is nothing, and a line without an end is one', () => {
  expect(written('', new Uint8Array(), 'x', Buffer.from('y'))).toBe('a | xa | y')
})
