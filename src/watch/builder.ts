/** Runs a build after changes of the code: one at a time, and again for what was saved meanwhile. */

import type { Outputs, Written } from './outputs.ts'

/** How a build ended. */
export interface Built {
  readonly code: number
  /** what it wrote, or the end of that */
  readonly output: string
}

export interface BuilderOptions {
  readonly outputs: Outputs
  /** Runs the build to its end; rejects when it cannot be started. */
  build(): Promise<Built>
  /** When a file was written last, in Unix milliseconds; undefined for one that is gone. */
  writtenAt(path: string): number | undefined
  /** Unix milliseconds */
  epoch(): number
  /** Called after each build, with the files that were the reason, and how long it took. */
  built(result: Built, reasons: readonly string[], ms: number): void
  failed(error: unknown): void
}

/** What a build has written last may be told so much later, in milliseconds: after the watcher's quiet. */
const settleMs = 300

export class Builder implements Disposable {
  readonly #options: BuilderOptions
  #state: 'idle' | 'building' | 'settling' | 'disposed' = 'idle'
  #meanwhile = new Set<string>()
  /** of the last build, in Unix milliseconds */
  #end = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: BuilderOptions) {
    this.#options = options
  }

  /** Files have changed. */
  changed(paths: readonly string[]): void {
    if (this.#state === 'disposed') return
    if (this.#state !== 'idle') {
      for (const path of paths) this.#meanwhile.add(path)
      return
    }
    this.#options.outputs.saved(paths)
    void this.#run(paths)
  }

  async #run(reasons: readonly string[]): Promise<void> {
    const { build, built, failed, epoch } = this.#options
    this.#state = 'building'
    this.#meanwhile = new Set()
    const began = performance.now()
    try {
      const result = await build()
      this.#end = epoch()
      if (this.#isDisposed) return
      built(result, reasons, performance.now() - began)
    } catch (error) {
      this.#end = epoch()
      if (this.#isDisposed) return
      failed(error)
    }
    this.#state = 'settling'
    this.#timer = setTimeout(() => this.#settled(), settleMs)
  }

  get #isDisposed(): boolean {
    return this.#state === 'disposed'
  }

  #settled(): void {
    this.#state = 'idle'
    const { outputs, writtenAt } = this.#options
    // a kernel's time of a file is a moment late, never early: what is after the end really is
    const written = (path: string): Written => ((writtenAt(path) ?? 0) > this.#end ? 'after' : 'during')
    const reasons = outputs.changed(new Map([...this.#meanwhile].map((path) => [path, written(path)])))
    if (reasons.length > 0) void this.#run(reasons)
  }

  [Symbol.dispose](): void {
    this.#state = 'disposed'
    clearTimeout(this.#timer)
  }
}
