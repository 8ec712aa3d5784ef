/** A few thousand broken requests; two hundred thousand are `bun test/fuzz/run.ts`. */
import { expect, test } from 'bun:test'
import { buildScripted } from '../faults/scripted-process.ts'
import { programOf } from '../kit/launch.ts'
import { attack } from './attack.ts'

const scripted = await buildScripted()
if ('missing' in scripted) console.log(`fuzz: skipped, ${scripted.missing}`)

const fresh = String(Math.floor(Math.random() * 1e9))

for (const [title, seed] of [
  ['that passed before', '20261124'],
  [`of seed ${fresh}`, fresh],
]) {
  const run = async (): Promise<void> => {
    const path = 'path' in scripted ? scripted.path : ''
    const program = programOf('source')
    const options = { program, scripted: path, requests: 2500, connections: 500 }
    const { failures } = await attack({ ...options, seed: seed as string })
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in scripted)(`all three ports survive broken requests ${title}`, run, 120_000)
}
