import { describe, expect, test } from 'bun:test'
import { Conditions } from '../../src/engine/conditions.ts'
import { realClock } from './fakes.ts'

describe('conditions that are waited for', () => {
  test('resolves when its condition holds, at once if it does already', async () => {
    let holds = true
    const conditions = new Conditions(realClock.now)
    await conditions.until(() => holds)
    holds = false
    const seen: string[] = []
    const waits = conditions.until(() => holds).then(() => seen.push('resolved'))
    conditions.check()
    await Promise.resolve()
    expect(seen).toEqual([])
    holds = true
    conditions.check()
    await waits
    expect(seen).toEqual(['resolved'])
  })
})
