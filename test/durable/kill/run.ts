/**
 * `bun run faults durable [--calls] [--rounds N] [--seed N] [--subject source|binary|PATH]`: the emulator is killed in each
 * round; with `--calls` it is the handler's calls that go wrong.
 */
import { parseArgs } from 'node:util'
import { programOf } from '../../kit/launch.ts'
import { faultyRound } from './faulty.ts'
import { round } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '500' },
    calls: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1000' },
    subject: { type: 'string', default: 'source' },
  },
})
const program = programOf(values.subject)
const total = Number(values.rounds)
let next = Number(values.seed)
const last = next + total
let [passed, happened] = [0, 0]
const failures: string[] = []

/** Two at a time: what they wait for is mostly the start of programs. */
async function work(): Promise<void> {
  while (next < last) {
    const seed = next++
    try {
      if (values.calls) for (const count of (await faultyRound(seed, program)).values()) happened += count
      else happened += (await round(seed, program)).kills
      passed++
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      failures.push(failure)
      console.log(`FAILED ${failure}`)
    }
    if ((passed + failures.length) % 50 === 0) console.log(`${passed + failures.length} of ${total}`)
  }
}

await Promise.all([work(), work()])
console.log(`${happened} faults; ${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
