/** What the log of the emulator says of an environment, as far as it needs time to pass. */

import { afterEach, beforeEach, expect, jest, test } from 'bun:test'
import { diagnostics } from '../../src/engine/diagnostics.ts'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'

beforeEach(() => jest.useFakeTimers())
afterEach(() => jest.useRealTimers())

/** The lines at `info` of these events, each followed by a time in which an init is slow. */
function told(...events: readonly object[]): string[] {
  const lines: string[] = []
  const log = { debug() {}, warn() {}, error() {}, info: (_: object, message: string) => lines.push(message) }
  const listen = diagnostics(log as never, { initTimeoutMs: 10_000 })
  for (const event of events) listen(event as PlatformEvent)
  jest.advanceTimersByTime(60_000)
  return lines
}

const started = { type: 'initStart', phase: 'init' }
const ended = { type: 'initReport', phase: 'init', verdict: { status: 'success' }, durationMs: 1 }

test('an init that takes long is told of once', () => {
  expect(told(started)).toEqual(['init is still running'])
})

test.each([
  ['has ended', [started, ended]],
  ['was ended by new code', [started, { type: 'shutdown', reason: 'spindown' }]],
  [
    'was ended by new code, which was initialised',
    [started, { type: 'shutdown', reason: 'spindown' }, started, ended],
  ],
])('an init that %s is not', (_, events) => {
  expect(told(...events)).toEqual([])
})
