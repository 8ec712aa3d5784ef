import { expect, setDefaultTimeout, test } from 'bun:test'
import { patience } from '../../harness.ts'
import { faultyRound } from './faulty.ts'
import { round } from './round.ts'

setDefaultTimeout(6 * patience)

/** Some of the rounds; `bun run faults durable` has 500 of them. */
test.each([1, 2, 3, 4, 5, 6])('a run goes on after the emulator was killed, round %i', async (seed) => {
  const { kills } = await round(seed, undefined)
  expect(kills).toBeGreaterThan(0)
})

test.each([1, 2, 3, 4])('a run ends right whatever becomes of its calls, round %i', async (seed) => {
  const happened = await faultyRound(seed, undefined)
  expect(happened.size).toBeGreaterThan(0)
})
