import { expect, test } from 'bun:test'
import { Few } from '../../src/engine/few.ts'

test('it is a map, whatever is set and deleted in which order', () => {
  const keys = ['a', 'b', 'c', 'd']
  // every sequence of four actions on four keys, from each of which a map and a few come out alike
  const actions = keys.flatMap((key) => [
    (few: { set(key: string, value: object): void }, value: object) => few.set(key, value),
    (few: { delete(key: string): boolean }) => few.delete(key),
  ])
  for (let sequence = 0; sequence < actions.length ** 4; sequence++) {
    const [few, map] = [new Few<string, object>(), new Map<string, object>()]
    for (let rest = sequence, step = 0; step < 4; step++, rest = Math.floor(rest / actions.length)) {
      const action = actions[rest % actions.length] as (typeof actions)[number]
      const value = {}
      const [one, other] = [action(few, value), action(map, value)]
      if (typeof one === 'boolean') expect(one).toBe(other as boolean)
    }
    for (const key of keys) {
      if (few.get(key) !== map.get(key))
        expect([sequence, key, few.get(key)]).toEqual([sequence, key, map.get(key)])
      if (few.has(key) !== map.has(key))
        expect([sequence, key, few.has(key)]).toEqual([sequence, key, map.has(key)])
    }
  }
})
