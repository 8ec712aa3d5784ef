/** How long runs that have ended are kept: for their time, and as far as there is room; the oldest go first. */

import type { Log } from '../engine/ports.ts'
import type { RunRecord } from './run.ts'

/** Most closed runs, and most bytes of their data. */
export const maxClosedRuns = 10_000
const maxClosedBytes = 256 * 1024 * 1024

interface Kept {
  /** Unix milliseconds */
  readonly until: number
  readonly bytes: number
}

export class Retention {
  readonly #log: Log
  readonly #forget: (run: RunRecord) => void
  /** in the order in which they ended, or were read from the store */
  readonly #kept = new Map<RunRecord, Kept>()
  /** Unix milliseconds: none of them is forgotten before */
  #due = Number.POSITIVE_INFINITY
  #bytes = 0
  #told = false

  constructor(log: Log, forget: (run: RunRecord) => void) {
    this.#log = log
    this.#forget = forget
  }

  get size(): number {
    return this.#kept.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** This run has ended. */
  add(run: RunRecord, days: number): void {
    if (run.state.phase !== 'closed') return
    const { endedAt, result, run: data } = run.state
    const bytes = data.bytes + (data.facts.input?.length ?? 0) + (result?.length ?? 0)
    const until = endedAt + days * 86_400_000
    this.#kept.set(run, { until, bytes })
    this.#due = Math.min(this.#due, until)
    this.#bytes += bytes
    this.#makeRoom()
  }

  remove(run: RunRecord): void {
    this.#bytes -= this.#kept.get(run)?.bytes ?? 0
    this.#kept.delete(run)
  }

  /** Forgets those whose time has passed. */
  expire(now: number): void {
    if (now < this.#due) return
    this.#due = Number.POSITIVE_INFINITY
    for (const [run, { until }] of this.#kept) {
      if (until <= now) this.#forget(run)
      else this.#due = Math.min(this.#due, until)
    }
  }

  #makeRoom(): void {
    for (const [run] of this.#kept) {
      if (this.#kept.size <= maxClosedRuns && this.#bytes <= maxClosedBytes) return
      if (!this.#told) {
        const limits = { runs: maxClosedRuns, bytes: maxClosedBytes }
        this.#log.warn(limits, 'too many durable executions have ended: the oldest are forgotten')
      }
      this.#told = true
      this.#forget(run)
    }
  }
}
