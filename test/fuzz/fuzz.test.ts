/** A few thousand broken requests, of a fixed seed and of the commit's; two hundred thousand are `bun test/fuzz/run.ts`. */
import { expect, test } from 'bun:test'
import { buildScripted } from '../faults/scripted-process.ts'
import { programOf } from '../kit/launch.ts'
import { commitSeed } from '../kit/seed.ts'
import { attack } from './attack.ts'

const scripted = await buildScripted()
if ('missing' in scripted) console.log(`fuzz: skipped, ${scripted.missing}`)

for (const seed of ['20261124', commitSeed]) {
  const run = async (): Promise<void> => {
    const path = 'path' in scripted ? scripted.path : ''
    const program = programOf('source')
    const options = { program, scripted: path, requests: 2500, connections: 500 }
    const { failures } = await attack({ ...options, seed })
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in scripted)(`all three ports survive broken requests of seed ${seed}`, run, 240_000)
}
