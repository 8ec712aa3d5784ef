import { expect, test } from 'bun:test'
import { Delays } from '../../src/engine/delays.ts'
import { Random } from '../faults/random.ts'

test('what is due comes out once, the earliest first', () => {
  const delays = new Delays<string>()
  expect(delays.next).toBe(Number.POSITIVE_INFINITY)
  expect(delays.add('slow', 50, 0)).toBe(50)
  delays.add('quick', 10, 20)
  delays.add('quicker', 10, 25)
  expect(delays.next).toBe(30)
  expect(delays.due(29)).toEqual([])
  expect(delays.due(50)).toEqual(['quick', 'quicker', 'slow'])
  expect([delays.due(1000), delays.next]).toEqual([[], Number.POSITIVE_INFINITY])
})

test('all come out at once for those who stop', () => {
  const delays = new Delays<string>()
  delays.add('a', 5, 0)
  delays.add('b', 9000, 0)
  expect(delays.clear().sort()).toEqual(['a', 'b'])
  expect([delays.clear(), delays.next]).toEqual([[], Number.POSITIVE_INFINITY])
})

test('random ones come out like those of a sorted list', () => {
  const random = new Random('20261129', 'delays')
  const delays = new Delays<number>()
  let naive: { item: number; due: number }[] = []
  let now = 0
  for (let item = 0; item < 2000; item++) {
    now += random.int(0, 5)
    const delay = random.pick([0, 1, 7, 60])
    delays.add(item, delay, now)
    naive.push({ item, due: now + delay })
    if (!random.chance(0.3)) continue
    const due = naive.filter((one) => one.due <= now).toSorted((one, other) => one.due - other.due)
    naive = naive.filter((one) => one.due > now)
    expect(delays.due(now).toSorted((one, other) => one - other)).toEqual(
      due.map((one) => one.item).toSorted((one, other) => one - other),
    )
    expect(delays.next).toBe(Math.min(...naive.map((one) => one.due)))
  }
})
