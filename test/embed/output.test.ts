import { heapStats } from 'bun:jsc'
import { expect, test } from 'bun:test'
import type { EnvironmentId } from '../../src/core/ids.ts'
import { createOutput } from '../../src/embed/output.ts'

const mebibyte = 1024 * 1024

/** Arrays of bytes that something still holds. */
function arrays(): number {
  Bun.gc(true)
  return heapStats().objectTypeCounts.Uint8Array ?? 0
}

test('of what is collected the last 16 MiB are kept, and nothing else is held', () => {
  const output = createOutput('collect')
  const sink = output.sinkOf(1 as EnvironmentId, 'f')
  const before = arrays()
  for (let line = 0; line < 64; line++) {
    const bytes = new Uint8Array(mebibyte).fill(120)
    bytes.set(Buffer.from(`line ${line}\n`))
    sink.write(bytes)
  }
  expect(arrays() - before).toBeLessThan(24)
  const text = output.text()
  expect([text.length, text.slice(0, 8)]).toEqual([16 * mebibyte, 'line 48\n'])
})
