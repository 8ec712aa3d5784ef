/**
 * A few hundred random faults: a fixed seed, so that what passed goes on passing, and one that nobody has chosen. Ten
 * thousand are `bun test/faults/run.ts`.
 */
import { expect, test } from 'bun:test'
import { planFault } from './plans.ts'
import { Random } from './random.ts'
import { buildScripted } from './scripted-process.ts'
import { runVariants, tell, variantsFor } from './variants.ts'

const scripted = await buildScripted()
if ('missing' in scripted) console.log(`faults: skipped, ${scripted.missing}`)

const fresh = String(Math.floor(Math.random() * 1e9))

for (const [title, seed] of [
  ['that passed before', '20261124'],
  [`of seed ${fresh}`, fresh],
]) {
  const run = async (): Promise<void> => {
    const variants = variantsFor(110)
    const options = { seed: seed as string, subject: 'source', variants, patience: 1 }
    const results = await runVariants({ ...options, scripted: 'path' in scripted ? scripted.path : '' })
    const failures = results.flatMap((result) => result.failures)
    if (failures.length > 0) console.log(tell(results))
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in scripted)(`an emulator survives faults ${title}`, run, 120_000)
}

test('a pattern that no fault of a variant matches is an error, not a search without end', () => {
  const random = new Random('any')
  expect(planFault('one', 0, random, /SIGKILL/).kind).toContain('SIGKILL')
  expect(() => planFault('clock', 0, random, /SIGKILL/)).toThrow('variant clock has no kind of fault')
}, 60_000)
