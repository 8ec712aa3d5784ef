/** Responses that go on as they come: how late their first byte is, and how much goes through. */
import { probeStream } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Scenario } from '../scenario.ts'

/** At least so many streams make a p99 of thirty, which one collection or compilation does not move. */
const leastStreams = 3000

export const firstByte: Scenario = {
  name: 'stream-first-byte',
  about: "one caller, streams of one piece; from the runtime's write to the caller's read",
  metrics: ['p50', 'p99', 'cpu', 'errors'],
  subjects: ['ours', 'native-relay', 'c-relay'],
  goals: [{ metric: 'p99', is: 'at most', factor: 2, of: 'c-relay' }],
  async measure(subject, { cpu, seconds }) {
    await using target = await start(subject, setupFor({ stream: { pieces: 1, bytes: 64 } }), cpu)
    await probeStream(target, 2000, cpu)
    const before = target.cpuSeconds()
    const counted = await probeStream(target, Math.max(leastStreams, seconds * 400), cpu)
    const used = target.cpuSeconds() - before
    return {
      p50: counted.p50 / 1000,
      p99: counted.p99 / 1000,
      cpu: (used * 1e6) / counted.requests,
      errors: counted.errors,
    }
  },
}

/** 64 KiB, as most runtimes write; 2 730 of them are 170 MiB, and six streams of that a gibibyte. */
const pieces = { pieces: 2730, bytes: 65_536 }

export const throughput: Scenario = {
  name: 'stream-throughput',
  about: 'one caller, 1 GiB in six streams',
  metrics: ['throughput', 'cpuPerGigabyte', 'rss', 'errors'],
  subjects: ['ours', 'native-relay', 'c-relay'],
  goals: [{ metric: 'throughput', is: 'at least', factor: 0.6, of: 'c-relay' }],
  rounds: 3,
  async measure(subject, { cpu }) {
    await using target = await start(subject, setupFor({ stream: pieces }), cpu)
    const before = target.cpuSeconds()
    const counted = await probeStream(target, 6, cpu)
    const used = target.cpuSeconds() - before
    return {
      throughput: counted.bytes / 1e6 / counted.seconds,
      cpuPerGigabyte: (used * 1e9) / counted.bytes,
      rss: target.residentBytes() / 1e6,
      errors: counted.errors,
    }
  },
}
