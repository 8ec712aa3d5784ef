/** Callers that wait for their answer and ask again: one, eight, and many on eight environments. */
import { wrk } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Conditions, Sample, Scenario } from '../scenario.ts'
import type { Subject } from '../subject.ts'

/** So many callers, for as long as the conditions say. */
export async function closedLoop(
  subject: Subject,
  conditions: Conditions,
  callers: number,
  setup: Parameters<typeof setupFor>[0],
): Promise<Sample> {
  const { cpu, seconds, warmup } = conditions
  await using target = await start(subject, setupFor(setup), cpu)
  await wrk(target, callers, warmup, cpu)
  const before = target.cpuSeconds()
  const counted = await wrk(target, callers, seconds, cpu)
  const used = target.cpuSeconds() - before
  // wrk goes while a request runs, and AWS's emulator ends when another comes meanwhile
  await target.quiet()
  await target.verify()
  const answers = counted.requests - counted.errors
  return {
    rate: answers / counted.seconds,
    cpu: (used * 1e6) / answers,
    p50: counted.p50 / 1000,
    p99: counted.p99 / 1000,
    errors: counted.errors,
  }
}

const metricNames = ['rate', 'cpu', 'p50', 'p99', 'errors'] as const

export const warm: Scenario = {
  name: 'warm-1',
  about: 'one caller, a small event',
  metrics: metricNames,
  subjects: ['reference', 'cargo-lambda', 'ours', 'bun-relay', 'native-relay', 'c-relay'],
  goals: [
    { metric: 'rate', is: 'at least', factor: 2.5, of: 'reference' },
    { metric: 'cpu', is: 'at most', factor: 0.31, of: 'reference' },
    { metric: 'p99', is: 'at most', factor: 0.5, of: 'reference' },
    { metric: 'cpu', is: 'at most', factor: 0.87, of: 'bun-relay' },
  ],
  measure: (subject, conditions) => closedLoop(subject, conditions, 1, {}),
}

export const extended: Scenario = {
  name: 'extended-1',
  about: 'one caller, a small event, and an extension that is told of each invocation',
  metrics: metricNames,
  subjects: ['reference', 'ours'],
  goals: [
    { metric: 'rate', is: 'at least', factor: 2.4, of: 'reference' },
    { metric: 'cpu', is: 'at most', factor: 0.36, of: 'reference' },
    { metric: 'p99', is: 'at most', factor: 1, of: 'reference' },
  ],
  measure: (subject, conditions) => closedLoop(subject, conditions, 1, { extension: true }),
}

export const telemetry: Scenario = {
  name: 'telemetry',
  about: 'one caller, a small event, with and without an extension that subscribes to every record',
  metrics: metricNames,
  subjects: ['ours', 'subscribed'],
  // a subscriber to everything costs less than a third
  goals: [{ metric: 'cpu', is: 'at least', factor: 1 / 1.3, of: 'subscribed' }],
  measure: (subject, conditions) => closedLoop(subject, conditions, 1, {}),
}

export const eight: Scenario = {
  name: 'load-8',
  about: 'eight callers, eight environments',
  metrics: metricNames,
  subjects: ['reference', 'cargo-lambda', 'ours', 'bun-relay', 'native-relay'],
  goals: [
    { metric: 'rate', is: 'at least', factor: 1.9, of: 'cargo-lambda' },
    { metric: 'rate', is: 'at least', factor: 4, of: 'reference' },
    { metric: 'p99', is: 'at most', factor: 1, of: 'cargo-lambda' },
    { metric: 'cpu', is: 'at most', factor: 0.45, of: 'cargo-lambda' },
    // there it has both CPUs, and we have one thread
    { cpu: 'free', metric: 'rate', is: 'at least', factor: 1, of: 'cargo-lambda' },
  ],
  measure: (subject, conditions) => closedLoop(subject, conditions, 8, { environments: 8 }),
}

export const managed: Scenario = {
  name: 'managed-64',
  about: 'sixty-four callers, one environment with sixteen slots; cargo-lambda with sixteen runtimes',
  metrics: metricNames,
  subjects: ['reference', 'cargo-lambda', 'ours'],
  goals: [
    { metric: 'rate', is: 'at least', factor: 4, of: 'reference' },
    { metric: 'errors', is: 'at most', factor: 0 },
    { metric: 'rate', is: 'at least', factor: 1.8, of: 'cargo-lambda' },
  ],
  measure: (subject, conditions) => closedLoop(subject, conditions, 64, { environments: 16, managed: true }),
}

export const scale: readonly Scenario[] = [1, 8, 64, 512].map((callers) => ({
  name: `scale-${callers}`,
  about: `${callers} ${callers === 1 ? 'caller' : 'callers'}, eight environments`,
  metrics: metricNames,
  subjects: ['ours', 'bun-relay', 'native-relay'],
  goals: [],
  measure: (subject, conditions) => closedLoop(subject, conditions, callers, { environments: 8 }),
}))
