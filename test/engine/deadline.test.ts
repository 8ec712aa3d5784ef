import { afterEach, expect, spyOn, test } from 'bun:test'
import { Deadline } from '../../src/engine/deadline.ts'
import { until } from '../harness.ts'
import { FakeClock } from './fakes.ts'

const restore: (() => void)[] = []
afterEach(() => {
  for (const one of restore.splice(0)) one()
})

/** Counts the timers of the system that are set from here on. */
function timers(): { readonly set: () => number } {
  const spy = spyOn(globalThis, 'setTimeout')
  restore.push(() => spy.mockRestore())
  return { set: () => spy.mock.calls.length }
}

test('a deadline fires once, and not before its time on its own clock', async () => {
  const clock = new FakeClock()
  const fired: number[] = []
  using deadline = new Deadline(clock.now, () => fired.push(clock.now()))
  const system = timers()
  deadline.arm(2)
  // the clock stands still, so however often the system's timer fires it is early
  await until('the timer to have been early three times', () => system.set() >= 4)
  expect({ fired, armed: deadline.armed }).toEqual({ fired: [], armed: true })
  clock.advance(2)
  await until('the deadline to fire', () => fired.length > 0)
  expect({ fired, armed: deadline.armed }).toEqual({ fired: [1002], armed: false })
})

test('a deadline that is armed again later fires once, then', async () => {
  const fired: number[] = []
  const started = performance.now()
  using deadline = new Deadline(performance.now.bind(performance), () =>
    fired.push(performance.now() - started),
  )
  deadline.arm(1)
  deadline.arm(20)
  await until('the deadline to fire', () => fired.length > 0)
  expect(fired).toHaveLength(1)
  expect(fired[0]).toBeGreaterThanOrEqual(20)
})

test('a deadline that is armed again earlier fires earlier', async () => {
  let fired = 0
  using deadline = new Deadline(performance.now.bind(performance), () => fired++)
  deadline.arm(1_000_000)
  deadline.arm(1)
  await until('the deadline to fire', () => fired > 0)
  expect({ fired, armed: deadline.armed }).toEqual({ fired: 1, armed: false })
})

test('a deadline can be armed by what it fires', async () => {
  let fired = 0
  using deadline: Deadline = new Deadline(performance.now.bind(performance), () => {
    if (++fired < 3) deadline.arm(1)
  })
  deadline.arm(1)
  await until('three rounds', () => fired === 3)
  expect(deadline.armed).toBe(false)
})

test('a deadline that is disarmed does not fire, and its timer serves the next one', async () => {
  const fired: string[] = []
  using deadline = new Deadline(performance.now.bind(performance), () => fired.push('disarmed'))
  const system = timers()
  for (let round = 0; round < 100; round++) {
    deadline.arm(5)
    deadline.disarm()
  }
  expect({ armed: deadline.armed, timers: system.set() }).toEqual({ armed: false, timers: 1 })
  using later = new Deadline(performance.now.bind(performance), () => fired.push('later'))
  later.arm(15)
  await until('a later deadline to fire', () => fired.length > 0)
  expect(fired).toEqual(['later'])
})

test('a deadline that was disposed does not fire, and can be disposed again', async () => {
  const fired: string[] = []
  const deadline = new Deadline(performance.now.bind(performance), () => fired.push('disposed'))
  deadline.arm(1)
  deadline[Symbol.dispose]()
  deadline[Symbol.dispose]()
  using later = new Deadline(performance.now.bind(performance), () => fired.push('later'))
  later.arm(10)
  await until('a later deadline to fire', () => fired.length > 0)
  expect({ fired, armed: deadline.armed }).toEqual({ fired: ['later'], armed: false })
})
