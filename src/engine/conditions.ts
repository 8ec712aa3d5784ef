/** Waiting for what others bring about. */

import { Deadline } from './deadline.ts'

/** Conditions to wait for. Call `check` after every change on which one could depend. */
export class Conditions {
  readonly #now: () => number
  readonly #waiting = new Set<() => void>()

  constructor(now: () => number) {
    this.#now = now
  }

  check(): void {
    if (this.#waiting.size === 0) return
    for (const check of this.#waiting) check()
  }

  /** Resolves when the condition holds, `limitMs` have passed, or `force` resolves, whichever is first. */
  until(condition: () => boolean, limitMs?: number, force?: Promise<void>): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        limit[Symbol.dispose]()
        this.#waiting.delete(look)
        resolve()
      }
      const look = (): void => {
        if (condition()) done()
      }
      const limit = new Deadline(this.#now, done)
      if (limitMs !== undefined) limit.arm(limitMs)
      force?.then(done)
      this.#waiting.add(look)
    })
  }
}
