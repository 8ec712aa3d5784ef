/**
 * Measures emulators beside each other: see `bench/README.md`.
 *
 *     bun run bench [scenario…] [--rounds N] [--seconds S] [--cpu pinned|free|both] [--subjects a,b] [--markdown]
 *     bun run bench [scenario…] --prepare
 *
 * The subjects alternate within one run and their order is reversed each round, so that a machine that grows slower
 * or faster does so for all of them.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './build.ts'
import { ignoreSessions, machine } from './machine.ts'
import type { Cpu } from './running.ts'
import type { Metric, Sample, Scenario } from './scenario.ts'
import { figureUnits } from './scenario.ts'
import { arrivals } from './scenarios/arrivals.ts'
import { cold } from './scenarios/cold.ts'
import { eight, extended, managed, scale, telemetry, warm } from './scenarios/load.ts'
import { memory } from './scenarios/memory.ts'
import { nodeOne, nodePair } from './scenarios/node.ts'
import { off } from './scenarios/off.ts'
import { payload } from './scenarios/payload.ts'
import { firstByte, throughput } from './scenarios/stream.ts'
import { functionUrl } from './scenarios/url.ts'
import { type Subject, Unavailable } from './subject.ts'
import { bare } from './subjects/bare.ts'
import { cargoLambda } from './subjects/cargo-lambda.ts'
import { ours } from './subjects/ours.ts'
import { reference } from './subjects/reference.ts'
import { relayInC, relayOnBun, relayOnHandles } from './subjects/relays.ts'
import { subscribed } from './subjects/subscribed.ts'
import { goals, type Results, shown, table } from './table.ts'

const allScenarios: readonly Scenario[] = [
  warm,
  extended,
  telemetry,
  payload,
  cold,
  memory,
  eight,
  managed,
  ...scale,
  ...arrivals,
  nodeOne,
  nodePair,
  firstByte,
  throughput,
  functionUrl,
  ...off,
]
const allSubjects: readonly Subject[] = [
  reference,
  cargoLambda,
  ours,
  bare,
  subscribed,
  relayOnBun,
  relayOnHandles,
  relayInC,
]

interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly cpus: readonly Cpu[]
  readonly subjects: readonly Subject[]
  readonly scenarios: readonly Scenario[]
  readonly markdown: boolean
  /** builds and fetches what is needed, and measures nothing */
  readonly prepare: boolean
}

function options(): Options {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      cpu: { type: 'string', default: 'both' },
      subjects: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      prepare: { type: 'boolean', default: false },
    },
  })
  const cpus: Record<string, Cpu[]> = { pinned: ['pinned'], free: ['free'], both: ['pinned', 'free'] }
  const names = values.subjects?.split(',')
  return {
    rounds: positive('--rounds', values.rounds),
    seconds: positive('--seconds', values.seconds),
    cpus: cpus[values.cpu] ?? usage(`--cpu is pinned, free or both, not ${values.cpu}`),
    subjects: names ? names.map((name) => named('subject', allSubjects, name)[0] as Subject) : allSubjects,
    scenarios: positionals.length
      ? positionals.flatMap((name) => named('scenario', allScenarios, name))
      : allScenarios,
    markdown: values.markdown,
    prepare: values.prepare,
  }
}

function usage(problem: string): never {
  console.error(problem)
  process.exit(2)
}

function positive(flag: string, text: string): number {
  const value = Number(text)
  return Number.isInteger(value) && value > 0
    ? value
    : usage(`${flag} is a whole number above 0, not ${text}`)
}

/** `scale` means all of `scale-1`, `scale-8`, … */
function named<T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T[] {
  const exact = all.filter((one) => one.name === name)
  const found = exact.length ? exact : all.filter((one) => one.name.startsWith(`${name}-`))
  return found.length
    ? found
    : usage(`no ${what} ${name}; there are ${all.map((one) => one.name).join(', ')}`)
}

/** Builds and fetches what a scenario needs. What cannot be had is told when it is measured. */
async function prepare(scenario: Scenario, subjects: readonly Subject[]): Promise<void> {
  const since = Date.now()
  const steps = [...subjects.map((subject) => () => subject.prepare()), () => scenario.prepare?.()]
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
  const seconds = Math.round((Date.now() - since) / 1000)
  if (seconds > 0) console.log(`prepared ${scenario.name} in ${seconds} s`)
}

const subjectsOf = (scenario: Scenario, { subjects }: Options): readonly Subject[] =>
  subjects.filter(({ name }) => scenario.subjects.includes(name))

/** All rounds of one scenario. A subject that cannot be measured is left out with the reason. */
async function measure(scenario: Scenario, cpu: Cpu, options: Options): Promise<Results> {
  const subjects = subjectsOf(scenario, options)
  const samples = new Map<string, Sample[]>()
  const skipped = new Map<string, string>()
  const conditions = { cpu, seconds: options.seconds, warmup: Math.min(2, options.seconds) }
  const rounds = Math.min(options.rounds, scenario.rounds ?? options.rounds)
  for (let round = 1; round <= rounds; round++) {
    for (const subject of round % 2 ? subjects : subjects.toReversed()) {
      if (skipped.has(subject.name)) continue
      try {
        await subject.prepare()
        const sample = await scenario.measure(subject, conditions)
        samples.set(subject.name, [...(samples.get(subject.name) ?? []), sample])
        const figures = (Object.keys(sample) as Metric[]).map(
          (metric) => `${shown(metric, sample[metric] as number)} ${figureUnits[metric].title}`,
        )
        console.log(`round ${round}  ${subject.name.padEnd(12)}  ${figures.join('; ')}`)
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        skipped.set(subject.name, error.message)
        console.log(`round ${round}  ${subject.name.padEnd(12)}  not measured: ${error.message}`)
      }
    }
  }
  return { scenario, samples, skipped }
}

/** Replaces the table in the README. */
async function publish(text: string): Promise<void> {
  const path = join(root, 'bench/README.md')
  const readme = await Bun.file(path).text()
  const block = /(<!-- table:begin -->)[\s\S]*(<!-- table:end -->)/
  await Bun.write(
    path,
    readme.replace(block, (_, begin, end) => `${begin}\n\n${text}\n\n${end}`),
  )
}

// other kinds of measurement: of starts, of checkpoints and of saves, not of invocations
if (process.argv[2] === 'functions-50') {
  await import('./functions.ts')
  process.exit()
} else if (process.argv[2] === 'durable') {
  process.argv.splice(2, 1)
  await import('./durable.ts')
  process.exit()
} else if (process.argv[2] === 'reload') {
  await import('./reload.ts')
  process.exit()
}
const chosen = options()
// first of all: compiling Node's client takes minutes, which would look like a subject that does not answer
for (const scenario of chosen.scenarios) await prepare(scenario, subjectsOf(scenario, chosen))
if (chosen.prepare) process.exit()
const where = [...(await machine()), ignoreSessions()]
console.log(where.join('\n'))
const report = [
  `\`bun run bench ${process.argv.slice(2).join(' ')}\`, ${new Date().toISOString().slice(0, 10)}`,
]
report.push(...where.map((line) => `* ${line}`))
for (const scenario of chosen.scenarios) {
  for (const cpu of chosen.cpus) {
    const place = cpu === 'pinned' ? 'everything on one CPU' : 'free CPUs'
    console.log(`\n${scenario.name}: ${scenario.about}; ${place}`)
    const results = await measure(scenario, cpu, chosen)
    const verdicts = goals(results, cpu)
    console.log(`\n${table(results)}\n${verdicts.map((line) => `goal: ${line}`).join('\n')}`)
    report.push('', `**${scenario.name}**: ${scenario.about}; ${place}`, '', table(results))
    if (verdicts.length) report.push('', ...verdicts.map((line) => `* ${line}`))
  }
}
if (chosen.markdown) await publish(report.join('\n'))
