/**
 * The long fuzz run: `bun test/fuzz/run.ts [--requests N] [--connections N] [--seed N] [--subject source|binary|PATH]`.
 * `--connections` opens and drops so many besides.
 */
import { parseArgs } from 'node:util'
import { buildScripted } from '../faults/scripted-process.ts'
import { load, mb, median } from '../faults/variants.ts'
import { programOf } from '../kit/launch.ts'
import { attack } from './attack.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '200000' },
    connections: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    subject: { type: 'string', default: 'source' },
  },
})

const scripted = await buildScripted()
if ('missing' in scripted) {
  console.log(`skipped: ${scripted.missing}`)
  process.exit(0)
}
console.log(`seed ${values.seed}, ${values.requests} requests, subject ${values.subject}, load ${load()}`)
const begin = performance.now()
let told = 0
const result = await attack({
  seed: values.seed,
  program: programOf(values.subject),
  scripted: scripted.path,
  requests: Number(values.requests),
  connections: Number(values.connections),
  progress: (done) => {
    if (performance.now() - told < 10_000) return
    told = performance.now()
    console.log(`${done} done, load ${load()}`)
  },
})
const { resident, descriptors, failures } = result
const fifth = Math.max(1, Math.floor(resident.length / 5))
console.log(
  [...result.statuses]
    .toSorted(([, a], [, b]) => b - a)
    .map(([status, n]) => `  ${String(n).padStart(7)}  ${status}`)
    .join('\n'),
)
console.log(
  `${result.requests} requests, ${result.connections} connections opened and dropped, ${result.good} good starts with ` +
    `4 good invocations each; resident ${mb(median(resident.slice(0, fifth)))} → ${mb(median(resident.slice(-fifth)))}, ` +
    `most ${mb(Math.max(0, ...resident))}; descriptors when cold ${descriptors.join(' → ')}`,
)
console.log(`${((performance.now() - begin) / 1000).toFixed(1)} s, load ${load()}`)
for (const failure of failures) console.log(`FAILED ${failure}`)
console.log(`${result.checks - failures.length} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
