/** Does what the rules say: the one place where effects become replies, timers, processes and log lines. */

import type { Effects, PlatformRecord, Reply, TimerName } from '../core/effect.ts'
import type { Outcome, ProcessName } from '../core/failure.ts'
import type { ApiCallId, RequestId } from '../core/ids.ts'
import { Few } from './few.ts'
import type { Invocation } from './invocation.ts'
import type { PlatformEvents } from './platform-events.ts'
import type { Supervisor } from './supervisor.ts'
import type { Timers } from './timers.ts'

/** A request to the Runtime or Extensions API that waits for its answer. */
export interface PendingCall {
  /**
   * `read` asks for the body and is followed by another reply; any other is the last one. The invocation is the one
   * that the reply names, if it names one.
   */
  reply(reply: Reply, invocation?: Invocation): void
}

export interface PerformerParts {
  readonly supervisor: Supervisor
  readonly timers: Timers
  readonly events: PlatformEvents
  now(): number
  /** Lists the extensions and dispatches `discovered`. */
  discover(): void
  /** Delivers telemetry for at most so long, and dispatches `flushed`. */
  flush(ms: number): void
  /** An invocation has ended, in monotonic milliseconds. */
  finished(now: number): void
  /** An invocation has to wait for a slot again. */
  giveBack(invocation: Invocation): void
  /** Whoever waits for nothing but this environment is answered. */
  failWaiting(outcome: Outcome): void
}

export class Performer implements Effects {
  readonly #parts: PerformerParts
  /** what is in flight, under the ids that the rules know */
  readonly #invocations = new Few<RequestId, Invocation>()
  /** what waits for a reply, but for `#current` */
  readonly #pending = new Few<ApiCallId, PendingCall>()
  /** The call that the current event is, until it is answered. Most are at once, so that they never are in the map. */
  #current: PendingCall | null = null
  #currentCall = 0 as ApiCallId
  /** Time of the current event in monotonic milliseconds, read on first use; 0 = not read yet. */
  #eventAt = 0

  constructor(parts: PerformerParts) {
    this.#parts = parts
  }

  /** An event is about to be performed. */
  enter(): void {
    this.#eventAt = 0
    this.#current = null
  }

  /** As above, and `call` is asked for with this event. */
  enterCall(call: ApiCallId, pending: PendingCall): void {
    this.#eventAt = 0
    this.#currentCall = call
    this.#current = pending
  }

  /** The event has been performed. A call that was not answered stays. */
  leaveCall(): void {
    if (this.#current !== null) this.park(this.#currentCall, this.#current)
    this.#current = null
  }

  /** Keeps the way to answer a call. */
  park(call: ApiCallId, pending: PendingCall): void {
    this.#pending.set(call, pending)
  }

  /** Undefined for a call that has been answered or taken back. */
  parked(call: ApiCallId): PendingCall | undefined {
    return this.#pending.get(call)
  }

  /** Takes back a call; false if it has been answered or taken back. */
  withdraw(call: ApiCallId): boolean {
    return this.#pending.delete(call)
  }

  waits(call: ApiCallId): boolean {
    return this.#pending.has(call)
  }

  /** Keeps an invocation until it has finished. */
  accept(invocation: Invocation): void {
    invocation.deliveryId = null
    this.#invocations.set(invocation.id, invocation)
  }

  invocation(id: RequestId): Invocation | undefined {
    return this.#invocations.get(id)
  }

  /** The clock, read once per event: everything that an event causes happens when it came. */
  private now(): number {
    if (this.#eventAt === 0) this.#eventAt = this.#parts.now()
    return this.#eventAt
  }

  reply(call: ApiCallId, reply: Reply): void {
    const { kind } = reply
    const invocation =
      kind === 'invocation' || kind === 'invoke-event' ? this.invocation(reply.id) : undefined
    if (this.#current !== null && call === this.#currentCall) {
      const current = this.#current
      this.#current = null
      current.reply(reply, invocation)
      return
    }
    const pending = this.#pending.get(call)
    if (pending === undefined) return
    if (kind !== 'read') this.#pending.delete(call)
    pending.reply(reply, invocation)
  }

  settle(id: RequestId, outcome: Outcome): void {
    const invocation = this.invocation(id)
    if (invocation === undefined) return
    this.#parts.events.settled(invocation, outcome, this.now())
    invocation.settle(outcome)
  }

  giveBack(id: RequestId): void {
    const invocation = this.invocation(id)
    if (invocation === undefined) return
    this.#invocations.delete(id)
    this.#parts.giveBack(invocation)
  }

  failWaiting(outcome: Outcome): void {
    this.#parts.failWaiting(outcome)
  }

  beginAnswer(id: RequestId, contentType: string): void {
    const invocation = this.invocation(id)
    if (invocation === undefined) return
    this.#parts.events.began(invocation, this.now())
    invocation.begin?.(contentType)
  }

  endAnswer(id: RequestId, outcome: Outcome): void {
    this.settle(id, outcome)
  }

  breakAnswer(id: RequestId, outcome: Outcome): void {
    this.settle(id, outcome)
  }

  armDeadline(id: RequestId): void {
    const invocation = this.invocation(id)
    if (invocation !== undefined) this.#parts.timers.armDeadline(invocation, this.now())
  }

  disarmDeadline(id: RequestId): void {
    this.#parts.timers.disarmDeadline(id)
  }

  record(record: PlatformRecord): void {
    const invocation = 'id' in record ? this.invocation(record.id) : undefined
    this.#parts.events.write(record, invocation, this.now())
  }

  finish(id: RequestId): void {
    const { supervisor, timers } = this.#parts
    this.#invocations.delete(id)
    timers.disarmDeadline(id)
    supervisor.survived()
    this.#parts.finished(this.now())
  }

  discover(): void {
    this.#parts.discover()
  }

  spawn(process: ProcessName): void {
    if (process === 'runtime') this.#parts.events.runtimeStarts()
    this.#parts.supervisor.spawn(process)
  }

  signal(process: ProcessName, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#parts.supervisor.signal(process, signal)
  }

  releaseProcesses(): void {
    this.#parts.supervisor.releaseProcesses()
    this.#parts.events.forgetMemory()
  }

  flush(ms: number): void {
    this.#parts.flush(ms)
  }

  arm(timer: TimerName, ms?: number): void {
    this.#parts.timers.arm(timer, ms)
  }

  disarm(timer: TimerName): void {
    this.#parts.timers.disarm(timer)
  }
}
