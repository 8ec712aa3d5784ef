/**
 * One execution environment at work: keeps the state, asks the rules, performs their effects in order.
 *
 * Events that are raised while effects run are queued, so every step runs to completion. What is not plain data is
 * kept here under the ids that the rules know: invocations, parked replies, processes, timers.
 */

import { type Outcome, success } from '../core/failure.ts'
import type { EnvironmentId, Generation, PollId, RequestId } from '../core/ids.ts'
import {
  type Effect,
  type Event,
  isFree,
  isOpen,
  type Received,
  type Reply,
  type Environment as State,
  step,
} from '../core/lifecycle.ts'
import { Crew, type CrewParts } from './crew.ts'
import { Few } from './few.ts'
import type { Invocation } from './invocation.ts'
import { type RecordParts, Records } from './records.ts'
import { type TimerParts, Timers } from './timers.ts'
import { type Caller, Warm } from './warm.ts'

export type { Caller } from './warm.ts'

/** What an environment is made of. */
export interface EnvironmentParts extends RecordParts, CrewParts, TimerParts {
  readonly id: EnvironmentId
  /** Names of the external extensions, sorted; read at every init. */
  discover(): readonly string[]
  /** Asks the rules for every step, also where their answer is known; the tests compare the two. */
  readonly neverWarm?: boolean
  /** Called after every step that left the environment able to take an invocation, or stopped it. */
  changed(environment: Environment): void
}

export class Environment {
  readonly id: EnvironmentId
  /** Set by the API: looks whether the peers of polls that were parked just now are still there. */
  lookAtPolls: () => void = () => {}
  /** the tenant that it serves; undefined before its first invocation */
  tenant: string | null | undefined = undefined
  /** monotonic milliseconds of the end of the last invocation */
  idleSince: number
  readonly #parts: EnvironmentParts
  #state: State = { phase: 'cold', generation: 0 as Generation, retry: false }
  #busy = false
  readonly #queue: Event[] = []
  readonly #invocations = new Few<RequestId, Invocation>()
  readonly #callers = new Few<PollId, Caller>()
  #calls = 0
  readonly #crew: Crew
  readonly #timers: Timers
  readonly #records: Records
  readonly #warm: Warm = new Warm(this.#callers, this.#invocations)
  /** when the event that is performed came, in monotonic milliseconds; 0 while nobody has asked */
  #eventAt = 0

  constructor(parts: EnvironmentParts) {
    this.id = parts.id
    this.#parts = parts
    this.#crew = new Crew(parts, {
      generation: () => this.#state.generation,
      awaited: () => this.#awaited,
      launchFailed: (process, fault) => this.dispatch({ type: 'launch-failed', process, fault }),
      exited: (process, status, peakBytes) => {
        this.#records.ended(peakBytes)
        this.dispatch({ type: 'exit', process, status })
      },
    })
    this.#records = new Records(parts, this.#crew.running)
    this.#timers = new Timers(parts, (event) => this.dispatch(event))
    this.idleSince = parts.clock.now()
  }

  get state(): State {
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
    return Object.fromEntries([...this.#crew.running].map(([name, process]) => [name, process.pid]))
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

  /** The runtime asks for its next event; `behind` is as in the event of that name. */
  next(call: PollId, caller: Caller, behind = false): void {
    const over = this.#warm.next(call, caller)
    if (over === null) {
      this.park(caller, call)
      this.dispatch(behind ? { type: 'runtime/next', call, behind } : { type: 'runtime/next', call })
      return
    }
    const now = this.#parts.clock.now()
    this.#records.report(over, success, now)
    this.#finish(over.id, now)
    this.#parts.changed(this)
  }

  /** The runtime begins to respond. True means go on and read; else it is up to the rules, which have to be asked. */
  beginResponse(id: RequestId, mode: string | null): boolean {
    return this.#warm.response(id, mode)
  }

  /** The response is there. True means that the caller has it; else it is up to the rules, as above. */
  endResponse(id: RequestId, received: Received): boolean {
    // of an answer that is none, the rules know what to do
    if (received.kind !== 'complete') return false
    const invocation = this.#warm.received(id)
    if (invocation === null) return false
    const { payload, contentType } = received
    this.#settle(invocation, { kind: 'response', payload, contentType }, this.#parts.clock.now())
    return true
  }

  /**
   * Idle death against invocation: a process may have ended without our having been told, because the caller's
   * request was read first. Asked before an invocation is handed to an environment that was idle for a moment, so
   * that the death costs no caller anything. Returns whether there was one; the state has moved on then.
   *
   * A process closes its connections some time before the kernel calls it dead, so its polls are looked at too: with
   * none left, the invocation waits for a poll, and the death that follows is no failure of it.
   */
  noticeDeaths(): boolean {
    if (this.#crew.trusted(this.#parts.clock.now() - this.idleSince)) return false
    this.lookAtPolls()
    this.#crew.noticeDeaths()
    return !this.free
  }

  /** The id of one API request, which goes into the event that it becomes. */
  newCall(): PollId {
    return ++this.#calls as PollId
  }

  /** Keeps the way to answer an API request. */
  park(caller: Caller, call: PollId = this.newCall()): PollId {
    this.#callers.add(call, caller)
    return call
  }

  /** Takes a request back that was parked; false if it is not there any more. */
  withdraw(call: PollId): boolean {
    return this.#callers.take(call) !== undefined
  }

  /** Whether that request has not been answered yet. */
  waits(call: PollId): boolean {
    return this.#warm.waits(call) || this.#callers.has(call)
  }

  /** The peer of that request went away. */
  gone(call: PollId): void {
    if (this.#warm.waits(call)) this.#state = this.#warm.leave() ?? this.#state
    if (this.withdraw(call)) this.dispatch({ type: 'gone', call })
  }

  dispatch(event: Event): void {
    if (this.#busy) {
      this.#queue.push(event)
      return
    }
    this.#busy = true
    try {
      for (let next: Event | undefined = event; next !== undefined; next = this.#queue.shift()) {
        this.#eventAt = 0
        this.#step(next)
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
        this.#crew.spawn(effect.process)
        return
      case 'signal':
        this.#crew.signal(effect.process, effect.signal)
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

  #reply(call: PollId, reply: Reply): void {
    const caller = reply.kind === 'read' ? this.#callers.get(call) : this.#callers.take(call)
    const named = reply.kind === 'invocation' || reply.kind === 'invoke-event'
    caller?.reply(reply, named ? this.#invocations.get(reply.id) : undefined)
  }

  #settle(invocation: Invocation, outcome: Outcome, now: number): void {
    this.#records.settled(invocation, outcome, now)
    invocation.settle(outcome)
  }

  #finish(id: RequestId, now: number): void {
    this.#timers.disarmDeadline(id)
    this.#crew.survived()
    this.idleSince = now
  }

  /** Somebody waits for what the processes do. */
  get #awaited(): boolean {
    const { state } = this
    return state.phase === 'starting' || (state.phase === 'serving' && state.inflight.length > 0)
  }

  #sweep(): void {
    this.#crew.sweep()
    this.#records.forgetMemory()
  }

  [Symbol.dispose](): void {
    this.#sweep()
    this.#timers[Symbol.dispose]()
  }
}
