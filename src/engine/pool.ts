/**
 * All execution environments and the queue before them. One place decides who runs where: `core/placement`.
 */

import type { EnvironmentId, RequestId } from '../core/ids.ts'
import { isFree, isOpen } from '../core/lifecycle.ts'
import { mayWait, place } from '../core/placement.ts'
import { Deadline } from './deadline.ts'
import type { Environment } from './environment.ts'
import type { Invocation } from './invocation.ts'
import type { Clock } from './ports.ts'

export interface PoolParts {
  readonly clock: Clock
  readonly maxEnvironments: number
  readonly maxQueue: number
  /** milliseconds after which an idle environment is stopped, if it is not the last one */
  readonly environmentTtlMs: number
  /** Makes an environment; it calls back `changed` after each of its steps. */
  create(id: EnvironmentId, changed: (environment: Environment) => void): Environment
  /** Lets go of what belongs to an environment that has stopped, its listener above all. */
  release(environment: Environment): void
}

/** What one environment is doing, for people and for `/_rie/state`. */
export interface EnvironmentSnapshot {
  readonly id: EnvironmentId
  readonly phase: string
  readonly free: boolean
  readonly invocations: readonly RequestId[]
  readonly extensions: readonly { readonly name: string; readonly state: string }[]
  readonly processes: Readonly<Record<string, number>>
  readonly tenant: string | null
  readonly memoryBytes: number
}

export class Pool {
  readonly #parts: PoolParts
  readonly #environments: Environment[] = []
  /** arrival order; the head is at `#head`, so that taking it costs the same however long the queue is */
  #queue: Invocation[] = []
  #head = 0
  readonly #ids = new Set<RequestId>()
  #created = 0
  #draining = false
  readonly #watchers = new Set<() => void>()
  readonly #reaper: Deadline

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#reaper = new Deadline(parts.clock.now, () => this.#retireIdle())
  }

  get size(): number {
    return this.#environments.length
  }

  get waiting(): number {
    return this.#queue.length - this.#head
  }

  get draining(): boolean {
    return this.#draining
  }

  /** An invocation of this id is queued or running. */
  has(id: RequestId): boolean {
    return this.#ids.has(id)
  }

  /** An initialised environment is free. */
  get ready(): boolean {
    return this.#environments.some((environment) => isFree(environment.state))
  }

  /** Makes the first environment, so that its listener is open before anything starts; `start` also initialises it. */
  open(start: boolean): Environment {
    const environment = this.#create()
    if (start) environment.dispatch({ type: 'start' })
    return environment
  }

  /**
   * Runs an invocation, now or when an environment is free. The invocation is settled exactly once, and told `over`
   * once if it ever started; nothing is thrown.
   */
  invoke(invocation: Invocation): void {
    if (this.#draining) {
      invocation.settle({ kind: 'shutdown' })
      return
    }
    // whoever waits longer goes first, also when an environment is free for a moment between two events
    const placed = this.waiting === 0 ? this.#place(invocation) : false
    if (placed) return
    if (!mayWait(this.waiting, this.#parts.maxQueue)) {
      invocation.settle({ kind: 'throttled' })
      return
    }
    this.#ids.add(invocation.id)
    this.#queue.push(invocation)
    if (this.#head > 1024) this.#compact()
    // a newcomer of another tenant may be placed although others wait
    if (this.waiting > 1 && invocation.tenant !== null) this.#serveQueue()
  }

  /** Forgets an invocation that is over; the gateway calls it when nothing more will be heard of it. */
  forget(id: RequestId): void {
    this.#ids.delete(id)
  }

  snapshot(): EnvironmentSnapshot[] {
    return this.#environments.map((environment) => {
      const { state } = environment
      return {
        id: environment.id,
        phase: state.phase,
        free: isFree(state),
        invocations: state.phase === 'serving' ? state.inflight.map(({ id }) => id) : [],
        extensions:
          'extensions' in state ? state.extensions.map((one) => ({ name: one.name, state: one.state })) : [],
        processes: environment.pids(),
        tenant: environment.tenant ?? null,
        memoryBytes: environment.memory,
      }
    })
  }

  /**
   * Ends everything: queued invocations are refused, running ones have `graceMs`, or until `hurry` resolves, then all
   * processes are stopped. Resolves when the last process has ended.
   */
  async drain(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#draining = true
    for (const invocation of this.#takeAll()) invocation.settle({ kind: 'shutdown' })
    await this.#until(() => this.#environments.every((environment) => !isBusy(environment)), graceMs, hurry)
    for (const environment of [...this.#environments]) environment.dispatch({ type: 'stop' })
    await this.#until(() => this.#environments.length === 0, null, null)
    this.#reaper[Symbol.dispose]()
  }

  #until(condition: () => boolean, limitMs: number | null, hurry: Promise<void> | null): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        limit?.[Symbol.dispose]()
        this.#watchers.delete(look)
        resolve()
      }
      const look = (): void => {
        if (condition()) done()
      }
      const limit = limitMs === null ? null : new Deadline(this.#parts.clock.now, done)
      limit?.arm(limitMs ?? 0)
      hurry?.then(done)
      this.#watchers.add(look)
    })
  }

  #place(invocation: Invocation): boolean {
    const placement = place(this.#environments, this.#parts.maxEnvironments, invocation.tenant)
    switch (placement.do) {
      case 'wait':
        return false
      case 'retire':
        placement.environment.dispatch({ type: 'stop' })
        return false
      case 'create':
      case 'assign': {
        this.#ids.add(invocation.id)
        const environment = placement.do === 'assign' ? placement.environment : this.#create()
        environment.invoke(invocation)
        return true
      }
    }
  }

  #create(): Environment {
    const id = ++this.#created as EnvironmentId
    const environment = this.#parts.create(id, (changed) => this.#changed(changed))
    this.#environments.push(environment)
    return environment
  }

  #changed(environment: Environment): void {
    const { state } = environment
    if (state.phase === 'stopped') {
      const index = this.#environments.indexOf(environment)
      if (index >= 0) {
        this.#environments.splice(index, 1)
        this.#parts.release(environment)
      }
      if (this.waiting > 0) this.#serveQueue()
    } else if (this.waiting > 0 && isOpen(state)) {
      this.#serveQueue()
    } else if (this.#environments.length > 1 && isFree(state) && !this.#reaper.armed) {
      this.#reaper.arm(this.#parts.environmentTtlMs)
    }
    for (const watcher of this.#watchers) watcher()
  }

  /** Places waiting invocations in arrival order, as long as one can be placed. */
  #serveQueue(): void {
    for (let index = this.#head; index < this.#queue.length; index++) {
      const invocation = this.#queue[index] as Invocation
      if (!this.#place(invocation)) {
        // the next one can be placed only if it is of another tenant
        if (invocation.tenant === null && this.#queue[this.#queue.length - 1]?.tenant === null) return
        continue
      }
      if (index === this.#head) {
        this.#head++
      } else {
        this.#queue.splice(index, 1)
        index--
      }
    }
    if (this.#head === this.#queue.length) this.#compact()
  }

  #compact(): void {
    this.#queue = this.#queue.slice(this.#head)
    this.#head = 0
  }

  #takeAll(): Invocation[] {
    const all = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    return all
  }

  /** Stops the environments that have been idle for longer than their time, the oldest one excepted. */
  #retireIdle(): void {
    const { clock, environmentTtlMs } = this.#parts
    const now = clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const environment of this.#environments.slice(1)) {
      if (!isFree(environment.state)) continue
      const left = environment.idleSince + environmentTtlMs - now
      if (left <= 0) environment.dispatch({ type: 'stop' })
      else next = Math.min(next, left)
    }
    if (next !== Number.POSITIVE_INFINITY) this.#reaper.arm(next)
  }
}

/** Something runs here that a drain waits for: an invocation, or a start that one waits for. */
function isBusy({ state }: Environment): boolean {
  if (state.phase === 'serving') return state.inflight.length > 0
  if (state.phase === 'starting') return state.waiting !== null
  return state.phase === 'stopping' && state.afterwards.to === 'starting'
}
