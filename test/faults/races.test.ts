/** Races that a fault run has found and that were repaired since; each is played until it would have shown itself. */
import { expect, test } from 'bun:test'
import { buildScripted } from './scripted-process.ts'
import { runVariants } from './variants.ts'

const scripted = await buildScripted()
if ('missing' in scripted) console.log(`races: skipped, ${scripted.missing}`)

const races: Record<string, RegExp> = {
  // the new poll was seen before the end of the old one: an event went to the dead connection, or an extension was
  // refused for polling twice
  'a poll on a new connection against the end of the old one': /(closes|resets) @polling/,
}

for (const [race, only] of Object.entries(races)) {
  const play = async (): Promise<void> => {
    const variants = [{ name: 'one', number: 1, from: 0, faults: 120 } as const]
    const path = 'path' in scripted ? scripted.path : ''
    const results = await runVariants({
      seed: '6',
      subject: 'source',
      variants,
      scripted: path,
      only,
      patience: 1,
    })
    expect(results.flatMap(({ failures }) => failures)).toEqual([])
  }
  test.skipIf('missing' in scripted)(`${race} harms nobody`, play, 240_000)
}
