/** What a killed emulator leaves behind, at moments at which it starts no process; `bun run faults killed` takes all. */
import { expect, test } from 'bun:test'
import { programOf } from '../kit/launch.ts'
import { killedRound } from './killed.ts'

const lacks = Bun.which('curl') === null
if (lacks) console.log('killed: skipped, curl is not installed')

const layers = [
  ['the layer of this machine', {}],
  ['the portable layer', { AWS_LAMBDA_RIE_PORTABLE: '1' }],
] as const
const lives = layers.flatMap(([layer, env]) =>
  (['an invocation', 'its shutdown'] as const).map((moment) => [moment, layer, env] as const),
)

test.skipIf(lacks).each(lives)(
  'an emulator that is killed in %s leaves nothing behind, on %s',
  async (moment, _, env) => {
    const killed = await killedRound({ seed: 'any', program: programOf('source'), moment, env })
    expect(killed).toMatchObject({ moment, unguarded: 0 })
  },
  60_000,
)
