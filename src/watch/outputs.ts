/**
 * Which changed files a build has written itself, so that they start no other build.
 *
 * Nobody tells who wrote a file. What changes while a build runs may be its output, or a save that it has not seen. So a
 * doubt is a save, which costs one build more, until the file has changed in several builds in a row: then it is output.
 * How many it takes depends on what speaks for a save. A file that changes while no build runs was saved, whatever it
 * was taken for before.
 */

/** When a file was written: while the build ran, or after its end. */
export type Written = 'during' | 'after'

/** Points of a file per build in a row; with `enough` of them it is output. */
const points = {
  /** two builds */
  during: 3,
  /** three builds: it was saved once while nothing was built */
  duringThoughSaved: 2,
  /** six builds: only where a mounted folder has another clock */
  after: 1,
}
const enough = 6

export class Outputs {
  readonly #known: Set<string>
  readonly #saved = new Set<string>()
  #points: ReadonlyMap<string, number> = new Map()

  /** `programs` are known as outputs from the beginning, by their paths as changes are told. */
  constructor(programs: readonly string[] = []) {
    this.#known = new Set(programs)
  }

  /** These have changed while no build ran: each is a reason for one. */
  saved(paths: readonly string[]): void {
    for (const path of paths) {
      this.#known.delete(path)
      this.#saved.add(path)
    }
  }

  /** These have changed since a build began; returns those that are a reason for another one. */
  changed(paths: ReadonlyMap<string, Written>): string[] {
    const now = new Map<string, number>()
    const reasons: string[] = []
    for (const [path, written] of paths) {
      if (this.#known.has(path) && written === 'during') continue
      const kind = written === 'during' && this.#saved.has(path) ? 'duringThoughSaved' : written
      const sum = (this.#points.get(path) ?? 0) + points[kind]
      now.set(path, sum)
      if (sum >= enough) this.#known.add(path)
      else reasons.push(path)
    }
    this.#points = now
    return reasons
  }
}
