/** Several changes that follow each other are one. */

export interface QuietOptions<T> {
  /** How long nothing more may be told, in milliseconds; asked again with each change. */
  quietMs(told: ReadonlySet<T>): number
  /** after so many milliseconds it ends, whatever is still being told */
  readonly limitMs: number
  done(told: readonly T[]): void
}

/** A timer that is later than this says that the process had no CPU: changes are waiting to be told. */
const lateMs = 10

/** Calls back when nothing has been told for a while. */
export class Quiet<T> implements Disposable {
  readonly #options: QuietOptions<T>
  readonly #told = new Set<T>()
  #since = 0
  #due = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: QuietOptions<T>) {
    this.#options = options
  }

  tell(what: T): void {
    const now = performance.now()
    if (this.#told.size === 0) this.#since = now
    this.#told.add(what)
    clearTimeout(this.#timer)
    const left = this.#since + this.#options.limitMs - now
    const wait = Math.max(0, Math.min(this.#options.quietMs(this.#told), left))
    this.#due = now + wait
    this.#timer = setTimeout(() => this.#over(), wait)
  }

  /** What is waiting to be told comes first, and begins the wait anew. */
  #over(): void {
    if (performance.now() - this.#due <= lateMs) this.#end()
    else this.#timer = setTimeout(() => this.#end(), lateMs)
  }

  #end(): void {
    const told = [...this.#told]
    this.#told.clear()
    this.#options.done(told)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#told.clear()
  }
}
