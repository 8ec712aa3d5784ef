/**
 * Asynchronous invocations of one function: events whose callers do not wait. Each is held from its acceptance to its
 * end and handed to the pool for every try; `core/asynchronous` says what follows on each. One timer serves all.
 *
 * An event that was accepted ends exactly once, and `ended` is told, whatever becomes of the function or the emulator.
 */

import { afterTry, type EventCondition, type RetryTerms } from '../core/asynchronous.ts'
import { type Outcome, verdict } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { maxWaitingEventBytes, maxWaitingEvents } from '../core/limits.ts'
import { Conditions } from './conditions.ts'
import { Deadline } from './deadline.ts'
import { Delays } from './delays.ts'
import { EventInvocation, type EventRequest } from './event-invocation.ts'
import type { Pool } from './pool.ts'
import type { Clock, Log } from './ports.ts'

/** What an event came to. */
export interface EndedEvent {
  /** every try has its id and its trace */
  readonly request: EventRequest
  readonly condition: EventCondition
  /** how often it ran */
  readonly tries: number
  /** of the last try that had one; null when there was none */
  readonly outcome: Outcome | null
}

/** `full`: too many wait; `stopping`: the emulator takes none any more. */
export type Acceptance = 'accepted' | 'full' | 'stopping'

/** Fires at a time, in monotonic milliseconds; `Deadline` is one. */
export interface Timer extends Disposable {
  /** infinity while it is not armed */
  readonly at: number
  armAt(at: number): void
}

export interface AsyncParts extends RetryTerms {
  readonly clock: Clock
  /** for tests that have a time of their own; default: the system's */
  readonly timer?: (fire: () => void) => Timer
  readonly pool: Pick<Pool, 'invoke' | 'withdraw'>
  readonly log: Pick<Log, 'info' | 'warn'>
  /** Called once for each event that was accepted. */
  ended(event: EndedEvent): void
}

/** Events that wait for an environment or for another try. */
export interface WaitingEvents {
  readonly waiting: number
  readonly waitingBytes: number
}

/** An event that was accepted and has not ended. */
interface HeldEvent {
  readonly request: EventRequest
  readonly acceptedAt: number
  tries: number
  throttles: number
  outcome: Outcome | null
  /** the try that waits in the pool for an environment */
  queued: EventInvocation | null
  /** it counts among those that wait */
  waits: boolean
}

export class AsyncEvents {
  readonly #parts: AsyncParts
  /** in the order of acceptance, which is that of their ages */
  readonly #held = new Map<RequestId, HeldEvent>()
  readonly #delays = new Delays<HeldEvent>()
  readonly #due: Timer
  readonly #conditions: Conditions
  #waiting = 0
  #waitingBytes = 0
  #stopping = false

  constructor(parts: AsyncParts) {
    this.#parts = parts
    this.#conditions = new Conditions(parts.clock.now)
    const { timer = (fire: () => void): Timer => new Deadline(parts.clock.now, fire) } = parts
    this.#due = timer(() => this.#look())
  }

  get state(): WaitingEvents {
    return { waiting: this.#waiting, waitingBytes: this.#waitingBytes }
  }

  /** An event of this id has not ended. */
  has(id: RequestId): boolean {
    return this.#held.has(id)
  }

  /** Takes an event whose id is not in flight. */
  accept(request: EventRequest): Acceptance {
    if (this.#stopping) return 'stopping'
    if (this.#waitingBytes + request.payload.size > maxWaitingEventBytes) return 'full'
    if (this.#waiting >= maxWaitingEvents) return 'full'
    const acceptedAt = this.#parts.clock.now()
    const event: HeldEvent = {
      request,
      acceptedAt,
      tries: 0,
      throttles: 0,
      outcome: null,
      queued: null,
      waits: false,
    }
    this.#held.set(request.id, event)
    this.#try(event)
    return 'accepted'
  }

  /** All events have ended. */
  get isIdle(): boolean {
    return this.#held.size === 0
  }

  /** Resolves when all events have ended. */
  idle(): Promise<void> {
    return this.#conditions.until(() => this.isIdle)
  }

  /**
   * The emulator stops: no event is taken any more. Those that never ran go to the pool now, which runs them as far as
   * the drain time allows and ends the rest; those that wait for another try end here.
   */
  stop(): void {
    this.#stopping = true
    for (const event of this.#delays.clear()) {
      if (event.tries === 0) this.#try(event)
      else this.#end(event, 'EmulatorStopped')
    }
  }

  /** After the pool has ended, and every event with it. */
  [Symbol.dispose](): void {
    this.#due[Symbol.dispose]()
  }

  #try(event: HeldEvent): void {
    this.#waits(event, true)
    const attempt = new EventInvocation(event.request, {
      placed: () => {
        event.queued = null
        event.tries++
        event.throttles = 0
        this.#waits(event, false)
      },
      settle: (outcome) => {
        event.queued = null
        this.#settled(event, outcome)
      },
    })
    event.queued = attempt
    this.#parts.pool.invoke(attempt)
    // one that has its environment already needs no look at its age
    if (event.queued !== null) this.#wake(event.acceptedAt + this.#parts.maxAgeMs)
  }

  #settled(event: HeldEvent, outcome: Outcome): void {
    if (outcome.kind === 'throttled') event.throttles++
    else if (outcome.kind !== 'shutdown') event.outcome = outcome
    const { clock, log } = this.#parts
    const now = clock.now()
    const next = afterTry(event, outcome, this.#parts, now)
    if (next.do === 'end') {
      this.#end(event, next.condition)
      return
    }
    const { id } = event.request
    // what failed is not run early
    if (this.#stopping) {
      this.#end(event, 'EmulatorStopped')
      return
    }
    this.#waits(event, true)
    this.#wake(this.#delays.add(event, next.delayMs, now))
    if (outcome.kind === 'throttled') return
    const { status, errorType } = verdict(outcome)
    const fields = { requestId: id, tries: event.tries, status, errorType, delaySeconds: next.delayMs / 1000 }
    log.info(fields, 'an event failed and will be tried again')
  }

  #end(event: HeldEvent, condition: EventCondition): void {
    const { request, tries, outcome } = event
    this.#held.delete(request.id)
    this.#waits(event, false)
    const fields = { requestId: request.id, bytes: request.payload.size, tries, condition }
    if (condition !== 'Success') this.#parts.log.warn(fields, sentences[condition])
    this.#parts.ended({ request, condition, tries, outcome })
    this.#conditions.check()
  }

  #waits(event: HeldEvent, waits: boolean): void {
    if (event.waits === waits) return
    event.waits = waits
    this.#waiting += waits ? 1 : -1
    this.#waitingBytes += waits ? event.request.payload.size : -event.request.payload.size
  }

  /** Sees to it that the events are looked at then, in monotonic milliseconds. */
  #wake(at: number): void {
    if (at < this.#due.at) this.#due.armAt(at)
  }

  #look(): void {
    const { clock, pool, maxAgeMs } = this.#parts
    const now = clock.now()
    for (const event of this.#delays.due(now)) this.#try(event)
    for (const event of this.#held.values()) {
      const ends = event.acceptedAt + maxAgeMs
      if (ends > now) {
        this.#wake(ends)
        break
      }
      // one that runs is past its age too, and is looked at when it has ended
      const { queued } = event
      if (queued === null || !pool.withdraw(queued)) continue
      event.queued = null
      this.#end(event, 'EventAgeExceeded')
    }
    this.#wake(this.#delays.next)
  }
}

const sentences = {
  RetriesExhausted: 'an event failed, and is not tried again',
  EventAgeExceeded: 'an event is too old to be tried',
  ZeroReservedConcurrency: 'an event is not run: its function may have no environment',
  EmulatorStopped: 'an event is not run: the emulator stops',
} as const satisfies Record<Exclude<EventCondition, 'Success'>, string>
