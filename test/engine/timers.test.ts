import { expect, test } from 'bun:test'
import type { Event } from '../../src/core/event.ts'
import { Timers } from '../../src/engine/timers.ts'
import { until } from '../harness.ts'
import { invocation, realClock, requestId } from './fakes.ts'

function timers(functionTimeoutMs: number) {
  const events: Event[] = []
  const all = new Timers({ clock: realClock, functionTimeoutMs, initTimeoutMs: 0 }, (event) =>
    events.push(event),
  )
  return { all, events }
}

test('the deadlines of several invocations fire in the order of their arrival, without those that are over', async () => {
  const { all, events } = timers(20)
  using _ = all
  const now = realClock.now()
  for (const name of ['a', 'b', 'c', 'd']) all.armDeadline(invocation(name), now)
  all.disarmDeadline(requestId('d'))
  all.disarmDeadline(requestId('b'))
  all.disarmDeadline(requestId('nobody'))
  await until('the last deadline', () => events.length === 2)
  expect(events).toEqual([
    { type: 'deadline', id: requestId('a') },
    { type: 'deadline', id: requestId('c') },
  ])
  expect(realClock.now() - now).toBeGreaterThanOrEqual(20)
})

test('a deadline that runs is not begun again, and a later one waits for its own time', async () => {
  const { all, events } = timers(30)
  using _ = all
  const [first, second] = [invocation('first'), invocation('second')]
  const now = realClock.now()
  all.armDeadline(first, now - 25)
  all.armDeadline(first, now)
  expect(first.startedAt).toBe(now - 25)
  all.armDeadline(second, now)
  await until('both deadlines', () => events.length === 2)
  expect(events).toEqual([first, second].map(({ id }) => ({ type: 'deadline', id })))
  expect(realClock.now() - now).toBeGreaterThanOrEqual(30)
})
