/**
 * All execution environments and the queue before them. Which invocation runs where, and how many environments there
 * are, is decided in `core/placement`; this carries it out, with one timer.
 */

import { type Outcome, verdict } from '../core/failure.ts'
import type { EnvironmentId, RequestId } from '../core/ids.ts'
import { recoveryMs } from '../core/limits.ts'
import { couldPlace, evict, mayWait, type PlacementLimits, place, waitsUntil } from '../core/placement.ts'
import { Conditions } from './conditions.ts'
import { Deadline } from './deadline.ts'
import type { Environment } from './environment.ts'
import type { Invocation } from './invocation.ts'
import type { Clock, PoolObserver } from './ports.ts'
import { InvocationQueue, type Waiting } from './queue.ts'
import { type EnvironmentSnapshot, snapshot } from './snapshot.ts'

export interface PoolSnapshot {
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
  /** null where an environment runs one invocation at a time */
  readonly slots?: SlotParts | null
  /** Makes an environment; it calls back. May throw, for want of a port above all. */
  create(id: EnvironmentId, calls: PoolCalls): Environment
  /** Lets go of what belongs to an environment that has stopped, its listener above all. */
  release(environment: Environment): void
}

/** Where environments run several invocations at a time. */
export interface SlotParts {
  /** milliseconds after which an invocation is refused that waits for workers of which none has come back */
  readonly patienceMs: number
  /** One is refused because it has waited that long. */
  stalled(invocation: Invocation): void
}

/** What an environment calls back. */
export interface PoolCalls {
  /** After each of its steps. */
  changed(environment: Environment): void
  /** It has no slot for an invocation that it had taken: within a step, in the order of arrival. */
  giveBack(invocation: Invocation): void
  /** It could not initialise: within a step. */
  failWaiting(environment: Environment, outcome: Outcome): void
}

/** Sees invocations that have no environment yet, or never get one. */
export interface PoolTap {
  /** One has come. Called before anything else is told of it. */
  arrived(invocation: Invocation): void
  /** It is answered, and no environment took it. */
  refused(invocation: Invocation, outcome: Outcome): void
}

export class Pool {
  /** null while nobody looks */
  tap: PoolTap | null = null
  readonly #parts: PoolParts
  readonly #environments: Environment[] = []
  readonly #queue = new InvocationQueue()
  #created = 0
  #draining = false
  /** what waits is not run any more */
  #over = false
  #placing = false
  #again = false
  /** monotonic milliseconds before which no environment is made, as the last attempt failed */
  #notBefore = 0
  readonly #conditions: Conditions
  /** when a decision that had to wait is due, or an environment has been idle for its time */
  readonly #due: Deadline

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.#conditions = new Conditions(parts.clock.now)
    this.#due = new Deadline(parts.clock.now, () => {
      this.serveQueue()
      this.refuseStalled()
      this.evict()
    })
  }

  get size(): number {
    return this.#environments.length
  }

  /** Invocations that wait for an environment and have a caller who waits for them. */
  get waiting(): number {
    return this.#queue.withCaller
  }

  get draining(): boolean {
    return this.#draining
  }

  /** An invocation of this id is queued or running. Looks at them all: only a caller with an id of its own asks. */
  has(id: RequestId): boolean {
    return this.#queue.hasId(id) || this.#environments.some((one) => one.invocation(id) !== undefined)
  }

  /** An initialised environment is free, or there will be none, and every invocation is answered at once. */
  get ready(): boolean {
    if (this.#parts.maxEnvironments === 0) return !this.#draining
    return this.#environments.some(({ free }) => free)
  }

  /** Makes the first environment, so that its listener is open before anything starts; `start` also initialises it. */
  open(start: boolean): Environment {
    const environment = this.create()
    if (start) environment.dispatch({ type: 'start' })
    return environment
  }

  /** Initialises an environment without an invocation, unless one is initialised or about to be. */
  warmUp(): void {
    if (this.#draining || this.#parts.maxEnvironments === 0) return
    if (this.#environments.some(({ state }) => state.phase !== 'cold' && state.phase !== 'stopped')) return
    const cold = this.#environments.find(({ state }) => state.phase === 'cold')
    if (cold === undefined) this.open(true)
    else cold.dispatch({ type: 'start' })
  }

  /**
   * Runs an invocation, now or when an environment is free. `settle` is called exactly once, `over` once if it ever
   * started; nothing is thrown.
   */
  invoke(invocation: Invocation): void {
    this.tap?.arrived(invocation)
    const { asynchronous = false } = invocation
    if (this.#over || (this.#draining && !asynchronous)) {
      this.refuse(invocation, { kind: 'shutdown' })
      return
    }
    if (this.#parts.maxEnvironments === 0) {
      this.refuse(invocation, { kind: 'throttled', never: true })
      return
    }
    const now = this.#parts.clock.now()
    const waiting: Waiting = { invocation, since: now }
    // those that wait longer go first, also when an environment is free for a moment between two events
    const alone = this.#queue.size === 0
    if (alone && this.place(waiting, 0, 0, now)) return
    this.#queue.add(waiting)
    if (!alone) this.serveQueue()
    // only now: it may have overtaken those of other tenants
    if (!this.#queue.has(waiting)) return
    const { maxQueue, slots } = this.#parts
    if (asynchronous && (maxQueue > 0 || this.#draining)) return
    const others = (asynchronous ? this.#queue.size : this.waiting) - 1
    if (mayWait(others, maxQueue, this.#environments)) {
      if (slots) this.wake(now + slots.patienceMs)
      return
    }
    this.#queue.remove(waiting)
    this.refuse(invocation, this.throttled)
  }

  private get throttled(): Outcome {
    return this.#parts.slots ? { kind: 'throttled', noSlot: true } : { kind: 'throttled' }
  }

  /** Those whose callers wait for workers that hang. */
  private refuseStalled(): void {
    const { slots, clock } = this.#parts
    if (!slots) return
    const now = clock.now()
    for (const waiting of [...this.#queue]) {
      const { invocation, since } = waiting
      const { tenant, asynchronous } = invocation
      if (asynchronous === true) continue
      const until =
        waitsUntil(this.#environments, { tenant, since }, slots.patienceMs) ?? now + slots.patienceMs
      if (until > now) {
        this.wake(until)
      } else if (this.#queue.remove(waiting)) {
        slots.stalled(invocation)
        this.refuse(invocation, this.throttled)
      }
    }
  }

  /** Takes back what an environment had no slot for: it goes before those that came later. */
  private takeBack(): void {
    const since = this.#parts.clock.now()
    this.#queue.takeBack(since)
    const { slots } = this.#parts
    if (slots) this.wake(since + slots.patienceMs)
  }

  /** What waits for this environment, and for no other one, ends in this. */
  private failWaiting(environment: Environment, outcome: Outcome): void {
    const others = this.#environments.filter((one) => one !== environment && !one.cold && !one.leaving)
    for (const waiting of [...this.#queue]) {
      const { invocation } = waiting
      const { tenant } = invocation
      if (environment.tenant !== undefined && environment.tenant !== tenant) continue
      if (others.some((one) => one.tenant === tenant || one.tenant === undefined)) continue
      if (this.#queue.remove(waiting)) this.fail(invocation, outcome)
    }
  }

  /** Takes an invocation out of the queue, which is not settled then. False when it does not wait any more. */
  withdraw(invocation: Invocation): boolean {
    const waiting = this.#queue.find(invocation)
    if (waiting === undefined) return false
    this.#queue.remove(waiting)
    this.tap?.refused(invocation, { kind: 'throttled' })
    this.#conditions.check()
    return true
  }

  /**
   * The code has changed: no invocation that is placed from now on runs the old one. With `start` the first environment
   * starts at once.
   */
  recycle(start: boolean): void {
    if (this.#draining) return
    // those that stop for good leave the list meanwhile
    const first = start && this.#parts.maxEnvironments > 0
    for (const [index, environment] of [...this.#environments].entries())
      environment.recycle(first && index === 0)
  }

  snapshot(): EnvironmentSnapshot[] {
    const now = this.#parts.clock.now()
    return this.#environments.map((environment) => snapshot(environment, now))
  }

  /** Resolves when an initialised environment is free, when this condition holds, or when the pool is drained. */
  untilReady(given: () => boolean): Promise<void> {
    return this.#conditions.until(() => this.ready || this.#draining || given())
  }

  /** No invocation waits or runs. */
  get isIdle(): boolean {
    return this.#queue.size === 0 && this.#environments.every(({ vacant }) => vacant)
  }

  /** Resolves when no invocation waits or runs. */
  idle(): Promise<void> {
    return this.#conditions.until(() => this.isIdle)
  }

  /** Everything there is to know of it, as JSON. Times are whole milliseconds. */
  state(): PoolSnapshot {
    const { oldest } = this.#queue
    return {
      queued: this.waiting,
      longestWaitMs: oldest === undefined ? 0 : Math.round(this.#parts.clock.now() - oldest.since),
      environments: this.snapshot(),
    }
  }

  /** Invocations with a caller are refused from now on, those that wait too; asynchronous ones are taken until `drain` ends. */
  close(): void {
    if (this.#draining) return
    this.#draining = true
    this.#conditions.check()
    this.refuseWaiting((invocation) => invocation.asynchronous !== true)
  }

  /**
   * Ends everything: what runs, and asynchronous invocations that wait, have `graceMs`, or until `force` resolves, then
   * all processes are stopped. Resolves when the last process has ended.
   */
  async drain(graceMs: number, force: Promise<void>): Promise<void> {
    this.close()
    await this.#conditions.until(() => this.isIdle, graceMs, force)
    this.#over = true
    this.refuseWaiting(() => true)
    for (const environment of [...this.#environments]) environment.dispatch({ type: 'stop' })
    await this.#conditions.until(() => this.#environments.length === 0)
    this.#due[Symbol.dispose]()
  }

  private refuseWaiting(which: (invocation: Invocation) => boolean): void {
    for (const waiting of [...this.#queue].filter(({ invocation }) => which(invocation))) {
      this.#queue.remove(waiting)
      this.refuse(waiting.invocation, { kind: 'shutdown' })
    }
  }

  private refuse(invocation: Invocation, outcome: Outcome): void {
    this.#parts.observer?.refused(outcome)
    this.tap?.refused(invocation, outcome)
    invocation.settle(outcome)
  }

  /** Places waiting invocations in arrival order. What comes about meanwhile is looked at afterwards. */
  private serveQueue(): void {
    this.#again = true
    if (this.#placing) return
    this.#placing = true
    try {
      while (this.#again) {
        this.#again = false
        this.serveOnce()
      }
    } finally {
      this.#placing = false
    }
  }

  private serveOnce(): void {
    const now = this.#parts.clock.now()
    let ahead = 0
    let ofTenant: Map<string | null, number> | null = null
    for (const waiting of this.#queue) {
      // the usual end: all are busy
      if (!couldPlace(this.#environments, this.terms(now))) {
        if (this.#notBefore > now) this.wake(this.#notBefore)
        return
      }
      const { tenant } = waiting.invocation
      const rivals = ofTenant?.get(tenant) ?? 0
      if (this.place(waiting, ahead, rivals, now)) continue
      ahead++
      ofTenant ??= new Map()
      ofTenant.set(tenant, rivals + 1)
    }
  }

  private terms(now: number): PlacementLimits {
    return { limit: this.#parts.maxEnvironments, notBefore: this.#notBefore, now }
  }

  /**
   * Finds an environment for an invocation, which leaves the queue before it is handed over. `ahead` others have been
   * passed over in the queue, `rivals` of them of the same tenant.
   */
  private place(waiting: Waiting, ahead: number, rivals: number, now: number): boolean {
    const { invocation, since } = waiting
    const { tenant } = invocation
    const placement = place(this.#environments, { tenant, since, ahead, rivals }, this.terms(now))
    switch (placement.do) {
      case 'wait':
        if (placement.until !== null) this.wake(placement.until)
        return false
      case 'retire': {
        const { environment } = placement
        // one that perhaps may not wait ends nothing that others could have
        if (!environment.vacant && !this.#queue.has(waiting)) return false
        environment.retire()
        return environment.stopped && this.place(waiting, ahead, rivals, now)
      }
      case 'assign': {
        const { environment } = placement
        if (environment.free && environment.noticeDeaths()) return this.place(waiting, ahead, rivals, now)
        this.leaveQueue(waiting)
        environment.invoke(invocation)
        return true
      }
      case 'create': {
        const environment = this.tryCreate()
        // Existing environments will serve the queue; fail only when there are none.
        if (environment === null && this.#environments.length > 0) return false
        this.leaveQueue(waiting)
        if (environment === null) this.fail(invocation, noEnvironment)
        else environment.invoke(invocation)
        return true
      }
    }
  }

  private leaveQueue(waiting: Waiting): void {
    const { observer, clock } = this.#parts
    const waited = this.#queue.remove(waiting)
    observer?.placed(waited ? clock.now() - waiting.since : 0)
    waiting.invocation.placed?.()
  }

  /** There is no environment for it, and none can be made. */
  private fail(invocation: Invocation, outcome: Outcome): void {
    this.refuse(invocation, outcome)
    invocation.over?.(null, {
      verdict: verdict(outcome),
      durationMs: 0,
      initMs: null,
      memoryBytes: 0,
    })
  }

  private tryCreate(): Environment | null {
    try {
      return this.create()
    } catch {
      this.#notBefore = this.#parts.clock.now() + recoveryMs
      this.wake(this.#notBefore)
      return null
    }
  }

  /** Stops what has been idle for its time. */
  private evict(): void {
    const { clock, environmentTtlMs } = this.#parts
    const { stop, next } = evict(this.#environments, environmentTtlMs, clock.now())
    for (const environment of stop) environment.dispatch({ type: 'stop' })
    if (next !== null) this.wake(next)
  }

  /** Sees to it that the queue and the idle environments are looked at then, in monotonic milliseconds. */
  private wake(at: number): void {
    if (at < this.#due.at) this.#due.armAt(at)
  }

  private create(): Environment {
    const id = (this.#created + 1) as EnvironmentId
    const environment = this.#parts.create(id, {
      changed: (changed) => this.changed(changed),
      giveBack: (invocation) => this.#queue.giveBack(invocation),
      failWaiting: (failed, outcome) => this.failWaiting(failed, outcome),
    })
    this.#created++
    this.#environments.push(environment)
    return environment
  }

  private changed(environment: Environment): void {
    if (this.#queue.gaveBack) {
      this.takeBack()
      this.serveQueue()
    }
    if (environment.open) {
      if (this.#queue.size > 0) this.serveQueue()
      if (this.#environments.length > 1 && !this.#draining && environment.vacant) {
        this.wake(environment.idleSince + this.#parts.environmentTtlMs)
      }
    } else if (environment.stopped) {
      const index = this.#environments.indexOf(environment)
      if (index >= 0) {
        this.#environments.splice(index, 1)
        this.#parts.release(environment)
      }
      if (this.#queue.size > 0) this.serveQueue()
    }
    this.#conditions.check()
  }
}

const noEnvironment: Outcome = {
  kind: 'fault',
  fault: {
    errorType: 'Sandbox.Failure',
    text: 'The emulator could not make an execution environment; its log says why',
  },
}
