import { Deadline } from './deadline.ts'

/** Waits for conditions that hold after something has changed; whoever changes it calls `look`. */
export class Watch {
  readonly #now: () => number
  readonly #watchers = new Set<() => void>()

  constructor(now: () => number) {
    this.#now = now
  }

  look(): void {
    if (this.#watchers.size === 0) return
    for (const watcher of this.#watchers) watcher()
  }

  /** Resolves when the condition holds, `limitMs` have passed, or `hurry` resolves, whichever is first. */
  until(condition: () => boolean, limitMs?: number, hurry?: Promise<void>): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        limit[Symbol.dispose]()
        this.#watchers.delete(look)
        resolve()
      }
      const look = (): void => {
        if (condition()) done()
      }
      const limit = new Deadline(this.#now, done)
      if (limitMs !== undefined) limit.arm(limitMs)
      hurry?.then(done)
      this.#watchers.add(look)
    })
  }
}
