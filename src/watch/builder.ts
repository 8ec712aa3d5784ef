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
  /** When a file was put where it is, or written, in Unix milliseconds; undefined for one that is gone. */
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
  /** number of builds so far */
  #count = 0
  /** of the last build, in Unix milliseconds */
  #begin = 0
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
    const { outputs } = this.#options
    const written = this.#writtenOf(paths)
    const saved = paths.filter((path) => written.get(path) === 'after')
    outputs.saved(saved)
    // told late: by a second watcher, or where the machine is busy
    const late = outputs.changed(new Map([...written].filter(([, when]) => when !== 'after')), this.#count)
    const reasons = [...saved, ...late]
    if (reasons.length > 0) void this.#run(reasons)
  }

  async #run(reasons: readonly string[]): Promise<void> {
    const { build, built, failed, epoch } = this.#options
    this.#state = 'building'
    this.#meanwhile = new Set()
    this.#count++
    this.#begin = epoch()
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
    const reasons = this.#options.outputs.changed(this.#writtenOf(this.#meanwhile), this.#count)
    if (reasons.length > 0) void this.#run(reasons)
  }

  /**
   * The kernel's clock of files is some milliseconds late: what is after the end really is, and a file of just before the
   * begin was there when the build had started its first program.
   */
  #writtenOf(paths: Iterable<string>): Map<string, Written> {
    const when = (path: string): Written => {
      const at = this.#options.writtenAt(path)
      // one that is gone: nobody knows since when
      if (at === undefined) return this.#state === 'idle' && this.#count === 0 ? 'after' : 'during'
      return at > this.#end ? 'after' : at < this.#begin ? 'before' : 'during'
    }
    return new Map([...paths].map((path) => [path, when(path)]))
  }

  [Symbol.dispose](): void {
    this.#state = 'disposed'
    clearTimeout(this.#timer)
  }
}
