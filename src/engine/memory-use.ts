/** The memory that one environment has used, for REPORT: the peak of all its processes, as of the last look. */

import type { ProcessName } from '../core/failure.ts'
import type { Clock, Processes, RunningProcess } from './ports.ts'

/** Memory is looked at no more often than this, in milliseconds, and for at most one part in a hundred of the time. */
const intervalMs = 250
const share = 100

export class MemoryUse {
  readonly #parts: { readonly processes: Processes; readonly clock: Clock }
  readonly #running: ReadonlyMap<ProcessName, RunningProcess>
  #bytes = 0
  #due = 0

  constructor(
    parts: { readonly processes: Processes; readonly clock: Clock },
    running: ReadonlyMap<ProcessName, RunningProcess>,
  ) {
    this.#parts = parts
    this.#running = running
  }

  /** Peak so far, in bytes; 0 before the first look. */
  get bytes(): number {
    return this.#bytes
  }

  /** Looks if it is time to; with `force` also when no look has found anything yet. `now` is monotonic milliseconds. */
  look(now: number, force: boolean): void {
    if (now < this.#due && !(force && this.#bytes === 0)) return
    const { processes, clock } = this.#parts
    const bytes = processes.memory(this.#running.values())
    if (bytes > this.#bytes) this.#bytes = bytes
    const after = clock.now()
    this.#due = after + Math.max(intervalMs, (after - now) * share)
  }

  /** A process has ended; `peakBytes` is what was last seen of it, which may be more than any look has found. */
  ended(peakBytes: number): void {
    if (peakBytes > this.#bytes) this.#bytes = peakBytes
  }

  /** The next processes start anew. */
  forget(): void {
    this.#bytes = 0
    this.#due = 0
  }
}
