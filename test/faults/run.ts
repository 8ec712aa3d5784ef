/**
 * The long fault run: `bun test/faults/run.ts [--faults N] [--seed N] [--subject source|binary|PATH]`. To see a failure
 * again: `--variant NAME.NUMBER --from N --faults N [--trace]`; `--only PATTERN` plays some kinds of fault only.
 * `managed` plays faults with several invocations in flight: `managed.ts`.
 * `events` plays faults of asynchronous events and of their destinations: `events.ts`.
 * `killed` kills the emulator at random moments, and looks for what it leaves behind: `killed.ts`.
 * `durable [--rounds N] [--seed N] [--subject …]` kills the emulator under durable executions instead.
 */
import { parseArgs } from 'node:util'
import type { VariantName } from './plans.ts'
import { buildScripted } from './scripted-process.ts'
import { load, runVariants, tell, type Variant, variantsFor } from './variants.ts'

if (process.argv[2] === 'durable') {
  process.argv.splice(2, 1)
  // ends the process
  await import('../durable/kill/run.ts')
}

if (process.argv[2] === 'managed') {
  await import('./managed.ts')
  process.exit()
}

if (process.argv[2] === 'events') {
  await import('./events.ts')
  process.exit()
}

if (process.argv[2] === 'killed') {
  const { runKilled } = await import('./killed.ts')
  process.exit(await runKilled(process.argv.slice(3)))
}

const { values } = parseArgs({
  options: {
    faults: { type: 'string', default: '10000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    subject: { type: 'string', default: 'source' },
    variant: { type: 'string' },
    from: { type: 'string', default: '0' },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})

const scripted = await buildScripted()
if ('missing' in scripted) {
  console.log(`skipped: ${scripted.missing}`)
  process.exit(0)
}
const faults = Number(values.faults)
const [name, number = '1'] = (values.variant ?? '').split('.')
const variants: Variant[] =
  values.variant === undefined
    ? variantsFor(faults)
    : [{ name: name as VariantName, number: Number(number), from: Number(values.from), faults }]

console.log(`seed ${values.seed}, ${faults} faults, subject ${values.subject}, load ${load()}`)
const begin = performance.now()
const results = await runVariants({
  seed: values.seed,
  subject: values.subject,
  scripted: scripted.path,
  variants,
  trace: values.trace,
  only: values.only === undefined ? undefined : new RegExp(values.only),
  progress: (variant, done) => {
    if (done % 500 === 0)
      console.log(`${variant.name}.${variant.number}: ${done} of ${variant.faults}, load ${load()}`)
  },
})
console.log(tell(results))
console.log(`${((performance.now() - begin) / 1000).toFixed(1)} s, load ${load()}`)
const failures = results.flatMap(({ failures }) => failures)
for (const failure of failures) console.log(`FAILED ${failure}`)
const passed = results.reduce((sum, { figures }) => sum + figures.checks, 0) - failures.length
console.log(`${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)
