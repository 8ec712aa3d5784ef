/**
 * One execution environment at work: keeps the state, asks the rules, performs their effects in order.
 *
 * Events that are raised while effects run are queued, so every step runs to completion. What is not plain data is
 * kept here under the ids that the rules know: invocations, parked replies, processes, timers.
 */

import { type Outcome, success } from '../core/failure.ts'
import type { ApiCallId, EnvironmentId, Generation, RequestId } from '../core/ids.ts'
import {
  type Effect,
  type EnvironmentState,
  type Event,
  isFree,
  isOpen,
  type Reply,
  step,
  type UploadResult,
} from '../core/lifecycle.ts'
import { Few } from './few.ts'
import type { Invocation } from './invocation.ts'
import { type PlatformEventParts, PlatformEvents } from './platform-events.ts'
import { Renewal } from './renewal.ts'
import { Supervisor, type SupervisorParts } from './supervisor.ts'
import { type TimerParts, Timers } from './timers.ts'
import { type PendingCall, Warm } from './warm.ts'

/** The name of `PendingCall` until all who import it have moved. */
export type { PendingCall, PendingCall as Caller } from './warm.ts'

/** What an environment is made of. */
export interface EnvironmentParts extends PlatformEventParts, SupervisorParts, TimerParts {
  readonly id: EnvironmentId
  /** Names of the external extensions, sorted; read at every init. */
  discover(): readonly string[]
  /** Asks the rules for every step, also where their answer is known; a test compares the two. */
  readonly neverWarm?: boolean
  /** Called after every event that was dispatched, and when an invocation is over. */
  changed(environment: Environment): void
}

export class Environment {
  readonly id: EnvironmentId
  /** Set by the API: checks whether the peers of polls that were parked a moment ago are still there. */
  lookAtPolls: () => void = () => {}
  /** the tenant that it serves; undefined before its first invocation */
  tenant: string | null | undefined = undefined
  /** monotonic milliseconds of the end of the last invocation */
  idleSince: number
  readonly #parts: EnvironmentParts
  #state: EnvironmentState = { phase: 'cold', generation: 0 as Generation, retry: false }
  #busy = false
  readonly #queue: Event[] = []
  readonly #invocations = new Few<RequestId, Invocation>()
  readonly #pending = new Few<ApiCallId, PendingCall>()
  #calls = 0
  readonly #supervisor: Supervisor
  readonly #timers: Timers
  readonly #records: PlatformEvents
  readonly #warm: Warm = new Warm(this.#pending, this.#invocations)
  /** null until the code changes for the first time */
  #renewal: Renewal | null = null
  /** Time of the current event in monotonic milliseconds, read on first use; 0 = not read yet. */
  #eventAt = 0

  constructor(parts: EnvironmentParts) {
    this.id = parts.id
    this.#parts = parts
    this.#supervisor = new Supervisor(parts, {
      generation: () => this.#state.generation,
      awaited: () => this.#awaited,
      output: (process, chunk) => this.#records.output(process, chunk),
      launchFailed: (process, fault) => this.dispatch({ type: 'launch-failed', process, fault }),
      exited: (process, status, peakBytes) => {
        this.#records.ended(peakBytes)
        this.dispatch({ type: 'exit', process, status })
      },
    })
    this.#records = new PlatformEvents(parts, this.#supervisor.running)
    this.#timers = new Timers(parts, (event) => this.dispatch(event))
    this.idleSince = parts.clock.now()
  }

  get state(): EnvironmentState {
    return this.#warm.state ?? this.#state
  }

  /** It could take an invocation at once. */
  get free(): boolean {
    return this.#warm.free ?? isFree(this.#state)
  }

  /** It takes its steps without the rules at the moment, see `warm.ts`. */
  get onWarmPath(): boolean {
    return this.#warm.free !== null
  }

  /** It has ended for good. */
  get stopped(): boolean {
    return !this.onWarmPath && this.#state.phase === 'stopped'
  }

  /** An invocation may be bound to it: it is free, or will start or is starting for nobody. */
  get open(): boolean {
    return this.#warm.free ?? isOpen(this.#state)
  }

  /** A poll of the runtime is parked. */
  get polled(): boolean {
    return this.#warm.free ?? ('polls' in this.#state && this.#state.polls.length > 0)
  }

  /** Unix milliseconds at which the shutdown that runs will have used its budget. */
  get shutdownDeadline(): number {
    return this.#timers.budgetEnds
  }

  /** Process ids of what runs here. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#supervisor.running].map(([name, process]) => [name, process.pid]))
  }

  /** Peak of resident memory so far, in bytes, as of the last look. */
  get memory(): number {
    return this.#records.memory
  }

  /** The invocation of this id, from its arrival here until it is over. */
  invocation(id: RequestId): Invocation | undefined {
    return this.#warm.find(id) ?? this.#invocations.get(id)
  }

  /** Hands an invocation to this environment, which must be open. */
  invoke(invocation: Invocation): void {
    this.tenant = invocation.tenant
    const poll = this.#warm.invoke(invocation)
    if (poll === null) {
      this.#invocations.add(invocation.id, invocation)
      this.dispatch({ type: 'invoke', id: invocation.id })
      return
    }
    const now = this.#parts.clock.now()
    this.#timers.armDeadline(invocation, now)
    this.#records.start(invocation, now)
    poll.reply({ kind: 'invocation', id: invocation.id }, invocation)
  }

  /** The runtime asks for its next event; `concurrentPoll` is as in the event. */
  next(call: ApiCallId, pending: PendingCall, concurrentPoll = false): void {
    const over = this.#warm.next(call, pending)
    if (over === null) {
      this.park(pending, call)
      this.dispatch(
        concurrentPoll ? { type: 'runtime/next', call, concurrentPoll } : { type: 'runtime/next', call },
      )
      return
    }
    const now = this.#parts.clock.now()
    this.#records.report(over, success, now)
    this.#finish(over.id, now)
    if (this.#renewal !== null && this.#renew()) return
    this.#parts.changed(this)
  }

  /** The runtime begins to respond. True means go on and read; else it is up to the rules, which have to be asked. */
  beginResponse(id: RequestId, mode: string | null): boolean {
    return this.#warm.response(id, mode)
  }

  /** The response is there. True means that the caller has it; else it is up to the rules, as above. */
  endResponse(id: RequestId, received: UploadResult): boolean {
    // Incomplete uploads are decided by the rules.
    if (received.kind !== 'complete') return false
    const invocation = this.#warm.received(id)
    if (invocation === null) return false
    const { payload, contentType } = received
    this.#settle(invocation, { kind: 'response', payload, contentType }, this.#parts.clock.now())
    return true
  }

  /**
   * Death against invocation: a process may have ended while idle, and its end may be unread because the caller's
   * request was read first. Called before an invocation is handed to an environment that was idle for a moment, so
   * that the death fails no invocation. Returns whether there was one; the state has moved on then.
   *
   * The kernel closes the connections of a dying process before it reports its end, so the polls are checked too: with
   * none left, the invocation waits for a poll, and is not failed by the end that follows.
   */
  noticeDeaths(): boolean {
    if (this.#supervisor.trusted(this.#parts.clock.now() - this.idleSince)) return false
    this.lookAtPolls()
    this.#supervisor.noticeDeaths()
    return !this.free
  }

  /** The id of one API request, which goes into the event that it becomes. */
  newCall(): ApiCallId {
    return ++this.#calls as ApiCallId
  }

  /** Keeps the way to answer an API request. */
  park(pending: PendingCall, call: ApiCallId = this.newCall()): ApiCallId {
    this.#pending.add(call, pending)
    return call
  }

  /** Takes back a parked request; false if it has been answered or taken back. */
  withdraw(call: ApiCallId): boolean {
    return this.#pending.take(call) !== undefined
  }

  /** Whether that request has not been answered yet. */
  waits(call: ApiCallId): boolean {
    return this.#warm.waits(call) || this.#pending.has(call)
  }

  /** The peer of that request went away. */
  gone(call: ApiCallId): void {
    if (this.#warm.waits(call)) this.#state = this.#warm.leave() ?? this.#state
    if (this.withdraw(call)) this.dispatch({ type: 'gone', call })
  }

  /**
   * The code has changed: processes in which nothing runs are ended now, others when their invocation is over. The next
   * invocation starts new ones; with `start` they are started at once.
   */
  recycle(start: boolean): void {
    this.#renewal ??= new Renewal()
    this.#renewal.request(start)
    this.#renew()
  }

  /** Dispatches what the renewal asks for; false when that is nothing. */
  #renew(): boolean {
    if (this.#busy) return false
    const event = this.#renewal?.next(this.state)
    if (event !== undefined) this.dispatch(event)
    return event !== undefined
  }

  dispatch(event: Event): void {
    if (this.#busy) {
      this.#queue.push(event)
      return
    }
    this.#busy = true
    try {
      for (let next: Event | undefined = event; next !== undefined; ) {
        this.#eventAt = 0
        this.#step(next)
        next = this.#queue.shift() ?? this.#renewal?.next(this.#state)
      }
      if (this.#parts.neverWarm !== true) this.#warm.enter(this.#state)
    } finally {
      this.#busy = false
    }
    this.#parts.changed(this)
  }

  #step(event: Event): void {
    const result = step(this.#warm.leave() ?? this.#state, event)
    this.#state = result[0]
    for (let index = 1; index < result.length; index++) this.#perform(result[index] as Effect)
  }

  /** The clock, read once per event: everything that an event causes happens when it came. */
  #now(): number {
    if (this.#eventAt === 0) this.#eventAt = this.#parts.clock.now()
    return this.#eventAt
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'reply':
        this.#reply(effect.call, effect.reply)
        return
      case 'settle': {
        const invocation = this.#invocations.get(effect.id)
        if (invocation !== undefined) this.#settle(invocation, effect.outcome, this.#now())
        return
      }
      case 'arm-deadline': {
        const invocation = this.#invocations.get(effect.id)
        if (invocation !== undefined) this.#timers.armDeadline(invocation, this.#now())
        return
      }
      case 'disarm-deadline':
        this.#timers.disarmDeadline(effect.id)
        return
      case 'record': {
        const { record } = effect
        const invocation = 'id' in record ? this.#invocations.get(record.id) : undefined
        this.#records.write(record, invocation, this.#now())
        return
      }
      case 'finish':
        this.#invocations.take(effect.id)
        this.#finish(effect.id, this.#now())
        return
      case 'discover':
        this.dispatch({ type: 'discovered', extensions: this.#parts.discover() })
        return
      case 'spawn':
        this.#supervisor.spawn(effect.process)
        return
      case 'signal':
        this.#supervisor.signal(effect.process, effect.signal)
        return
      case 'sweep':
        this.#sweep()
        return
      case 'arm':
        this.#timers.arm(effect)
        return
      case 'disarm':
        this.#timers.disarm(effect.timer)
    }
  }

  #reply(call: ApiCallId, reply: Reply): void {
    const pending = reply.kind === 'read' ? this.#pending.get(call) : this.#pending.take(call)
    const named = reply.kind === 'invocation' || reply.kind === 'invoke-event'
    pending?.reply(reply, named ? this.#invocations.get(reply.id) : undefined)
  }

  #settle(invocation: Invocation, outcome: Outcome, now: number): void {
    this.#records.settled(invocation, outcome, now)
    invocation.settle(outcome)
  }

  #finish(id: RequestId, now: number): void {
    this.#timers.disarmDeadline(id)
    this.#supervisor.survived()
    this.idleSince = now
  }

  /** An init or an invocation waits for what the processes do. */
  get #awaited(): boolean {
    const { state } = this
    return state.phase === 'starting' || (state.phase === 'serving' && state.inflight.length > 0)
  }

  #sweep(): void {
    this.#supervisor.sweep()
    this.#records.forgetMemory()
  }

  [Symbol.dispose](): void {
    this.#sweep()
    this.#timers[Symbol.dispose]()
  }
}
