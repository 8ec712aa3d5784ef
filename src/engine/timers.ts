/** The timers of one environment: the function timeout of what is in flight, and the limits of init and shutdown. */

import type { TimerName } from '../core/effect.ts'
import type { Event } from '../core/event.ts'
import type { RequestId } from '../core/ids.ts'
import { Deadline } from './deadline.ts'
import type { Invocation } from './invocation.ts'
import type { Clock } from './ports.ts'

export interface TimerParts {
  readonly clock: Clock
  readonly functionTimeoutMs: number
  /** 0 means no limit */
  readonly initTimeoutMs: number
}

export class Timers implements Disposable {
  readonly #parts: TimerParts
  readonly #deadline: Deadline
  #deadlineOf: RequestId | null = null
  readonly #named: Record<TimerName, Deadline>
  #budgetEnds = 0

  constructor(parts: TimerParts, dispatch: (event: Event) => void) {
    this.#parts = parts
    const { now } = parts.clock
    const timer = (event: Event): Deadline => new Deadline(now, () => dispatch(event))
    this.#deadline = new Deadline(now, () => {
      const id = this.#deadlineOf
      if (id !== null) dispatch({ type: 'deadline', id })
    })
    this.#named = {
      init: timer({ type: 'init-limit' }),
      grace: timer({ type: 'grace-over' }),
      budget: timer({ type: 'budget-over' }),
      'give-up': timer({ type: 'given-up' }),
    }
  }

  /** Unix milliseconds at which the shutdown that runs will have used its budget. */
  get budgetEnds(): number {
    return this.#budgetEnds
  }

  /** Starts the function timeout of this invocation, unless it runs already; `now` is in monotonic milliseconds. */
  armDeadline(invocation: Invocation, now: number): void {
    if (this.#deadlineOf === invocation.id) return
    const { clock, functionTimeoutMs } = this.#parts
    this.#deadlineOf = invocation.id
    invocation.startedAt = now
    invocation.deadline = clock.epoch() + functionTimeoutMs
    this.#deadline.arm(functionTimeoutMs, now)
  }

  disarmDeadline(id: RequestId): void {
    if (this.#deadlineOf !== id) return
    this.#deadlineOf = null
    this.#deadline.disarm()
  }

  /** Without `ms` it is the init limit that is armed. */
  arm(timer: TimerName, ms = this.#parts.initTimeoutMs): void {
    if (timer === 'budget') this.#budgetEnds = this.#parts.clock.epoch() + ms
    // no init limit at all is 0
    if (ms > 0) this.#named[timer].arm(ms)
  }

  disarm(timer: TimerName): void {
    this.#named[timer].disarm()
  }

  [Symbol.dispose](): void {
    this.#deadline[Symbol.dispose]()
    for (const timer of Object.values(this.#named)) timer[Symbol.dispose]()
  }
}
