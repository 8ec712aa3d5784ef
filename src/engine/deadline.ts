/**
 * Timers as events; the one place of the engine that owns `setTimeout`.
 *
 * A deadline is armed and disarmed once per invocation and hardly ever fires, so the system's timer is left running
 * when it is disarmed, and looks when it fires whether there is still something to wait for.
 */

/** One deadline on the monotonic clock. Fires never before its time, and once per `arm`. */
export class Deadline implements Disposable {
  #at = Number.POSITIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | null = null
  #timerAt = Number.POSITIVE_INFINITY
  readonly #fire: () => void
  readonly #now: () => number

  constructor(now: () => number, fire: () => void) {
    this.#now = now
    this.#fire = fire
  }

  /** When it fires, in monotonic milliseconds; infinity while it is not armed. */
  get at(): number {
    return this.#at
  }

  get armed(): boolean {
    return this.#at !== Number.POSITIVE_INFINITY
  }

  /** @param ms from `now` on; at most 2^31 - 1, as for `setTimeout` */
  arm(ms: number, now: number = this.#now()): void {
    this.#at = now + ms
    if (this.#timerAt <= this.#at) return
    this.set(ms)
  }

  /** The same for a time, in monotonic milliseconds; one that has passed fires with the next turn of the event loop. */
  armAt(at: number): void {
    const now = this.#now()
    this.arm(Math.max(0, at - now), now)
  }

  disarm(): void {
    this.#at = Number.POSITIVE_INFINITY
  }

  [Symbol.dispose](): void {
    this.disarm()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  private set(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = this.#now() + ms
    this.#timer = setTimeout(this.#look, ms)
  }

  readonly #look = (): void => {
    this.#timer = null
    this.#timerAt = Number.POSITIVE_INFINITY
    if (!this.armed) return
    // the system's timer may fire a fraction of a millisecond early, and the deadline may have moved on meanwhile
    const left = this.#at - this.#now()
    if (left > 0) {
      this.set(Math.ceil(left))
      return
    }
    this.disarm()
    this.#fire()
  }
}
