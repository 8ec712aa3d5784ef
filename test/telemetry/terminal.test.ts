import { expect, test } from 'bun:test'
import { forTerminal } from '../../src/telemetry/terminal.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each([
  ['Error: x\r    at a\r    at b\n', 'Error: x\n    at a\n    at b\n'],
  ['Windows\r\nstays\r\n', 'Windows\r\nstays\r\n'],
  ['\r\r\n', '\n\r\n'],
  ['ü\rö\n', 'ü\nö\n'],
])('%j is %j on a terminal', (line, shown) => {
  const given = bytes(line)
  expect(forTerminal(given)).toEqual(bytes(shown))
  expect(given).toEqual(bytes(line))
})

test('a line without carriage returns is not copied', () => {
  const given = bytes('plain\n')
  expect(forTerminal(given)).toBe(given)
})
