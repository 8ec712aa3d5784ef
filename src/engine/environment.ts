/**
 * One execution environment at work: keeps the state, asks the rules, performs their effects in order.
 *
 * Events that are raised while effects run are queued, so every step runs to completion. What is not plain data is
 * kept here under the ids that the rules know: invocations, parked replies, processes, timers.
 */

import { type ExitStatus, type Fault, type Outcome, type ProcessName, success } from '../core/failure.ts'
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
import { Deadline } from './deadline.ts'
import { Few } from './few.ts'
import type { Invocation } from './invocation.ts'
import type { LaunchFailure, ProcessSpec, RunningProcess } from './ports.ts'
import { type RecordParts, Records } from './records.ts'
import { type Caller, type Complete, Warm } from './warm.ts'

export type { Caller } from './warm.ts'

/** What an environment is made of. */
export interface EnvironmentParts extends RecordParts {
  readonly id: EnvironmentId
  readonly functionTimeoutMs: number
  /** 0 means no limit */
  readonly initTimeoutMs: number
  /** Names of the external extensions, sorted; read at every init. */
  discover(): readonly string[]
  specify(process: ProcessName): ProcessSpec
  /** Asks the rules for every step, also where their answer is known; the tests compare the two. */
  readonly neverWarm?: boolean
  /** Called after every step that left the environment able to take an invocation, or stopped it. */
  changed(environment: Environment): void
}

/** Milliseconds after its last invocation in which an environment is taken to be alive: asking would cost more. */
const aliveMs = 1
/**
 * The same for one whose processes have been through many invocations: of several under load each is idle for a
 * millisecond or two all the time, and asking was a sixth of an invocation. Who dies after each answer never gets there.
 */
const provenAliveMs = 20
const proof = 16

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
  readonly #running = new Map<ProcessName, RunningProcess>()
  readonly #ended: RunningProcess[] = []
  /** exits that wait for their turn of the event loop */
  readonly #untold = new Set<() => void>()
  readonly #deadline: Deadline
  #deadlineOf: RequestId | null = null
  /** invocations that these processes have been through */
  #survived = 0
  readonly #timers: Record<'init' | 'grace' | 'budget' | 'give-up', Deadline>
  #budgetEnds = 0
  readonly #records: Records
  readonly #warm: Warm = new Warm(this.#callers, this.#invocations)
  /** when the event that is performed came, in monotonic milliseconds; 0 while nobody has asked */
  #eventAt = 0

  constructor(parts: EnvironmentParts) {
    this.id = parts.id
    this.#parts = parts
    this.#records = new Records(parts, this.#running)
    const { now } = parts.clock
    this.idleSince = now()
    const timer = (event: Event): Deadline => new Deadline(now, () => this.dispatch(event))
    this.#deadline = new Deadline(now, () => {
      const id = this.#deadlineOf
      if (id !== null) this.dispatch({ type: 'deadline', id })
    })
    this.#timers = {
      init: timer({ type: 'init-limit' }),
      grace: timer({ type: 'grace-over' }),
      budget: timer({ type: 'budget-over' }),
      'give-up': timer({ type: 'given-up' }),
    }
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
    return this.#budgetEnds
  }

  /** Process ids of what runs here. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#running].map(([name, process]) => [name, process.pid]))
  }

  /** Peak of resident memory so far, in bytes, as of the last look. */
  get memory(): number {
    return this.#records.memory
  }

  /** The invocation of this id, from its arrival here until it is over. */
  invocation(id: RequestId): Invocation | undefined {
    return this.#warm.find(id) ?? this.#invocations.get(id)
  }

  /** Hands an invocation to this environment, which must be open; `now` is as for `dispatch`. */
  invoke(invocation: Invocation, now = 0): void {
    this.tenant = invocation.tenant
    const poll = this.#warm.invoke(invocation)
    if (poll === null) {
      this.#invocations.add(invocation.id, invocation)
      this.dispatch({ type: 'invoke', id: invocation.id }, now)
      return
    }
    this.#eventAt = now
    this.#armDeadline(invocation)
    this.#records.start(invocation, this.#now())
    this.#eventAt = 0
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
    this.#records.report(over, success, this.#now())
    this.#finish(over.id)
    this.#eventAt = 0
    this.#parts.changed(this)
  }

  /** The runtime begins to respond. True means go on and read; else it is up to the rules, which have to be asked. */
  beginResponse(id: RequestId, mode: string | null): boolean {
    return this.#warm.response(id, mode)
  }

  /** The response is there. True means that the caller has it; else it is up to the rules, as above. */
  endResponse(id: RequestId, received: Received): boolean {
    const invocation = this.#warm.received(id, received)
    if (invocation === null) return false
    const { payload, contentType } = received as Complete
    this.#settle(invocation, { kind: 'response', payload, contentType })
    this.#eventAt = 0
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
  noticeDeaths(now: number = this.#parts.clock.now()): boolean {
    const alive = now - this.idleSince < (this.#survived < proof ? aliveMs : provenAliveMs)
    if (alive && this.#untold.size === 0) return false
    this.lookAtPolls()
    const { generation } = this.#state
    for (const tell of [...this.#untold]) tell()
    for (const [name, process] of this.#running) {
      const status = process.ended()
      if (status !== null) this.#tellExit(name, generation, status, 0)
    }
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

  /** `now` is when the event came, in monotonic milliseconds, if somebody has just asked; 0 if not. */
  dispatch(event: Event, now = 0): void {
    if (this.#busy) {
      this.#queue.push(event)
      return
    }
    this.#busy = true
    this.#eventAt = now
    try {
      for (let next: Event | undefined = event; next !== undefined; next = this.#queue.shift()) {
        this.#step(next)
        this.#eventAt = 0
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
        if (invocation !== undefined) this.#settle(invocation, effect.outcome)
        return
      }
      case 'arm-deadline': {
        const invocation = this.#invocations.get(effect.id)
        if (invocation !== undefined) this.#armDeadline(invocation)
        return
      }
      case 'disarm-deadline':
        this.#disarmDeadline(effect.id)
        return
      case 'record': {
        const { record } = effect
        const invocation = 'id' in record ? this.#invocations.get(record.id) : undefined
        this.#records.write(record, invocation, this.#now())
        return
      }
      case 'finish':
        this.#invocations.take(effect.id)
        this.#finish(effect.id)
        return
      case 'discover':
        this.dispatch({ type: 'discovered', extensions: this.#parts.discover() })
        return
      case 'spawn':
        this.#spawn(effect.process)
        return
      case 'signal':
        this.#running.get(effect.process)?.signal(effect.signal)
        return
      case 'sweep':
        this.#sweep()
        return
      case 'arm':
        this.#arm(effect)
        return
      case 'disarm':
        this.#timers[effect.timer].disarm()
    }
  }

  #reply(call: PollId, reply: Reply): void {
    const caller = reply.kind === 'read' ? this.#callers.get(call) : this.#callers.take(call)
    const named = reply.kind === 'invocation' || reply.kind === 'invoke-event'
    caller?.reply(reply, named ? this.#invocations.get(reply.id) : undefined)
  }

  #settle(invocation: Invocation, outcome: Outcome): void {
    this.#records.settled(invocation, outcome, this.#now())
    invocation.settle(outcome)
  }

  #finish(id: RequestId): void {
    this.#disarmDeadline(id)
    this.#survived++
    this.idleSince = this.#now()
  }

  #armDeadline(invocation: Invocation): void {
    if (this.#deadlineOf === invocation.id) return
    const { clock, functionTimeoutMs } = this.#parts
    this.#deadlineOf = invocation.id
    invocation.startedAt = this.#now()
    invocation.deadline = clock.epoch() + functionTimeoutMs
    this.#deadline.arm(functionTimeoutMs, invocation.startedAt)
  }

  #disarmDeadline(id: RequestId): void {
    if (this.#deadlineOf !== id) return
    this.#deadlineOf = null
    this.#deadline.disarm()
  }

  #arm(effect: Extract<Effect, { do: 'arm' }>): void {
    if (effect.timer === 'init') {
      if (this.#parts.initTimeoutMs > 0) this.#timers.init.arm(this.#parts.initTimeoutMs)
      return
    }
    if (effect.timer === 'budget') this.#budgetEnds = this.#parts.clock.epoch() + effect.ms
    this.#timers[effect.timer].arm(effect.ms)
  }

  #spawn(name: ProcessName): void {
    const { processes, journal, log } = this.#parts
    const { generation } = this.#state
    const spec = this.#parts.specify(name)
    const started = processes.spawn(spec, {
      output: (chunk) => journal.output(name, chunk),
      exit: (status, peak) => this.#exited(name, generation, status, peak ?? 0),
    })
    if ('reason' in started) {
      log.error(
        { process: name, command: spec.argv[0], reason: started.text },
        'a process could not be started',
      )
      this.dispatch({ type: 'launch-failed', process: name, fault: launchFault(name, started) })
      return
    }
    log.debug({ process: name, pid: started.pid }, 'process started')
    this.#running.set(name, started)
  }

  /**
   * Response against exit: what a process wrote to its sockets before it ended may be unread still, because its end
   * is seen first. While a caller waits, the exit is dispatched two turns of the event loop later; it is dispatched
   * at once while nothing runs, so that no invocation is handed to a runtime that is known to be dead.
   */
  #exited(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
    const tell = (): void => {
      this.#untold.delete(tell)
      this.#tellExit(name, generation, status, peakBytes)
    }
    const { state } = this
    const waiting = state.phase === 'starting' || (state.phase === 'serving' && state.inflight.length > 0)
    if (!waiting) {
      tell()
      return
    }
    this.#untold.add(tell)
    setImmediate(() => setImmediate(tell))
  }

  #tellExit(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
    if (this.#state.generation !== generation) return
    const process = this.#running.get(name)
    if (process === undefined) return
    process.drain()
    this.#records.ended(peakBytes)
    this.#running.delete(name)
    this.#ended.push(process)
    this.#parts.log.debug({ process: name, ...status }, 'process ended')
    this.dispatch({ type: 'exit', process: name, status })
  }

  #sweep(): void {
    for (const process of this.#ended.splice(0)) process.dispose()
    for (const process of this.#running.values()) process.dispose()
    this.#running.clear()
    this.#records.forgetMemory()
    this.#survived = 0
  }

  [Symbol.dispose](): void {
    this.#sweep()
    this.#deadline[Symbol.dispose]()
    for (const timer of Object.values(this.#timers)) timer[Symbol.dispose]()
  }
}

function launchFault(name: ProcessName, { reason, text }: LaunchFailure): Fault {
  if (name !== 'runtime') return { errorType: 'Extension.LaunchError', text }
  return {
    errorType: reason === 'entrypoint' ? 'Runtime.InvalidEntrypoint' : 'Runtime.InvalidWorkingDir',
    text,
  }
}
