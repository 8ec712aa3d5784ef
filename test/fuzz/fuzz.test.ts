/** A few thousand broken requests; two hundred thousand are `bun test/fuzz/run.ts`. */
import { expect, test } from 'bun:test'
import { buildPuppet } from '../faults/puppet.ts'
import { programOf } from '../kit/launch.ts'
import { attack } from './attack.ts'

const puppet = await buildPuppet()
if ('missing' in puppet) console.log(`fuzz: skipped, ${puppet.missing}`)

const fresh = String(Math.floor(Math.random() * 1e9))

for (const [title, seed] of [
  ['that passed before', '20261124'],
  [`of seed ${fresh}`, fresh],
]) {
  const run = async (): Promise<void> => {
    const path = 'path' in puppet ? puppet.path : ''
    const program = programOf('source')
    const options = { program, puppet: path, requests: 2500, connections: 500 }
    const { failures } = await attack({ ...options, seed: seed as string })
    expect(failures).toEqual([])
  }
  test.skipIf('missing' in puppet)(`both ports survive broken requests ${title}`, run, 120_000)
}
