/** Turns the times of platform events into the calendar's. */

import type { Clock } from '../engine/ports.ts'

/** Milliseconds by which the two clocks may drift apart before the calendar's is followed. */
const tolerance = 5
/** How often the calendar's clock is looked at, in milliseconds. */
const followMs = 1000

/**
 * Monotonic milliseconds as an ISO time with milliseconds in UTC. Two times differ by as much as the events did; only
 * when the calendar's clock has been set do later ones follow it, within a second.
 */
export class WallClock {
  readonly #clock: Clock
  #offset: number
  /** monotonic milliseconds of the last look at both clocks */
  #followed: number
  #last = Number.NaN
  #text = ''

  constructor(clock: Clock) {
    this.#clock = clock
    this.#followed = clock.now()
    this.#offset = clock.epoch() - this.#followed
  }

  /** Looks at both clocks, if the last look was more than a second before this event: to be called for each. */
  follow(at: number): void {
    if (at - this.#followed <= followMs) return
    this.#followed = at
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
