/** The largest event there and back again, every answer compared with its request. */
import { probe } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Scenario } from '../scenario.ts'

/** The service's limit for an event: 6 MiB. */
const payloadBytes = 6 * 1024 * 1024

export const payload: Scenario = {
  name: 'payload',
  about: 'one caller, an event of 6 MiB that comes back',
  metrics: ['p50', 'p99', 'cpu', 'errors'],
  subjects: ['reference', 'cargo-lambda', 'ours', 'bun-relay', 'native-relay', 'c-relay'],
  goals: [
    { metric: 'p50', is: 'at most', factor: 0.75, of: 'reference' },
    { metric: 'cpu', is: 'at most', factor: 0.65, of: 'reference' },
  ],
  async measure(subject, { cpu, seconds }) {
    await using target = await start(subject, setupFor({ echo: true }), cpu)
    await probe(target, { bytes: payloadBytes, count: 10, echo: true }, cpu)
    const before = target.cpuSeconds()
    const counted = await probe(
      target,
      { bytes: payloadBytes, count: Math.ceil(seconds * 20), echo: true },
      cpu,
    )
    const used = target.cpuSeconds() - before
    return {
      p50: counted.p50 / 1000,
      p99: counted.p99 / 1000,
      cpu: (used * 1e6) / counted.requests,
      errors: counted.errors,
    }
  },
}
