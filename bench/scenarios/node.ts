/** A function as people have them: Node's own runtime client. How fast it is, and how much of the CPU is left to it. */
import { Unavailable as NotHere } from '../../test/clients/client.ts'
import { allClients } from '../../test/clients/clients.ts'
import { wrk } from '../load.ts'
import { setupFor, start } from '../running.ts'
import type { Scenario } from '../scenario.ts'
import { type Setup, Unavailable } from '../subject.ts'
import { closedLoop } from './load.ts'

export const nodeOne: Scenario = {
  name: 'node-1',
  about: "one caller, a small event, Node's runtime client",
  metrics: ['rate', 'cpu', 'p50', 'p99', 'errors'],
  subjects: ['reference', 'ours'],
  goals: [
    { metric: 'rate', is: 'at least', factor: 1.8, of: 'reference' },
    { metric: 'p99', is: 'at most', factor: 1, of: 'reference' },
  ],
  prepare: nodeFunction,
  async measure(subject, conditions) {
    return closedLoop(subject, conditions, 1, { function: await nodeFunction() })
  },
}

const environmentCount = 2

export const nodePair: Scenario = {
  name: 'node-2',
  about:
    "two callers, two environments with Node's runtime client; the emulator's share of what it and they use",
  metrics: ['rate', 'cpu', 'share', 'p50', 'p99', 'errors'],
  subjects: ['ours'],
  goals: [
    { metric: 'share', is: 'at most', factor: 25 },
    { cpu: 'free', metric: 'share', is: 'at most', factor: 25 },
  ],
  prepare: nodeFunction,
  async measure(subject, { cpu, seconds, warmup }) {
    const setup = setupFor({ environments: environmentCount, function: await nodeFunction() })
    await using target = await start(subject, setup, cpu)
    await wrk(target, environmentCount, warmup, cpu)
    const before = [target.cpuSeconds(), target.childrenCpuSeconds()] as const
    const counted = await wrk(target, environmentCount, seconds, cpu)
    const emulator = target.cpuSeconds() - before[0]
    const runtimes = target.childrenCpuSeconds() - before[1]
    await target.verify()
    const answers = counted.requests - counted.errors
    return {
      rate: answers / counted.seconds,
      cpu: (emulator * 1e6) / answers,
      share: (100 * emulator) / (emulator + runtimes),
      p50: counted.p50 / 1000,
      p99: counted.p99 / 1000,
      errors: counted.errors,
    }
  },
}

/** The function of the client matrix, which echoes what is no command. */
async function nodeFunction(): Promise<NonNullable<Setup['function']>> {
  const node = allClients.find(({ name }) => name === 'node')
  if (node === undefined) throw new Unavailable("Node's client is in the matrix no more")
  try {
    return await node.prepare()
  } catch (error) {
    if (error instanceof NotHere) throw new Unavailable(error.message)
    throw error
  }
}
