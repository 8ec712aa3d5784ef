/**
 * Open loop: requests come at set times, as from people who do not know of each other. A closed loop asks less while answers
 * are late, and so hides the waiting of those who would have asked.
 */
import { probeArrivals, wrk } from '../load.ts'
import { type Cpu, setupFor, start } from '../running.ts'
import type { Conditions, Sample, Scenario } from '../scenario.ts'
import { type Subject, Unavailable } from '../subject.ts'
import { cargoLambda } from '../subjects/cargo-lambda.ts'

const callers = 64
const environments = 8

/** What cargo-lambda answered in a closed loop; all subjects get a share of that, so that rates are equal. */
const closed = new Map<Cpu, Promise<number>>()

async function closedRate({ cpu, seconds, warmup }: Conditions): Promise<number> {
  await cargoLambda.prepare()
  await using target = await start(cargoLambda, setupFor({ environments }), cpu)
  await wrk(target, callers, warmup, cpu)
  const { requests, errors, seconds: passed } = await wrk(target, callers, seconds, cpu)
  await target.quiet()
  return (requests - errors) / passed
}

async function openLoop(subject: Subject, conditions: Conditions, share: number): Promise<Sample> {
  const { cpu, seconds, warmup } = conditions
  let base = closed.get(cpu)
  if (base === undefined) {
    base = closedRate(conditions)
    closed.set(cpu, base)
  }
  const rate = share * (await base)
  if (!(rate >= 1)) throw new Unavailable('cargo-lambda answered nothing in a closed loop')
  await using target = await start(subject, setupFor({ environments }), cpu)
  await probeArrivals(target, { callers, rate, seconds: warmup }, cpu)
  const before = target.cpuSeconds()
  const counted = await probeArrivals(target, { callers, rate, seconds }, cpu)
  const used = target.cpuSeconds() - before
  await target.quiet()
  await target.verify()
  const answers = counted.requests - counted.errors
  return {
    rate: answers / counted.seconds,
    cpu: (used * 1e6) / answers,
    p50: counted.p50 / 1000,
    p99: counted.p99 / 1000,
    p999: counted.p999 / 1000,
    errors: counted.errors,
  }
}

const shares = [
  ['half', 0.5, 'half'],
  ['most', 0.9, 'nine tenths'],
] as const

export const arrivals: readonly Scenario[] = shares.map(([name, share, words]) => ({
  name: `arrivals-${name}`,
  about: `64 callers at ${words} of the rate that cargo-lambda has in a closed loop, eight environments; latency from the time at which a request was to be sent`,
  metrics: ['rate', 'cpu', 'p50', 'p99', 'p999', 'errors'],
  subjects: ['cargo-lambda', 'ours', 'native-relay'],
  goals: [
    { metric: 'p99', is: 'at most', factor: 1, of: 'cargo-lambda' },
    { metric: 'errors', is: 'at most', factor: 0 },
  ],
  measure: (subject, conditions) => openLoop(subject, conditions, share),
}))
