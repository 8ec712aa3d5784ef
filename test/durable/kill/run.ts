/** `bun run faults durable [--rounds N] [--seed N] [--subject source|binary|PATH]`: the emulator is killed in each round. */
import { parseArgs } from 'node:util'
import { programOf } from '../../kit/launch.ts'
import { round } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1000' },
    subject: { type: 'string', default: 'source' },
  },
})
const program = programOf(values.subject)
const total = Number(values.rounds)
let next = Number(values.seed)
const last = next + total
let [passed, kills] = [0, 0]
const failures: string[] = []

/** Two at a time: what they wait for is mostly the start of programs. */
async function work(): Promise<void> {
  while (next < last) {
    const seed = next++
    try {
      kills += (await round(seed, program)).kills
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
console.log(`${kills} kills; ${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
