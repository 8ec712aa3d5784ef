/** Races that a fault run has found and that were repaired since; each is played until it would have shown itself. */
import { expect, test } from 'bun:test'
import { runLanes } from './lanes.ts'
import { buildPuppet } from './puppet.ts'

const puppet = await buildPuppet()
if ('missing' in puppet) console.log(`races: skipped, ${puppet.missing}`)

const races: Record<string, RegExp> = {
  // the new poll was seen before the end of the old one: an event went to the dead connection, or an extension was
  // refused for polling twice
  'a poll on a new connection against the end of the old one': /(closes|resets) @polling/,
}

for (const [race, only] of Object.entries(races)) {
  const play = async (): Promise<void> => {
    const lanes = [{ name: 'one', number: 1, from: 0, faults: 120 } as const]
    const path = 'path' in puppet ? puppet.path : ''
    const results = await runLanes({ seed: '6', subject: 'source', lanes, puppet: path, only, patience: 1 })
    expect(results.flatMap(({ failures }) => failures)).toEqual([])
  }
  test.skipIf('missing' in puppet)(`${race} harms nobody`, play, 120_000)
}
