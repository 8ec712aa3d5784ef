/** Batches, retries and losses, with a clock that is turned and a transport that is told what to say. */

import { describe, expect, test } from 'bun:test'
import type { PlatformEvent } from '../../src/engine/platform-event.ts'
import type { Delivered, Transport } from '../../src/telemetry/delivery.ts'
import { maxHeldBytes } from '../../src/telemetry/outbox.ts'
import { Subscriber, type Timing } from '../../src/telemetry/subscriber.ts'

/** Timers that fire when the time is turned on, in order. */
class Time implements Timing {
  #now = 0
  #timers: { due: number; call: () => void }[] = []

  readonly now = (): number => this.#now

  readonly after = (ms: number, call: () => void): (() => void) => {
    const timer = { due: this.#now + ms, call }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }

  get armed(): number {
    return this.#timers.length
  }

  /** Turns the time on, a timer at a time; what promises do in between is done. */
  async turn(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.due - b.due)[0]
      if (next === undefined || next.due > end) break
      this.#now = Math.max(this.#now, next.due)
      this.#timers = this.#timers.filter((one) => one !== next)
      next.call()
      await settled()
    }
    this.#now = end
    await settled()
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 1000; turn++) await Promise.resolve()
}

const ok: Delivered = { kind: 'delivered' }
const down: Delivered = { kind: 'failed', reason: 'the subscriber answered 500', refused: false }
const refused: Delivered = { kind: 'failed', reason: 'cannot connect: ECONNREFUSED', refused: true }

class FakeTransport implements Transport {
  readonly attempts: { at: number; records: readonly string[] }[] = []
  disposed = 0
  /** what the next attempts come to; the last one stands */
  outcomes: (Delivered | Promise<Delivered>)[] = [ok]
  readonly #time: Time

  constructor(time: Time) {
    this.#time = time
  }

  async deliver(records: readonly string[]): Promise<Delivered> {
    this.attempts.push({ at: this.#time.now(), records })
    const outcome = this.outcomes.length > 1 ? this.outcomes.shift() : this.outcomes[0]
    return await (outcome as Delivered)
  }

  [Symbol.dispose](): void {
    this.disposed++
  }
}

const event = (text: string): PlatformEvent => ({
  type: 'log',
  at: 0,
  process: 'runtime',
  bytes: new TextEncoder().encode(text),
  recordedAt: null,
})

function stage(buffering = { maxItems: 1000, maxBytes: 262_144, timeoutMs: 1000 }) {
  const time = new Time()
  const transport = new FakeTransport(time)
  const counts = { deliveries: 0, retries: 0, droppedRecords: 0 }
  const losing: string[] = []
  const subscriber = new Subscriber(
    {
      timing: time,
      counts,
      render: (one) => [one.type === 'log' ? new TextDecoder().decode(one.bytes) : one.type],
      renderLoss: ({ records, bytes }, reason) => `lost ${records} (${bytes}): ${reason}`,
      losing: (reason) => losing.push(reason),
    },
    { types: ['function'], buffering, transport },
  )
  const push = (...texts: string[]): void => {
    for (const text of texts) subscriber.push(event(text))
  }
  return { time, transport, counts, losing, subscriber, push }
}

describe('a batch goes out', () => {
  test('when its first record is as old as was asked for', async () => {
    const { time, transport, push, counts } = stage()
    push('a')
    await time.turn(600)
    push('b')
    await time.turn(399)
    expect(transport.attempts).toEqual([])
    await time.turn(1)
    expect(transport.attempts).toEqual([{ at: 1000, records: ['a', 'b'] }])
    push('c')
    await time.turn(1000)
    expect(transport.attempts[1]).toEqual({ at: 2000, records: ['c'] })
    expect(counts).toEqual({ deliveries: 2, retries: 0, droppedRecords: 0 })
    expect(time.armed).toBe(0)
  })

  test('when there are as many records as were asked for', async () => {
    const { time, transport, push } = stage()
    push(...Array.from({ length: 1030 }, (_, index) => String(index)))
    await time.turn(0)
    expect(transport.attempts.map(({ at, records }) => [at, records.length])).toEqual([[0, 1000]])
    await time.turn(1000)
    expect(transport.attempts.map(({ at, records }) => [at, records.length])).toEqual([
      [0, 1000],
      [1000, 30],
    ])
  })

  test('when there are as many bytes as were asked for', async () => {
    const { time, transport, push } = stage()
    const line = 'x'.repeat(70_000)
    push(line, line, line)
    await time.turn(0)
    expect(transport.attempts).toEqual([])
    push(line)
    await time.turn(0)
    expect(transport.attempts.map(({ records }) => records.length)).toEqual([3])
  })

  test('one at a time: what comes meanwhile waits', async () => {
    const { time, transport, push } = stage()
    const slow = Promise.withResolvers<Delivered>()
    transport.outcomes = [slow.promise, ok]
    push('a')
    await time.turn(1000)
    push('b')
    await time.turn(5000)
    expect(transport.attempts).toHaveLength(1)
    slow.resolve(ok)
    await time.turn(0)
    expect(transport.attempts[1]).toEqual({ at: 6000, records: ['b'] })
  })
})

describe('a delivery that fails', () => {
  test('is tried again after pauses that double, and nothing is lost', async () => {
    const { time, transport, push, counts, losing } = stage()
    transport.outcomes = [down, refused, down, ok]
    push('a')
    await time.turn(1000)
    push('b')
    await time.turn(3000)
    expect(transport.attempts).toEqual([
      { at: 1000, records: ['a'] },
      { at: 1100, records: ['a'] },
      { at: 1300, records: ['a'] },
      { at: 1700, records: ['a'] },
      { at: 2000, records: ['b'] },
    ])
    expect({ counts, losing }).toEqual({
      counts: { deliveries: 2, retries: 3, droppedRecords: 0 },
      losing: [],
    })
  })

  test('is given up after ten seconds, which is told with the next one', async () => {
    const { time, transport, push, counts, losing } = stage()
    transport.outcomes = [down]
    push('aaa', 'bb')
    await time.turn(12_000)
    const times = transport.attempts.map(({ at }) => at)
    expect(times).toEqual([1000, 1100, 1300, 1700, 2500, 4100, 6100, 8100, 10_100])
    expect({ counts, losing }).toEqual({
      counts: { deliveries: 0, retries: 8, droppedRecords: 2 },
      losing: ['could not send events: the subscriber answered 500'],
    })
    transport.outcomes = [ok]
    push('c')
    await time.turn(1000)
    expect(transport.attempts.at(-1)?.records).toEqual([
      'lost 2 (5): could not send events: the subscriber answered 500',
      'c',
    ])
    push('d')
    await time.turn(1000)
    expect(transport.attempts.at(-1)?.records).toEqual(['d'])
  })

  test('does not take the news of an earlier loss with it', async () => {
    const { time, transport, push } = stage()
    transport.outcomes = [down]
    push('a')
    await time.turn(12_000)
    push('b')
    await time.turn(12_000)
    transport.outcomes = [ok]
    push('c')
    await time.turn(1000)
    expect(transport.attempts.at(-1)?.records[0]).toStartWith('lost 2 (2): ')
  })
})

test('what does not fit into 8 MiB is lost, oldest first, told once', async () => {
  const { time, transport, push, counts, losing, subscriber } = stage()
  const never = Promise.withResolvers<Delivered>()
  transport.outcomes = [never.promise, ok]
  push('first')
  await time.turn(1000)
  const line = 'x'.repeat(60_000)
  for (let index = 0; index < 200; index++) push(line)
  await time.turn(0)
  const kept = Math.floor(maxHeldBytes / line.length)
  // the last ones are not rendered yet
  expect(subscriber.pending).toBeLessThanOrEqual(kept + 2)
  expect(losing).toHaveLength(1)
  never.resolve(ok)
  await time.turn(60_000)
  const delivered = transport.attempts.slice(1).flatMap(({ records }) => records)
  const told = delivered.filter((text) => text.startsWith('lost '))
  expect(told).toEqual([
    `lost ${200 - kept} (${(200 - kept) * line.length}): Some logs were dropped because the downstream consumer is slower than the logs production rate`,
  ])
  expect(delivered.indexOf(told[0] as string)).toBe(0)
  expect(delivered.length - 1).toBe(kept)
  expect(counts.droppedRecords).toBe(200 - kept)
})

describe('a flush', () => {
  const flushed = (promise: Promise<void>): { readonly done: boolean } => {
    const state = { done: false }
    promise.then(() => {
      state.done = true
    })
    return state
  }

  test('delivers what is not due, in batches, and is over with the last', async () => {
    const { time, transport, push, subscriber } = stage()
    push(...Array.from({ length: 1100 }, (_, index) => String(index)))
    await time.turn(0)
    push('last')
    const flush = flushed(subscriber.flush(500))
    await time.turn(0)
    expect(flush.done).toBe(true)
    expect(transport.attempts.map(({ records }) => records.length)).toEqual([1000, 101])
    expect(time.armed).toBeLessThanOrEqual(1)
  })

  test('with nothing to deliver is over at once', async () => {
    const { time, subscriber } = stage()
    const flush = flushed(subscriber.flush(500))
    await time.turn(0)
    expect(flush.done).toBe(true)
  })

  test('is over at its limit, whatever the subscriber does', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [new Promise(() => {})]
    push('a')
    const flush = flushed(subscriber.flush(500))
    await time.turn(499)
    expect(flush.done).toBe(false)
    await time.turn(1)
    expect(flush.done).toBe(true)
  })

  test('does not wait for the pause between two attempts', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [down, down, down, down, ok]
    push('a')
    await time.turn(2000)
    expect(transport.attempts).toHaveLength(4)
    const flush = flushed(subscriber.flush(500))
    await time.turn(0)
    expect(flush.done).toBe(true)
    expect(transport.attempts).toHaveLength(5)
  })

  test('does not wait for somebody who has stopped listening, whose records are kept', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [refused, ok]
    push('a')
    const flush = flushed(subscriber.flush(500))
    await time.turn(0)
    expect(flush.done).toBe(true)
    await time.turn(100)
    expect(transport.attempts.at(-1)).toEqual({ at: 100, records: ['a'] })
  })
})

describe('a subscription that changes', () => {
  test('takes what waits with it', async () => {
    const { time, transport, push, subscriber } = stage()
    push('a')
    const other = new FakeTransport(time)
    subscriber.change({
      types: ['function'],
      buffering: { maxItems: 1000, maxBytes: 262_144, timeoutMs: 50 },
      transport: other,
    })
    push('b')
    await time.turn(1000)
    expect(other.attempts).toEqual([{ at: 50, records: ['a', 'b'] }])
    expect([transport.attempts.length, transport.disposed, other.disposed]).toEqual([0, 1, 0])
  })

  test('tries the new way at once where the old one failed', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [down]
    push('a')
    await time.turn(2000)
    const other = new FakeTransport(time)
    const buffering = { maxItems: 1000, maxBytes: 262_144, timeoutMs: 1000 }
    subscriber.change({ types: ['function'], buffering, transport: other })
    await time.turn(0)
    expect(other.attempts).toEqual([{ at: 2000, records: ['a'] }])
  })

  test('lets a delivery that is under way end', async () => {
    const { time, transport, push, subscriber } = stage()
    const slow = Promise.withResolvers<Delivered>()
    transport.outcomes = [slow.promise]
    push('a')
    await time.turn(1000)
    const other = new FakeTransport(time)
    const buffering = { maxItems: 1000, maxBytes: 262_144, timeoutMs: 1000 }
    subscriber.change({ types: ['function'], buffering, transport: other })
    await time.turn(0)
    expect(transport.disposed).toBe(0)
    slow.resolve(ok)
    await time.turn(2000)
    expect([transport.disposed, other.attempts.length]).toEqual([1, 0])
  })

  const change = (subscriber: Subscriber, transport: Transport): void => {
    const buffering = { maxItems: 1000, maxBytes: 262_144, timeoutMs: 1000 }
    subscriber.change({ types: ['function'], buffering, transport })
  }

  // an attempt and the change of its subscription, in each order
  test('has one way left when it changes in the pause between two attempts', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [down]
    push('a')
    await time.turn(1050)
    const other = new FakeTransport(time)
    change(subscriber, other)
    await time.turn(5000)
    expect([transport.disposed, transport.attempts.length]).toEqual([1, 1])
    expect([other.disposed, other.attempts]).toEqual([0, [{ at: 1050, records: ['a'] }]])
  })

  test('has one way left when it changes twice during one attempt, whose batch goes once more when it fails', async () => {
    for (const [outcome, again] of [
      [down, [{ at: 2000, records: ['a'] }]],
      [ok, []],
    ] as const) {
      const { time, transport, push, subscriber } = stage()
      const slow = Promise.withResolvers<Delivered>()
      transport.outcomes = [slow.promise]
      push('a')
      await time.turn(2000)
      const second = new FakeTransport(time)
      const third = new FakeTransport(time)
      change(subscriber, second)
      change(subscriber, third)
      expect([transport.disposed, second.disposed, third.disposed]).toEqual([0, 1, 0])
      slow.resolve(outcome)
      await time.turn(5000)
      expect([transport.disposed, second.attempts, third.attempts]).toEqual([1, [], [...again]])
      subscriber[Symbol.dispose]()
      expect([transport.disposed, second.disposed, third.disposed]).toEqual([1, 1, 1])
    }
  })

  test('ends with the attempt that is under way on its old way', async () => {
    const { time, transport, push, subscriber } = stage()
    transport.outcomes = [new Promise(() => {})]
    push('a')
    await time.turn(1000)
    const other = new FakeTransport(time)
    change(subscriber, other)
    subscriber[Symbol.dispose]()
    expect([transport.disposed, other.disposed]).toEqual([1, 1])
  })
})

test('after its end nothing is delivered, and no timer is left', async () => {
  const { time, transport, push, subscriber } = stage()
  transport.outcomes = [down]
  push('a')
  await time.turn(1050)
  const flush = subscriber.flush(1000)
  subscriber[Symbol.dispose]()
  await flush
  push('b')
  const { length } = transport.attempts
  await time.turn(20_000)
  expect([transport.attempts.length, transport.disposed, time.armed]).toEqual([length, 1, 0])
})
