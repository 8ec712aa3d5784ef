/**
 * Items that wait, each for one of a few delays. Those of one delay are due in the order in which they came, so adding
 * one and taking one out cost the same however many wait.
 */

export class Delays<T> {
  /** by delay; each in the order in which they are due, with the time at which they are, in monotonic milliseconds */
  readonly #byDelay = new Map<number, Map<T, number>>()

  /** `item` waits nowhere yet; `now` never goes back. Returns when it is due, in monotonic milliseconds. */
  add(item: T, delayMs: number, now: number): number {
    let waiting = this.#byDelay.get(delayMs)
    if (waiting === undefined) {
      waiting = new Map()
      this.#byDelay.set(delayMs, waiting)
    }
    const due = now + delayMs
    waiting.set(item, due)
    return due
  }

  /** Takes out what is due, the one that is due for longest first. */
  due(now: number): T[] {
    const found: [item: T, due: number][] = []
    for (const waiting of this.#byDelay.values()) {
      for (const entry of waiting) {
        if (entry[1] > now) break
        found.push(entry)
        waiting.delete(entry[0])
      }
    }
    return found.sort(([, one], [, other]) => one - other).map(([item]) => item)
  }

  /** Takes out all, due or not. */
  clear(): T[] {
    const all = [...this.#byDelay.values()].flatMap((waiting) => [...waiting.keys()])
    this.#byDelay.clear()
    return all
  }

  /** When the next one is due, in monotonic milliseconds; infinity when none waits. */
  get next(): number {
    let next = Number.POSITIVE_INFINITY
    for (const waiting of this.#byDelay.values()) {
      for (const due of waiting.values()) {
        next = Math.min(next, due)
        break
      }
    }
    return next
  }
}
