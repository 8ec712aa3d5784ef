import { expect, test } from 'bun:test'
import { maxClosedRuns, Retention } from '../../src/durable/retention.ts'
import type { RunRecord } from '../../src/durable/run.ts'
import { fakeLog } from '../engine/fakes.ts'

const day = 86_400_000

function closed(endedAt: number, bytes = 0): RunRecord {
  const run = { bytes, facts: { input: null } }
  return { state: { phase: 'closed', endedAt, result: null, run } } as unknown as RunRecord
}

function keeping() {
  const forgotten: RunRecord[] = []
  const log = fakeLog()
  const retention = new Retention(log, (run) => {
    forgotten.push(run)
    retention.remove(run)
  })
  return { retention, forgotten, log }
}

test('a run that has ended is kept for its days', () => {
  const { retention, forgotten } = keeping()
  const [first, second] = [closed(0), closed(day)]
  retention.add(first, 14)
  retention.add(second, 14)
  retention.expire(14 * day - 1)
  expect(forgotten).toEqual([])
  retention.expire(14 * day)
  expect(forgotten).toEqual([first])
  expect(retention.size).toBe(1)
})

test('one that is kept for longer, and ended before, holds no other back', () => {
  const { retention, forgotten } = keeping()
  const [long, short, later] = [closed(0), closed(day), closed(2 * day)]
  retention.add(long, 90)
  retention.add(short, 1)
  retention.add(later, 1)
  retention.expire(2 * day)
  expect(forgotten).toEqual([short])
  retention.expire(3 * day)
  expect(forgotten).toEqual([short, later])
  retention.expire(90 * day)
  expect(forgotten).toEqual([short, later, long])
})

test('too many are forgotten, the oldest first, which is told once', () => {
  const { retention, forgotten, log } = keeping()
  const all = Array.from({ length: maxClosedRuns + 2 }, (_, index) => closed(index))
  for (const run of all) retention.add(run, 14)
  expect(forgotten).toEqual(all.slice(0, 2))
  expect(log.lines.filter(({ level }) => level === 'warn').length).toBe(1)
})

test('too many bytes are forgotten too', () => {
  const { retention, forgotten } = keeping()
  const [first, second, third] = [closed(0, 100_000_000), closed(1, 100_000_000), closed(2, 100_000_000)]
  for (const run of [first, second, third]) retention.add(run, 14)
  expect(forgotten).toEqual([first])
  expect(retention.bytes).toBe(200_000_000)
})

test('a run that is open is none of its', () => {
  const { retention } = keeping()
  retention.add({ state: { phase: 'suspended' } } as unknown as RunRecord, 14)
  expect(retention.size).toBe(0)
})
