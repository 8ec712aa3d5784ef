/**
 * How long a machine with too much to do has held up the processes of a test. A function timeout of one second fires
 * just as well when a runtime was not given the CPU for that second, and then it is nobody's fault. The kernel counts
 * that time for each process; our own is seen in timers that fire late.
 */
import { readFileSync } from 'node:fs'

const interval = 20

export class Starvation implements Disposable {
  readonly #pids: () => Iterable<number>
  readonly #timer: ReturnType<typeof setInterval>
  #last = performance.now()
  #lag = 0
  readonly #base = new Map<number, number>()
  readonly #seen = new Map<number, number>()

  /** @param pids whose waiting counts, asked again and again: a process that has ended is not forgotten */
  constructor(pids: () => Iterable<number>) {
    this.#pids = pids
    this.#timer = setInterval(() => this.#look(), interval)
  }

  /** Counts from now on. */
  reset(): void {
    this.#look()
    this.#lag = 0
    this.#base.clear()
    for (const [pid, waited] of this.#seen) this.#base.set(pid, waited)
    this.#seen.clear()
  }

  /** All waiting since then, added up. */
  get milliseconds(): number {
    this.#look()
    let sum = this.#lag
    for (const [pid, waited] of this.#seen) sum += waited - (this.#base.get(pid) ?? 0)
    return sum
  }

  #look(): void {
    const now = performance.now()
    this.#lag += Math.max(0, now - this.#last - interval)
    this.#last = now
    for (const pid of this.#pids()) {
      const waited = runDelay(pid)
      if (waited !== null) this.#seen.set(pid, waited)
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}

/** Milliseconds for which a process was ready to run and did not; null when it has ended or the kernel counts nothing. */
export function runDelay(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6
  } catch {
    return null
  }
}
