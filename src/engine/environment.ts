/**
 * One execution environment at work: keeps the state, asks the rules, has their effects performed.
 *
 * Events that are raised while a step runs are queued, so every step runs to completion, and an environment takes no
 * invocation meanwhile. What is not plain data is kept under the ids that the rules know: invocations and parked requests
 * by `Performer`, processes by `Supervisor`, timers by `Timers`.
 */

import type { Outcome } from '../core/failure.ts'
import type { ApiCallId, EnvironmentId, Generation, RequestId } from '../core/ids.ts'
import {
  type Event,
  isFilling,
  isFree,
  isLeaving,
  isOpen,
  isRecovering,
  isVacant,
  type LifecycleState,
  refuseStale,
  step,
} from '../core/lifecycle.ts'
import { type Mode, onDemand } from '../core/mode.ts'
import { Attachment } from './attachment.ts'
import type { Invocation } from './invocation.ts'
import { type PendingCall, Performer } from './performer.ts'
import { type PlatformEventParts, PlatformEvents } from './platform-events.ts'
import type { OutputCutter, TelemetryApi } from './ports.ts'
import { Renewal } from './renewal.ts'
import { Supervisor, type SupervisorParts } from './supervisor.ts'
import { type TimerParts, Timers } from './timers.ts'
import { type PendingUpload, Upload, type UploadTarget } from './upload.ts'

export type { PendingCall } from './performer.ts'

/** What an environment is made of. */
export interface EnvironmentParts extends PlatformEventParts, SupervisorParts, TimerParts {
  readonly id: EnvironmentId
  /** The runtime is not started by the emulator; see `Attachment`. */
  readonly attached?: boolean
  /** default: on demand */
  readonly mode?: Mode
  /** invocations after which its processes are started anew; 0, the default, is never */
  readonly recycleAfter?: number
  /** Names of the external extensions, sorted; read at every init. */
  discover(): readonly string[]
  /** Delivers the telemetry that waits; resolves after so many milliseconds at the latest. */
  flush?(ms: number): Promise<void>
  /** Called after every event that was dispatched. */
  changed(environment: Environment): void
  /** It has no slot for this invocation, which it had taken for a start; called within a step, in the order of arrival. */
  giveBack?(invocation: Invocation): void
  /** Its last attempt to initialise has failed: whoever waits for nothing but it ends so. Called within a step. */
  failWaiting?(environment: Environment, outcome: Outcome): void
}

export class Environment {
  readonly id: EnvironmentId
  /** the tenant that it serves; undefined before its first invocation */
  tenant: string | null | undefined = undefined
  /** monotonic milliseconds of the end of the last invocation */
  idleSince: number
  readonly #parts: EnvironmentParts
  readonly #mode: Mode
  #state: LifecycleState = { phase: 'cold', generation: 0 as Generation, retry: false }
  #busy = false
  readonly #queue: Event[] = []
  #calls = 0
  /** the first one of this generation */
  #firstCall = 0 as ApiCallId
  readonly #supervisor: Supervisor
  readonly #timers: Timers
  readonly #events: PlatformEvents
  readonly #performer: Performer
  /** null where the runtime is ours */
  readonly #attachment: Attachment | null
  /** invocations that this generation has served */
  #served = 0
  /** null until the processes are to be started anew for the first time */
  #renewal: Renewal | null = null

  constructor(parts: EnvironmentParts) {
    this.id = parts.id
    this.#parts = parts
    this.#mode = parts.mode ?? onDemand
    this.#supervisor = new Supervisor(parts, {
      generation: () => this.#state.generation,
      awaited: () => this.awaited,
      output: (process, chunk) => this.#events.output(process, chunk),
      launchFailed: (process, fault) => this.dispatch({ type: 'launch-failed', process, fault }),
      exited: (process, status, peakBytes) => {
        this.#events.ended(peakBytes)
        this.dispatch({ type: 'exit', process, status })
      },
    })
    this.#events = new PlatformEvents(parts, this.#supervisor.running)
    this.#timers = new Timers(parts, (event) => {
      // The wait for an exit against the exit: where the machine has stalled, the timer is due before the exit is read.
      if (event.type === 'exit-wait-over') this.#supervisor.noticeDeaths()
      this.dispatch(event)
    })
    this.#performer = new Performer({
      supervisor: this.#supervisor,
      timers: this.#timers,
      events: this.#events,
      now: parts.clock.now,
      discover: () => this.dispatch({ type: 'discovered', extensions: parts.discover() }),
      flush: (ms) => {
        const { generation } = this.#state
        void parts.flush?.(ms).then(() => this.dispatch({ type: 'flushed', generation }))
      },
      finished: (now) => {
        this.idleSince = now
        this.#served++
        if (this.#served === parts.recycleAfter) this.newRenewal().request(false)
      },
      giveBack: (invocation) => parts.giveBack?.(invocation),
      failWaiting: (outcome) => parts.failWaiting?.(this, outcome),
    })
    this.#attachment = parts.attached
      ? new Attachment(() => this.#supervisor.signal('runtime', 'SIGKILL'))
      : null
    this.idleSince = parts.clock.now()
  }

  /** For reading only. */
  get state(): LifecycleState {
    return this.#state
  }

  /** It could take an invocation at once. */
  get free(): boolean {
    return !this.#busy && this.#renewal?.due !== true && isFree(this.#state, this.#mode)
  }

  /** It has ended for good. */
  get stopped(): boolean {
    return this.#state.phase === 'stopped'
  }

  /** An invocation may be bound to it: it is free, cold, or starting without one. */
  get open(): boolean {
    return !this.#busy && this.#renewal?.due !== true && isOpen(this.#state, this.#mode)
  }

  /** No invocation needs it any more, and it will be open again by itself. */
  get recovering(): boolean {
    return isRecovering(this.#state, this.#mode)
  }

  /** It is being stopped for good. */
  get leaving(): boolean {
    return isLeaving(this.#state) || this.#renewal?.retires === true
  }

  /** No invocation runs here, and none waits for its start. */
  get vacant(): boolean {
    return isVacant(this.#state)
  }

  /** It initialises, and will have several slots. */
  get filling(): boolean {
    return isFilling(this.#state, this.#mode)
  }

  /** When it took an invocation last, in monotonic milliseconds; null while it does not serve. */
  get tookAt(): number | null {
    return this.#state.phase === 'serving' ? this.#timers.armedAt : null
  }

  /** It has no processes, but still its listener. */
  get cold(): boolean {
    return this.#state.phase === 'cold'
  }

  /** Its processes run, or start. */
  get warm(): boolean {
    const { phase } = this.#state
    return phase === 'serving' || phase === 'starting' || phase === 'restoring'
  }

  /** Unix milliseconds at which the shutdown that runs will have used its budget. */
  get shutdownDeadline(): number {
    return this.#timers.budgetEnds
  }

  /** An extension has subscribed to the Telemetry or Logs API. */
  subscribed(api: TelemetryApi, name: string, types: readonly string[]): void {
    this.#events.subscribed(api, name, types)
  }

  /** Takes what one worker of the runtime writes, beside the others. */
  workerOutput(): OutputCutter {
    return this.#events.cutterOf('runtime')
  }

  /** Process ids of what runs here. */
  pids(): Record<string, number> {
    return Object.fromEntries([...this.#supervisor.running].map(([name, process]) => [name, process.pid]))
  }

  /** Peak of resident memory so far, in bytes, as of the last look. */
  get memory(): number {
    return this.#events.memory
  }

  /** The invocation of this id, from its arrival here until it is over. */
  invocation(id: RequestId): Invocation | undefined {
    return this.#performer.invocation(id)
  }

  /** Hands an invocation to this environment, which must be open. */
  invoke(invocation: Invocation): void {
    this.tenant = invocation.tenant
    this.#performer.accept(invocation)
    this.dispatch({ type: 'invoke', id: invocation.id })
  }

  /** The runtime asks for its next event; `concurrentPoll` is as in the event. */
  next(call: ApiCallId, pending: PendingCall, concurrentPoll = false): void {
    if (this.#attachment?.keeps(call, this.#state)) {
      this.park(pending, call)
      const due = this.#busy ? undefined : this.#attachment.next(this.#state)
      if (due !== undefined) this.dispatch(due)
      return
    }
    this.request({ type: 'runtime/next', call, concurrentPoll }, pending)
  }

  /** The runtime uploads something; `pending` reads its body when the rules allow it, and gets the answer. */
  upload(target: UploadTarget, pending: PendingUpload): void {
    new Upload(this, target, pending).start()
  }

  /**
   * Death against invocation: a process may have ended while idle, and its end may be unread because the caller's
   * request was read first. Called before an invocation is handed to an environment that was idle for a moment, so
   * that the death fails no invocation. Returns whether there was one; the state has moved on then.
   */
  noticeDeaths(): boolean {
    if (this.#supervisor.trusted(this.#parts.clock.now() - this.idleSince)) return false
    this.#supervisor.noticeDeaths()
    return !this.free
  }

  /** The id of one API request, which goes into the event that it becomes. */
  newCall(): ApiCallId {
    return ++this.#calls as ApiCallId
  }

  /** Keeps the way to answer an API request. */
  park(pending: PendingCall, call: ApiCallId = this.newCall()): ApiCallId {
    this.#performer.park(call, pending)
    return call
  }

  /** A request that is parked; undefined when it has been answered or taken back. */
  parked(call: ApiCallId): PendingCall | undefined {
    return this.#performer.parked(call)
  }

  /** Takes back a parked request; false if it has been answered or taken back. */
  withdraw(call: ApiCallId): boolean {
    return this.#performer.withdraw(call)
  }

  /** Whether that request has not been answered yet. */
  waits(call: ApiCallId): boolean {
    return this.#performer.waits(call)
  }

  /** The peer of that request went away. */
  gone(call: ApiCallId): void {
    if (!this.withdraw(call)) return
    this.#attachment?.gone(call)
    this.dispatch({ type: 'gone', call })
  }

  /**
   * The code has changed: processes in which nothing runs are ended now, others when their invocation is over. The next
   * invocation starts new ones; with `start` they are started at once.
   */
  recycle(start: boolean): void {
    this.newRenewal().request(start)
    this.renew()
  }

  /** Ends it for good when nothing runs here any more; it takes no invocation meanwhile. */
  retire(): void {
    this.newRenewal().retires = true
    this.renew()
  }

  private renew(): void {
    if (this.#busy) return
    const event = this.#renewal?.next(this.#state)
    if (event !== undefined) this.dispatch(event)
  }

  private newRenewal(): Renewal {
    this.#renewal ??= new Renewal()
    return this.#renewal
  }

  dispatch(event: Event): void {
    if (this.#busy) {
      this.#queue.push(event)
      return
    }
    this.#performer.enter()
    this.run(event)
  }

  /**
   * Dispatches an event that is an API call; `pending` gets its replies, the first one perhaps at once. A call belongs
   * to the generation of processes in which it began, that is in which `newCall` was asked: one that comes into force in
   * a later one, because its body had to be read or another poll was waited for, is refused.
   */
  request(event: Extract<Event, { call: ApiCallId }>, pending: PendingCall): void {
    const { call } = event
    const stale = call < this.#firstCall ? refuseStale(this.#state.generation, event) : null
    if (stale !== null) {
      this.#performer.withdraw(call)
      pending.reply(stale)
      return
    }
    if (this.#busy) {
      this.#performer.park(call, pending)
      this.#queue.push(event)
      return
    }
    this.#performer.enterCall(call, pending)
    this.run(event)
  }

  /** Performs an event, and those that are raised meanwhile. */
  private run(event: Event): void {
    this.#busy = true
    try {
      this.step(event)
      this.#performer.leaveCall()
      for (let next = this.nextEvent(); next !== undefined; next = this.nextEvent()) {
        this.#performer.enter()
        this.step(next)
      }
    } finally {
      this.#busy = false
    }
    this.#parts.changed(this)
  }

  private step(event: Event): void {
    const { generation } = this.#state
    this.#state = step(this.#state, event, this.#performer, this.#mode)
    if (this.#state.generation !== generation) {
      this.#firstCall = (this.#calls + 1) as ApiCallId
      this.#served = 0
    }
    if (this.#events.observes) this.observe()
  }

  private observe(): void {
    this.#events.observe(this.#state, (id) => this.#performer.invocation(id))
  }

  /** What was raised meanwhile; then what new code, or a runtime that is not ours, asks for. */
  private nextEvent(): Event | undefined {
    const raised = this.#queue.shift() ?? this.#renewal?.next(this.#state)
    if (raised !== undefined || this.#attachment === null) return raised
    // the end of such a runtime is raised while it is asked
    return this.#attachment.next(this.#state) ?? this.#queue.shift()
  }

  /** An init or an invocation waits for what the processes do. */
  private get awaited(): boolean {
    const state = this.#state
    if (state.phase === 'restoring') return state.waiting.length > 0
    return state.phase === 'starting' || (state.phase === 'serving' && state.inflight.length > 0)
  }

  [Symbol.dispose](): void {
    this.#performer.releaseProcesses()
    this.#timers[Symbol.dispose]()
  }
}
