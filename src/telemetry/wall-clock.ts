/** Turns the times of platform events into the calendar's. */

import type { Clock } from '../engine/ports.ts'

/** Milliseconds by which the two clocks may drift apart before the calendar's is followed. */
const tolerance = 5

/**
 * Monotonic milliseconds as an ISO time with milliseconds in UTC. Two times differ by as much as the events did; only
 * when the calendar's clock has been set do later ones follow it.
 */
export class WallClock {
  readonly #clock: Clock
  #offset: number
  #last = Number.NaN
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
    this.#offset = clock.epoch() - clock.now()
  }

  /** Looks at both clocks; asked before a batch of events is written down, not for each of them. */
  follow(): void {
    const offset = this.#clock.epoch() - this.#clock.now()
    if (Math.abs(offset - this.#offset) > tolerance) this.#offset = offset
  }

  /** Unix milliseconds, rounded down. */
  epoch(at: number): number {
    return Math.floor(at + this.#offset)
  }

  text(at: number): string {
    const epoch = this.epoch(at)
    if (epoch === this.#last) return this.#text
    this.#last = epoch
    this.#text = new Date(epoch).toISOString()
    return this.#text
  }
}
