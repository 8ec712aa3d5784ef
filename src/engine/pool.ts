/**
 * All execution environments and the queue before them. One place decides who runs where: `core/placement`.
 */

import { type Outcome, verdict } from '../core/failure.ts'
import type { EnvironmentId, RequestId } from '../core/ids.ts'
import { mayWait, place } from '../core/placement.ts'
import type { Environment } from './environment.ts'
import { Growth } from './growth.ts'
import type { Invocation } from './invocation.ts'
import type { Clock, PoolObserver } from './ports.ts'
import { Queue } from './queue.ts'
import { Retirement } from './retirement.ts'
import { type EnvironmentSnapshot, isBusy, snapshot } from './snapshot.ts'
import { Watch } from './watch.ts'

export interface PoolState {
  /** invocations that wait for an environment */
  readonly queued: number
  /** of the one that waits longest; 0 when none does */
  readonly longestWaitMs: number
  readonly environments: readonly EnvironmentSnapshot[]
}

export interface PoolParts {
  readonly clock: Clock
  readonly observer?: PoolObserver
  readonly maxEnvironments: number
  readonly maxQueue: number
  /** milliseconds after which an idle environment is stopped, if it is not the oldest one */
  readonly environmentTtlMs: number
  /** Makes an environment; it calls back `changed` after each of its steps. May throw, for want of a port above all. */
  create(id: EnvironmentId, changed: (environment: Environment) => void): Environment
  /** Lets go of what belongs to an environment that has stopped, its listener above all. */
  release(environment: Environment): void
}

export class Pool {
  readonly #parts: PoolParts
  readonly #environments: Environment[] = []
  readonly #queue = new Queue()
  #created = 0
  #draining = false
  #placing = false
  #again = false
  readonly #watch: Watch
  readonly #retirement: Retirement
  readonly #growth: Growth

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#watch = new Watch(parts.clock.now)
    this.#retirement = new Retirement(this.#environments, parts.environmentTtlMs, parts.clock.now)
    this.#growth = new Growth(this.#environments, parts.clock.now, () => this.#serveQueue())
  }

  get size(): number {
    return this.#environments.length
  }

  get waiting(): number {
    return this.#queue.size
  }

  get draining(): boolean {
    return this.#draining
  }

  /** An invocation of this id is queued or running. Looks at them all: only a caller with an id of its own asks. */
  has(id: RequestId): boolean {
    return this.#queue.has(id) || this.#environments.some((one) => one.invocation(id) !== undefined)
  }

  /** An initialised environment is free. */
  get ready(): boolean {
    return this.#environments.some(({ free }) => free)
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
      this.#refuse(invocation, { kind: 'shutdown' })
      return
    }
    // whoever waits longer goes first, also when an environment is free for a moment between two events
    const alone = this.#queue.size === 0
    if (alone && this.#place(invocation, null, 0, 0)) return
    const waiting = this.#queue.push(invocation, this.#parts.clock.now())
    if (!alone) this.#serveQueue()
    // only now: it may have overtaken those of other tenants
    if (!waiting.waits || this.#mayWait(this.#queue.size - 1)) return
    this.#queue.remove(waiting)
    this.#refuse(invocation, { kind: 'throttled' })
  }

  /**
   * The code has changed: no invocation that is placed from now on runs the old one. With `start` the first environment
   * starts at once.
   */
  recycle(start: boolean): void {
    if (this.#draining) return
    // those that stop for good leave the list meanwhile
    for (const [index, environment] of [...this.#environments].entries())
      environment.recycle(start && index === 0)
  }

  snapshot(): EnvironmentSnapshot[] {
    const now = this.#parts.clock.now()
    return this.#environments.map((environment) => snapshot(environment, now))
  }

  /** Resolves when no invocation waits or runs. */
  idle(): Promise<void> {
    return this.#watch.until(() => this.#queue.size === 0 && !this.#environments.some(isBusy))
  }

  /** Everything there is to know of it, as JSON. Times are whole milliseconds. */
  state(): PoolState {
    const { first, size } = this.#queue
    return {
      queued: size,
      longestWaitMs: first === null ? 0 : Math.round(this.#parts.clock.now() - first.since),
      environments: this.snapshot(),
    }
  }

  /**
   * Ends everything: queued invocations are refused, running ones have `graceMs`, or until `hurry` resolves, then all
   * processes are stopped. Resolves when the last process has ended.
   */
  async drain(graceMs: number, hurry: Promise<void>): Promise<void> {
    this.#draining = true
    for (const invocation of this.#queue.takeAll()) this.#refuse(invocation, { kind: 'shutdown' })
    await this.#watch.until(() => !this.#environments.some(isBusy), graceMs, hurry)
    for (const environment of [...this.#environments]) environment.dispatch({ type: 'stop' })
    await this.#watch.until(() => this.#environments.length === 0)
    this.#retirement[Symbol.dispose]()
    this.#growth[Symbol.dispose]()
  }

  #refuse(invocation: Invocation, outcome: Outcome): void {
    this.#parts.observer?.refused(outcome)
    invocation.settle(outcome)
  }

  /** Places waiting invocations in arrival order. What comes about meanwhile is looked at afterwards. */
  #serveQueue(): void {
    this.#again = true
    if (this.#placing) return
    this.#placing = true
    try {
      while (this.#again) {
        this.#again = false
        this.#serveOnce()
      }
    } finally {
      this.#placing = false
    }
  }

  #serveOnce(): void {
    let ahead = 0
    let ofTenant: Map<string | null, number> | null = null
    for (let waiting = this.#queue.first; waiting !== null; waiting = waiting.next) {
      // the usual end: all are busy
      if (!this.#mayPlace()) return
      const { tenant } = waiting.invocation
      const rivals = ofTenant?.get(tenant) ?? 0
      if (this.#place(waiting.invocation, waiting, ahead, rivals)) continue
      ahead++
      ofTenant ??= new Map()
      ofTenant.set(tenant, rivals + 1)
    }
  }

  /**
   * Whether another one may wait behind so many. Whoever waits for an environment that is about to be free, or to make
   * room, counts against no limit.
   */
  #mayWait(others: number): boolean {
    const { maxQueue } = this.#parts
    return mayWait(others, maxQueue) || mayWait(others, maxQueue + this.#growth.promised)
  }

  /** Whether there is any environment, or room for one, that the next in the queue could have if this one cannot. */
  #mayPlace(): boolean {
    const { length } = this.#environments
    // without any, one is tried at once: nobody else would ever come
    if (length === 0 || (length < this.#parts.maxEnvironments && !this.#growth.blocked)) return true
    for (const { open } of this.#environments) if (open) return true
    return false
  }

  /**
   * Finds an environment for an invocation, which leaves the queue before it is handed over. `ahead` others have been
   * passed over in the queue, `rivals` of them of the same tenant.
   */
  #place(invocation: Invocation, waiting: Queue['first'], ahead: number, rivals: number): boolean {
    const { maxEnvironments, observer, clock } = this.#parts
    const placement = place(this.#environments, maxEnvironments, invocation.tenant)
    let environment: Environment | null
    switch (placement.do) {
      case 'wait':
        return false
      case 'retire':
        // one that leaves makes room for one
        if (this.#growth.leaving > ahead) return false
        placement.environment.dispatch({ type: 'stop' })
        if (!placement.environment.stopped) return false
        return this.#place(invocation, waiting, ahead, rivals)
      case 'assign':
        environment = placement.environment
        if (environment.free && environment.noticeDeaths()) {
          return this.#place(invocation, waiting, ahead, rivals)
        }
        break
      case 'create':
        if (!this.#growth.allows(invocation.tenant, waiting?.since ?? null, rivals)) return false
        environment = this.#tryCreate()
        // those that there are go on; without any, nobody would ever come
        if (environment === null && this.#environments.length > 0) return false
    }
    if (waiting === null) {
      observer?.placed(0)
    } else {
      this.#queue.remove(waiting)
      observer?.placed(clock.now() - waiting.since)
    }
    if (environment === null) {
      this.#refuse(invocation, noEnvironment)
      invocation.over?.(null, {
        verdict: verdict(noEnvironment),
        durationMs: 0,
        initMs: null,
        memoryBytes: 0,
      })
      return true
    }
    environment.invoke(invocation)
    return true
  }

  #tryCreate(): Environment | null {
    try {
      return this.#create()
    } catch {
      this.#growth.failed()
      return null
    }
  }

  #create(): Environment {
    const id = (this.#created + 1) as EnvironmentId
    const environment = this.#parts.create(id, (changed) => this.#changed(changed))
    this.#created++
    this.#environments.push(environment)
    return environment
  }

  #changed(environment: Environment): void {
    if (environment.open) {
      if (this.#queue.size > 0) this.#serveQueue()
      if (this.#environments.length > 1 && !this.#draining) this.#retirement.watch()
    } else if (environment.stopped) {
      const index = this.#environments.indexOf(environment)
      if (index >= 0) {
        this.#environments.splice(index, 1)
        this.#parts.release(environment)
      }
      if (this.#queue.size > 0) this.#serveQueue()
    }
    this.#watch.look()
  }
}

const noEnvironment: Outcome = {
  kind: 'fault',
  fault: {
    errorType: 'Sandbox.Failure',
    text: 'The emulator could not make an execution environment; its log says why',
  },
}
