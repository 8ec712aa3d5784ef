/** Several changes that follow each other are one. */

/** Calls back when nothing has been told for `quietMs`, but at most `limitMs` after the first. */
export class Quiet<T> implements Disposable {
  readonly #quietMs: number
  readonly #limitMs: number
  readonly #done: (told: readonly T[]) => void
  readonly #told = new Set<T>()
  #since = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(quietMs: number, limitMs: number, done: (told: readonly T[]) => void) {
    this.#quietMs = quietMs
    this.#limitMs = limitMs
    this.#done = done
  }

  tell(what: T): void {
    const now = performance.now()
    if (this.#told.size === 0) this.#since = now
    this.#told.add(what)
    clearTimeout(this.#timer)
    const left = this.#since + this.#limitMs - now
    this.#timer = setTimeout(() => this.#end(), Math.max(0, Math.min(this.#quietMs, left)))
  }

  #end(): void {
    const told = [...this.#told]
    this.#told.clear()
    this.#done(told)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#told.clear()
  }
}
