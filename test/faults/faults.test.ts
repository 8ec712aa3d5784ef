/**
 * A few hundred random faults: a fixed seed, so that what passed goes on passing, and one that nobody has chosen. Ten
 * thousand are `bun test/faults/run.ts`.
 */
import { expect, test } from 'bun:test'
import { lanesFor, runLanes, tell } from './lanes.ts'
import { buildPuppet } from './puppet.ts'

const puppet = await buildPuppet()
if ('missing' in puppet) console.log(`faults: skipped, ${puppet.missing}`)

const fresh = String(Math.floor(Math.random() * 1e9))

for (const [title, seed] of [
  ['that passed before', '20261124'],
  [`of seed ${fresh}`, fresh],
]) {
  const run = async (): Promise<void> => {
    const lanes = lanesFor(110)
    const options = { seed: seed as string, subject: 'source', lanes, patience: 1 }
    const results = await runLanes({ ...options, puppet: 'path' in puppet ? puppet.path : '' })
    const failures = results.flatMap((result) => result.failures)
    if (failures.length > 0) console.log(tell(results))
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in puppet)(`an emulator survives faults ${title}`, run, 120_000)
}
