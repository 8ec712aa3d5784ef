/** One caller of a Function URL. */
import { wrk } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Scenario } from '../scenario.ts'

export const functionUrl: Scenario = {
  name: 'function-url',
  about: 'one caller, a request that becomes an event of payload 2.0, and an answer with a status',
  metrics: ['rate', 'cpu', 'p50', 'p99', 'errors'],
  subjects: ['cargo-lambda', 'ours'],
  goals: [{ metric: 'rate', is: 'at least', factor: 1.5, of: 'cargo-lambda' }],
  async measure(subject, { cpu, seconds, warmup }) {
    await using target = await start(subject, setupFor({ url: true }), cpu)
    await wrk(target, 1, warmup, cpu)
    const before = target.cpuSeconds()
    const counted = await wrk(target, 1, seconds, cpu)
    const used = target.cpuSeconds() - before
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
  },
}
