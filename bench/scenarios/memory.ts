/** What stays resident after many invocations. */
import { probe } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Scenario } from '../scenario.ts'

const invocationCount = 100_000

export const memory: Scenario = {
  name: 'memory',
  about: `resident memory of the emulator after ${invocationCount.toLocaleString('en')} invocations`,
  metrics: ['rss', 'errors'],
  subjects: ['reference', 'cargo-lambda', 'ours', 'bun-relay', 'native-relay', 'c-relay'],
  goals: [{ metric: 'rss', is: 'at most', factor: 50 }],
  rounds: 1,
  async measure(subject, { cpu }) {
    await using target = await start(subject, setupFor({}), cpu)
    const counted = await probe(target, { bytes: 7, count: invocationCount, echo: false }, cpu)
    return { rss: target.residentBytes() / 1e6, errors: counted.errors }
  },
}
