import { expect, test } from 'bun:test'
import { Few } from '../../src/engine/few.ts'

test('it holds what a Map would hold, whatever comes and goes', () => {
  const few = new Few<number, string>()
  const map = new Map<number, string>()
  let seed = 20_261_127
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % below
  }
  for (let round = 0; round < 2000; round++) {
    const key = random(8)
    if (map.has(key)) {
      expect(few.take(key)).toBe(map.get(key) as string)
      map.delete(key)
    } else if (random(3) > 0) {
      few.add(key, `value ${round}`)
      map.set(key, `value ${round}`)
    }
    expect(few.size).toBe(map.size)
    for (let other = 0; other < 8; other++) {
      expect(few.has(other)).toBe(map.has(other))
      expect(few.get(other)).toBe(map.get(other))
    }
  }
  expect(few.take(99)).toBeUndefined()
})
