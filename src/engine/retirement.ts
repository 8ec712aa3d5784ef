import { Deadline } from './deadline.ts'
import type { Environment } from './environment.ts'

/** Stops environments that nobody has used for their time; the oldest one that is not cold is kept. */
export class Retirement implements Disposable {
  readonly #environments: readonly Environment[]
  readonly #ttlMs: number
  readonly #now: () => number
  readonly #deadline: Deadline

  /** `environments` is looked at whenever there is something to decide, so it may change. */
  constructor(environments: readonly Environment[], ttlMs: number, now: () => number) {
    this.#environments = environments
    this.#ttlMs = ttlMs
    this.#now = now
    this.#deadline = new Deadline(now, () => this.#retire())
  }

  /** To be called when an environment that is not the only one has nothing to do. */
  watch(): void {
    if (!this.#deadline.armed) this.#deadline.arm(this.#ttlMs)
  }

  [Symbol.dispose](): void {
    this.#deadline[Symbol.dispose]()
  }

  #retire(): void {
    const now = this.#now()
    let next = Number.POSITIVE_INFINITY
    // one that a failure left cold has no processes, but still a listener
    const warm = ({ state }: Environment): boolean => state.phase === 'serving' || state.phase === 'starting'
    const kept = this.#environments.find(warm) ?? this.#environments[0]
    for (const environment of [...this.#environments]) {
      const { free, state, idleSince } = environment
      if (environment === kept || (!free && state.phase !== 'cold')) continue
      const left = idleSince + this.#ttlMs - now
      if (left <= 0) environment.dispatch({ type: 'stop' })
      else next = Math.min(next, left)
    }
    if (next !== Number.POSITIVE_INFINITY) this.#deadline.arm(next)
  }
}
