/**
 * Random lives of whole pools: callers of several tenants, runtimes that answer, poll, die, break off and dawdle. Whatever
 * happens, every invocation is answered once, no environment serves two tenants, and a drain ends all.
 */

import { describe, expect, test } from 'bun:test'
import { managedInstances, onDemand } from '../../src/core/mode.ts'
import { Environment } from '../../src/engine/environment.ts'
import { Pool } from '../../src/engine/pool.ts'
import { until } from '../harness.ts'
import { type FakeInvocation, FakeProcesses, fakeLog, invocation, next, realClock, toldTo } from './fakes.ts'

/** Numbers that are the same in every run. */
function generator(seed: number): (below: number) => number {
  let value = seed
  return (below) => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((value / 2 ** 32) * below)
  }
}

const complete = { kind: 'complete', payload: { size: 0, chunks: [] }, contentType: null } as const
const tenants = [null, null, 'red', 'blue']
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class World {
  readonly environments: Environment[] = []
  readonly processes: FakeProcesses[] = []
  readonly callers: FakeInvocation[] = []
  readonly released: number[] = []
  readonly below: (below: number) => number
  readonly maxEnvironments: number
  readonly pool: Pool
  readonly #slots: number
  /** invocations that each environment has been seen with */
  readonly #seen = new Map<Environment, Set<string | null>>()

  constructor(seed: number, slots: number) {
    this.below = generator(seed)
    this.#slots = slots
    this.maxEnvironments = 1 + this.below(3)
    let failing = this.below(4) === 0 ? 2 : 0
    this.pool = new Pool({
      clock: realClock,
      maxEnvironments: this.maxEnvironments,
      maxQueue: this.below(3) === 0 ? this.below(3) : 1000,
      ...(slots > 1 && { slots: { patienceMs: 20_000, stalled() {} } }),
      environmentTtlMs: this.below(3) === 0 ? 5 : 60_000,
      create: (id, calls) => {
        if (this.environments.length > 0 && failing-- > 0) throw new Error('no port')
        const processes = new FakeProcesses()
        const environment = new Environment({
          id,
          processes,
          clock: realClock,
          ...toldTo([]),
          log: fakeLog(),
          functionTimeoutMs: 20_000,
          initTimeoutMs: 20_000,
          mode: slots > 1 ? managedInstances(slots) : onDemand,
          recycleAfter: this.below(4) === 0 ? 3 : 0,
          discover: () => [],
          specify: (name) => ({ name, argv: ['/bin/true'], cwd: '/', env: {} }),
          ...calls,
        })
        this.environments.push(environment)
        this.processes.push(processes)
        return environment
      },
      release: (environment) => {
        this.released.push(environment.id)
        environment[Symbol.dispose]()
      },
    })
    this.pool.open(this.below(2) === 0)
  }

  call(): void {
    const tenant = tenants[this.below(tenants.length)] ?? null
    const caller = invocation(`call-${this.callers.length}`, [], { tenant })
    this.callers.push(caller)
    this.pool.invoke(caller)
  }

  /** What the runtime of an environment does next, mostly as it should. */
  act(index: number, wild: boolean): void {
    const environment = this.environments[index] as Environment
    const process = this.processes[index]?.latest.get('runtime')
    const { state } = environment
    const odd = wild ? this.below(20) : 0
    if (odd === 1) {
      process?.exit()
      return
    }
    if (odd === 2) {
      const [poll] = 'polls' in state ? state.polls : []
      if (poll !== undefined) environment.gone(poll)
      return
    }
    if (state.phase === 'starting' && state.runtime === 'Started') {
      if (odd < 16) next(environment)
      else this.#reportsInit(environment, odd % 2 === 0)
      return
    }
    if (state.phase !== 'serving') return
    const all = state.inflight.filter(({ stage }) => stage === 'running')
    const running = all[this.#slots > 1 ? this.below(all.length) : 0]
    const isBusy = all.length + state.polls.length >= this.#slots
    if (running === undefined || (!isBusy && this.below(2) === 0)) {
      if (!isBusy) next(environment)
      return
    }
    environment.upload(
      { to: 'response', id: running.id, mode: null },
      {
        answer() {},
        read: (upload) => {
          if (odd === 18) upload.end({ kind: 'truncated' })
          else upload.end(complete)
          if (odd === 19) process?.exit()
        },
      },
    )
  }

  #reportsInit(environment: Environment, whole: boolean): void {
    environment.upload(
      { to: 'init-error', errorType: 'Runtime.Bad' },
      {
        answer() {},
        read: (upload) => upload.end(whole ? complete : { kind: 'truncated' }),
      },
    )
  }

  /** What holds at any time. */
  look(): void {
    const living = this.environments.filter(({ id, stopped }) => !stopped && !this.released.includes(id))
    expect(living.length).toBeLessThanOrEqual(this.maxEnvironments)
    for (const environment of living) {
      const { state } = environment
      if (state.phase !== 'serving') continue
      expect(state.inflight.length).toBeLessThanOrEqual(this.#slots)
      for (const { id } of state.inflight) {
        const seen = this.#seen.get(environment) ?? new Set()
        seen.add(this.callers.find((caller) => caller.id === id)?.tenant ?? null)
        this.#seen.set(environment, seen)
        expect(seen.size).toBe(1)
      }
    }
    for (const { outcomes, tails } of this.callers) {
      expect(outcomes.length).toBeLessThanOrEqual(1)
      expect(tails.length).toBeLessThanOrEqual(1)
    }
  }

  async live(): Promise<void> {
    for (let step = 0; step < 80; step++) {
      if (this.below(3) === 0) this.call()
      else this.act(this.below(this.environments.length), true)
      if (this.below(3) === 0) await turn()
      this.look()
    }
    await until('every caller to be answered', async () => {
      for (let index = 0; index < this.environments.length; index++) this.act(index, false)
      await turn()
      this.look()
      return this.callers.every(({ outcomes }) => outcomes.length === 1)
    })
    expect(this.pool.waiting).toBe(0)
    expect(this.callers.filter(({ outcomes }) => outcomes[0]?.kind === 'shutdown')).toEqual([])
    const drained = this.pool.drain(0, new Promise(() => {}))
    this.call()
    await drained
    expect(this.released.toSorted()).toEqual(this.environments.map(({ id }) => id).toSorted())
    for (const { outcomes, startedAt, tails } of this.callers) {
      expect(outcomes).toHaveLength(1)
      if (startedAt > 0) expect(tails).toHaveLength(1)
    }
    expect(this.callers.at(-1)?.outcomes).toEqual([{ kind: 'shutdown' }])
  }
}

describe.each([
  ['one at a time', 1],
  ['several at a time', 3],
])('every invocation of a random life is answered once: %s', (_, slots) => {
  for (let from = 1; from <= 200; from += 50) {
    test(`lives from ${from}`, async () => {
      const seeds = Array.from({ length: 50 }, (_, index) => from + index)
      const lives = seeds.map((seed) =>
        new World(seed, slots).live().catch((error: unknown) => {
          throw new Error(`seed ${seed}: ${error}`)
        }),
      )
      await Promise.all(lives)
    })
  }
})
