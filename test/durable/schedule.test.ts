import { expect, test } from 'bun:test'
import { type Alarm, Schedule } from '../../src/durable/schedule.ts'

/** An alarm that is rung by hand, and remembers what it was set to. */
function fakeAlarm() {
  const set: number[] = []
  const alarm: Alarm = { set: (at) => set.push(at), [Symbol.dispose]: () => set.push(-1) }
  return { alarm, set }
}

test('what is due comes out, the earliest first, and the alarm is set for the next', () => {
  const { alarm, set } = fakeAlarm()
  const schedule = new Schedule<string>(alarm)
  for (const [name, at] of [
    ['c', 30],
    ['a', 10],
    ['d', 40],
    ['b', 20],
  ] as const)
    schedule.set(name, at)
  expect(set).toEqual([30, 10])
  expect(schedule.due(9)).toEqual([])
  expect(schedule.due(30)).toEqual(['a', 'b', 'c'])
  expect(set.at(-1)).toBe(40)
  expect(schedule.due(40)).toEqual(['d'])
  expect(schedule.due(1000)).toEqual([])
})

test('a time that changes counts once, earlier or later, and never is never', () => {
  const { alarm, set } = fakeAlarm()
  const schedule = new Schedule<string>(alarm)
  schedule.set('later', 10)
  schedule.set('later', 50)
  schedule.set('earlier', 60)
  schedule.set('earlier', 20)
  schedule.set('never', 5)
  schedule.set('never', Number.POSITIVE_INFINITY)
  schedule.set('same', 30)
  schedule.set('same', 30)
  expect(schedule.due(40)).toEqual(['earlier', 'same'])
  expect(schedule.due(60)).toEqual(['later'])
  schedule[Symbol.dispose]()
  expect(set.at(-1)).toBe(-1)
})

test('as many as there are come out in order', () => {
  const { alarm } = fakeAlarm()
  const schedule = new Schedule<number>(alarm)
  const times = Array.from({ length: 500 }, (_, index) => (index * 7919) % 1009)
  for (const [index, at] of times.entries()) schedule.set(index, at)
  const out: number[] = []
  for (let now = 0; now < 1009; now += 100)
    out.push(...schedule.due(now).map((index) => times[index] as number))
  out.push(...schedule.due(2000).map((index) => times[index] as number))
  expect(out).toEqual(times.toSorted((one, other) => one - other))
})
