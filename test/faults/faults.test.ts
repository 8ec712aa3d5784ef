/**
 * A few hundred random faults: of a fixed seed, so that what passed goes on passing, and of the commit's. Ten thousand
 * are `bun test/faults/run.ts`.
 */
import { expect, test } from 'bun:test'
import { commitSeed } from '../kit/seed.ts'
import { planFault } from './plans.ts'
import { Random } from './random.ts'
import { buildScripted } from './scripted-process.ts'
import { runVariants, tell, variantsFor } from './variants.ts'

const scripted = await buildScripted()
if ('missing' in scripted) console.log(`faults: skipped, ${scripted.missing}`)

for (const seed of ['20261124', commitSeed]) {
  const run = async (): Promise<void> => {
    const variants = variantsFor(110)
    const options = { seed, subject: 'source', variants, patience: 1 }
    const results = await runVariants({ ...options, scripted: 'path' in scripted ? scripted.path : '' })
    const failures = results.flatMap((result) => result.failures)
    if (failures.length > 0) console.log(tell(results))
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in scripted)(`an emulator survives faults of seed ${seed}`, run, 240_000)
}

test('a pattern that no fault of a variant matches is an error, not a search without end', () => {
  const random = new Random('any')
  expect(planFault('one', 0, random, /SIGKILL/).kind).toContain('SIGKILL')
  expect(() => planFault('clock', 0, random, /SIGKILL/)).toThrow('variant clock has no kind of fault')
}, 60_000)
