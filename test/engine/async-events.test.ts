import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import { maxWaitingEventBytes, maxWaitingEvents } from '../../src/core/limits.ts'
import { AsyncEvents, type AsyncParts, type EndedEvent, type Timer } from '../../src/engine/async-events.ts'
import type { EventRequest } from '../../src/engine/event-invocation.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import { encoded } from '../../src/http/collect.ts'
import { Random } from '../faults/random.ts'
import { FakeClock, fakeLog, requestId } from './fakes.ts'

/** A clock whose timers fire when it is moved past them. */
class Time extends FakeClock {
  readonly timers: { at: number; readonly fire: () => void }[] = []

  readonly timer = (fire: () => void): Timer => {
    const timer = { at: Number.POSITIVE_INFINITY, fire }
    this.timers.push(timer)
    return Object.assign(timer, {
      armAt(at: number) {
        timer.at = at
      },
      [Symbol.dispose]() {
        timer.at = Number.POSITIVE_INFINITY
      },
    })
  }

  /** Seconds pass, and everything in them happens in its order. */
  pass(seconds: number): void {
    const end = this.monotonic + seconds * 1000
    for (;;) {
      const [first] = this.timers.toSorted((one, other) => one.at - other.at)
      if (first === undefined || first.at > end) break
      if (first.at > this.monotonic) this.advance(first.at - this.monotonic)
      first.at = Number.POSITIVE_INFINITY
      first.fire()
    }
    this.advance(end - this.monotonic)
  }
}

const response: Outcome = { kind: 'response', payload: encoded('"ok"'), contentType: null }
const timeout: Outcome = { kind: 'timeout' }

/** A pool that is told what to do: invocations wait until they are placed, and run until they are settled. */
class ScriptedPool {
  readonly queue: Invocation[] = []
  readonly running: Invocation[] = []
  /** what becomes of one that comes */
  onInvoke: (invocation: Invocation) => void = (invocation) => this.queue.push(invocation)

  readonly invoke = (invocation: Invocation): void => this.onInvoke(invocation)

  readonly withdraw = (invocation: Invocation): boolean => {
    const index = this.queue.indexOf(invocation)
    if (index < 0) return false
    this.queue.splice(index, 1)
    return true
  }

  /** The first that waits runs. */
  place(): Invocation {
    const invocation = this.queue.shift()
    if (invocation === undefined) throw new Error('nothing waits')
    invocation.placed?.()
    this.running.push(invocation)
    return invocation
  }

  run(outcome: Outcome): void {
    const invocation = this.place()
    this.running.splice(this.running.indexOf(invocation), 1)
    invocation.settle(outcome)
  }
}

function staged(over: Partial<AsyncParts> = {}) {
  const time = new Time()
  const pool = new ScriptedPool()
  const log = fakeLog()
  const ended: EndedEvent[] = []
  const events = new AsyncEvents({
    maxRetries: 2,
    maxAgeMs: 3_600_000,
    retryDelaysMs: [60_000, 120_000],
    clock: time,
    timer: time.timer,
    pool,
    log,
    ended: (event) => ended.push(event),
    ...over,
  })
  const ends = (): string[] =>
    ended.map(({ request, condition, tries, outcome }) =>
      [request.id, condition, tries, outcome?.kind ?? 'never ran'].join(' '),
    )
  return { time, pool, log, events, ends }
}

const event = (name: string, payload = '{}'): EventRequest => ({
  id: requestId(name),
  payload: encoded(payload),
  arn: 'arn:aws:lambda:us-east-1:012345678912:function:f',
  traceId: `Root=${name}`,
  clientContext: null,
  cognitoIdentity: null,
  tenant: null,
})

describe('an event', () => {
  test('that succeeds runs once', () => {
    const { events, pool, ends, time } = staged()
    expect(events.accept(event('a'))).toBe('accepted')
    pool.run(response)
    time.pass(9000)
    expect([ends(), pool.queue, events.has(requestId('a'))]).toEqual([['a Success 1 response'], [], false])
  })

  test('that fails is tried after a minute and after two more, with the same id and trace', () => {
    const { events, pool, ends, time, log } = staged()
    events.accept(event('a'))
    const tries: unknown[] = []
    for (const seconds of [60, 120, 0]) {
      const { id, traceId, deadline, startedAt } = pool.queue[0]!
      tries.push([time.monotonic, id, traceId, deadline, startedAt])
      pool.run(timeout)
      if (seconds === 0) break
      time.pass(seconds - 0.001)
      expect(pool.queue).toEqual([])
      expect(events.has(requestId('a'))).toBe(true)
      time.pass(0.001)
    }
    expect(tries as unknown).toEqual([
      [1000, 'a', 'Root=a', 0, 0],
      [61_000, 'a', 'Root=a', 0, 0],
      [181_000, 'a', 'Root=a', 0, 0],
    ])
    expect(ends()).toEqual(['a RetriesExhausted 3 timeout'])
    expect(log.lines).toEqual([
      {
        level: 'info',
        fields: { requestId: 'a', tries: 1, status: 'timeout', errorType: null, delaySeconds: 60 },
        message: 'an event failed and will be tried again',
      },
      {
        level: 'info',
        fields: { requestId: 'a', tries: 2, status: 'timeout', errorType: null, delaySeconds: 120 },
        message: 'an event failed and will be tried again',
      },
      {
        level: 'warn',
        fields: { requestId: 'a', bytes: 2, tries: 3, condition: 'RetriesExhausted' },
        message: 'an event failed, and is not tried again',
      },
    ])
  })

  test('each try is an invocation of its own: extensions may be busy with the last one', () => {
    const { events, pool, time } = staged({ retryDelaysMs: [0] })
    events.accept(event('a'))
    const [first] = pool.queue
    pool.run(timeout)
    time.pass(0)
    expect(pool.queue).toHaveLength(1)
    expect(pool.queue[0]).not.toBe(first as Invocation)
  })

  test('that waits for an environment past its age is taken back', () => {
    const { events, pool, ends, time } = staged({ maxAgeMs: 10_000 })
    events.accept(event('a'))
    time.pass(4)
    events.accept(event('b'))
    time.pass(5.999)
    expect(ends()).toEqual([])
    time.pass(0.001)
    expect(ends()).toEqual(['a EventAgeExceeded 0 never ran'])
    time.pass(4)
    expect(ends().slice(1)).toEqual(['b EventAgeExceeded 0 never ran'])
    expect([pool.queue, events.state]).toEqual([[], { waiting: 0, waitingBytes: 0 }])
  })

  test('that runs past its age runs to its end, and does not hold up the age of others', () => {
    const { events, pool, ends, time } = staged({ maxAgeMs: 10_000 })
    events.accept(event('long'))
    const long = pool.place()
    events.accept(event('b'))
    time.pass(10)
    expect(ends()).toEqual(['b EventAgeExceeded 0 never ran'])
    time.pass(100)
    long.settle(timeout)
    expect(ends()[1]).toBe('long EventAgeExceeded 1 timeout')
  })

  test('whose retry waits for an environment past its age keeps what its last try came to', () => {
    const { events, pool, ends, time } = staged({ maxAgeMs: 70_000 })
    events.accept(event('a'))
    pool.run(timeout)
    time.pass(60)
    expect(pool.queue).toHaveLength(1)
    time.pass(10)
    expect(ends()).toEqual(['a EventAgeExceeded 1 timeout'])
  })

  test('that finds no environment comes back ever later, which is no try', () => {
    const { events, pool, ends, time } = staged()
    const seen: number[] = []
    pool.onInvoke = (invocation) => {
      seen.push((time.monotonic - 1000) / 1000)
      if (seen.length < 5) invocation.settle({ kind: 'throttled' })
      else pool.queue.push(invocation)
    }
    events.accept(event('a'))
    time.pass(15)
    expect(seen).toEqual([0, 1, 3, 7, 15])
    expect(events.state.waiting).toBe(1)
    pool.run(timeout)
    // the next ones begin at 1 s again
    seen.length = 0
    time.pass(61)
    expect(seen).toEqual([75, 76])
    expect(ends()).toEqual([])
  })
})

describe('what waits', () => {
  test('is counted until it runs, and again until its next try', () => {
    const { events, pool, time } = staged()
    events.accept(event('a', '"1234"'))
    events.accept(event('b', '1'))
    const seen = [events.state]
    pool.run(timeout)
    pool.place()
    seen.push(events.state)
    time.pass(60)
    seen.push(events.state)
    pool.place()
    seen.push(events.state)
    expect(seen).toEqual([
      { waiting: 2, waitingBytes: 7 },
      { waiting: 1, waitingBytes: 6 },
      { waiting: 1, waitingBytes: 6 },
      { waiting: 0, waitingBytes: 0 },
    ])
  })

  test('is bounded in bytes, at the byte', () => {
    const { events, pool } = staged()
    const big = { ...event('x'), payload: { size: maxWaitingEventBytes / 64, chunks: [] } }
    for (let count = 0; count < 64; count++) {
      expect(events.accept({ ...big, id: requestId(`${count}`) })).toBe('accepted')
    }
    expect(events.accept({ ...event('more'), payload: { size: 1, chunks: [] } })).toBe('full')
    pool.place()
    expect(events.accept(big)).toBe('accepted')
  })

  test('is bounded in number', () => {
    const { events } = staged()
    for (let count = 0; count < maxWaitingEvents; count++) events.accept(event(`${count}`))
    expect(events.accept(event('more'))).toBe('full')
    expect(events.state.waiting).toBe(maxWaitingEvents)
  })
})

describe('when the emulator stops', () => {
  test('what never ran is run, what waits for another try is not, and each is told', () => {
    const { events, pool, ends, time, log } = staged()
    events.accept(event('failed'))
    pool.run(timeout)
    pool.onInvoke = (invocation) => invocation.settle({ kind: 'throttled' })
    events.accept(event('never'))
    pool.onInvoke = (invocation) => pool.queue.push(invocation)
    events.stop()
    expect(ends()).toEqual(['failed EmulatorStopped 1 timeout'])
    expect(events.accept(event('late'))).toBe('stopping')
    pool.run(response)
    time.pass(9000)
    expect(ends().slice(1)).toEqual(['never Success 1 response'])
    expect(log.lines.at(-1)).toEqual({
      level: 'warn',
      fields: { requestId: 'failed', bytes: 2, tries: 1, condition: 'EmulatorStopped' },
      message: 'an event is not run: the emulator stops',
    })
  })

  test('what fails meanwhile is not tried again, nor what the limit cuts', () => {
    const { events, pool, ends } = staged()
    for (const name of ['fails', 'cut', 'unplaced']) events.accept(event(name))
    events.stop()
    pool.run(timeout)
    pool.run({ kind: 'shutdown' })
    pool.queue[0]!.settle({ kind: 'shutdown' })
    expect(ends()).toEqual([
      'fails EmulatorStopped 1 timeout',
      'cut EmulatorStopped 1 never ran',
      'unplaced EmulatorStopped 0 never ran',
    ])
  })

  test('idle waits for all of them', async () => {
    const { events, pool, time } = staged()
    await events.idle()
    events.accept(event('a'))
    let idle = false
    const waits = events.idle().then(() => {
      idle = true
    })
    pool.run(timeout)
    await Promise.resolve()
    expect(idle).toBe(false)
    time.pass(60)
    pool.run(response)
    await waits
  })
})

test.each(['20261129', crypto.randomUUID()])(
  'random lives end once, and keep their rules: seed %s',
  (seed) => {
    const random = new Random(seed)
    const { events, pool, ends, time } = staged({ maxAgeMs: 400_000 })
    const accepted = new Map<string, number>()
    const failed = new Map<string, number>()
    pool.onInvoke = (invocation) => {
      const last = failed.get(invocation.id)
      // never before its delay
      if (last !== undefined) expect(time.monotonic - last).toBeGreaterThanOrEqual(60_000)
      if (random.chance(0.2)) {
        invocation.settle({ kind: 'throttled' })
        return
      }
      pool.queue.push(invocation)
    }
    for (let step = 0; step < 3000; step++) {
      if (random.chance(0.3)) {
        const name = `e${step}`
        if (events.accept(event(name)) === 'accepted') accepted.set(name, time.monotonic)
      }
      if (pool.queue.length > 0 && random.chance(0.5)) {
        const { id } = pool.place()
        expect(time.monotonic - (accepted.get(id) as number)).toBeLessThanOrEqual(400_000)
      }
      if (pool.running.length > 0 && random.chance(0.5)) {
        const [one] = pool.running.splice(random.int(0, pool.running.length - 1), 1) as [Invocation]
        const outcome: Outcome = random.chance(0.4) ? response : timeout
        if (outcome === timeout) failed.set(one.id, time.monotonic)
        one.settle(outcome)
      }
      time.pass(random.int(0, 20))
    }
    events.stop()
    pool.onInvoke = (invocation) => pool.queue.push(invocation)
    while (pool.queue.length > 0) pool.run(response)
    for (const one of pool.running.splice(0)) one.settle({ kind: 'shutdown' })
    expect(
      ends()
        .map((line) => line.split(' ')[0] as string)
        .toSorted(),
    ).toEqual([...accepted.keys()].toSorted())
    expect(events.state).toEqual({ waiting: 0, waitingBytes: 0 })
  },
)
