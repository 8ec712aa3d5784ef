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
  /** of a restore after a snapshot; 0, the default, means no limit */
  readonly restoreTimeoutMs?: number
}

export class Timers implements Disposable {
  readonly #parts: TimerParts
  /** what is in flight, in the order of arrival, which is that of the deadlines: all have the same time */
  readonly #running: Invocation[] = []
  readonly #deadline: Deadline
  readonly #named: Record<TimerName, Deadline>
  #budgetEnds = 0
  /** monotonic milliseconds at which the last function timeout began; 0 before the first */
  armedAt = 0

  constructor(parts: TimerParts, dispatch: (event: Event) => void) {
    this.#parts = parts
    const { now } = parts.clock
    const timer = (event: Event): Deadline => new Deadline(now, () => dispatch(event))
    this.#deadline = new Deadline(now, () => this.expire(dispatch))
    this.#named = {
      init: timer({ type: 'init-limit' }),
      restore: timer({ type: 'restore-limit' }),
      'exit-wait': timer({ type: 'exit-wait-over' }),
      grace: timer({ type: 'grace-over' }),
      budget: timer({ type: 'budget-over' }),
      'kill-wait': timer({ type: 'kill-wait-over' }),
    }
  }

  /** Unix milliseconds at which the shutdown that runs will have used its budget. */
  get budgetEnds(): number {
    return this.#budgetEnds
  }

  /** Starts the function timeout of this invocation, unless it runs already; `now` is in monotonic milliseconds. */
  armDeadline(invocation: Invocation, now: number): void {
    if (this.#running.includes(invocation)) return
    const { clock, functionTimeoutMs } = this.#parts
    invocation.startedAt = now
    this.armedAt = now
    invocation.deadline = clock.epoch() + functionTimeoutMs
    if (this.#running.push(invocation) === 1) this.#deadline.arm(functionTimeoutMs, now)
  }

  disarmDeadline(id: RequestId): void {
    const running = this.#running
    const last = running.pop()
    if (last !== undefined && last.id !== id) {
      running.push(last)
      removeFrom(running, id)
    }
    // while others run the timer is left alone: it looks for them when it fires
    if (running.length === 0) this.#deadline.disarm()
  }

  private expire(dispatch: (event: Event) => void): void {
    const { clock, functionTimeoutMs } = this.#parts
    const now = clock.now()
    for (let first = this.#running[0]; first !== undefined; first = this.#running[0]) {
      const left = first.startedAt + functionTimeoutMs - now
      if (left > 0) {
        this.#deadline.arm(left, now)
        return
      }
      this.#running.shift()
      dispatch({ type: 'deadline', id: first.id })
    }
  }

  /** Without `ms` it is the limit of init, or of a restore, that is armed. */
  arm(timer: TimerName, ms = this.limitOf(timer)): void {
    if (timer === 'budget') this.#budgetEnds = this.#parts.clock.epoch() + ms
    // no init limit at all is 0
    if (ms > 0) this.#named[timer].arm(ms)
  }

  private limitOf(timer: TimerName): number {
    const { initTimeoutMs, restoreTimeoutMs = 0 } = this.#parts
    return timer === 'restore' ? restoreTimeoutMs : initTimeoutMs
  }

  disarm(timer: TimerName): void {
    this.#named[timer].disarm()
  }

  [Symbol.dispose](): void {
    this.#deadline[Symbol.dispose]()
    for (const timer of Object.values(this.#named)) timer[Symbol.dispose]()
  }
}

function removeFrom(running: Invocation[], id: RequestId): void {
  // `findIndex` would be compiled for the last time, which `compiler.ts` cannot spare
  let index = 0
  while (index < running.length && (running[index] as Invocation).id !== id) index++
  if (index < running.length) running.splice(index, 1)
}
