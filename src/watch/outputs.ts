/**
 * Which changed files a build has written itself, so that they start no other build.
 *
 * Nobody tells who wrote a file. What changes while a build runs may be its output, or a save that it has not seen. So a
 * doubt is a save, which costs one build more, until the file has changed in several builds in a row: then it is output.
 * How many it takes depends on what speaks for a save. A file that changes while no build runs was saved, whatever it
 * was taken for before.
 */

/** When a file was written: before the build began, which has seen it then; while it ran; or after its end. */
export type Written = 'before' | 'during' | 'after'

/** Points of a file per build in a row; with `enough` of them it is output. */
const points: Readonly<Record<'during' | 'duringThoughSaved' | 'after', number>> = {
  /** two builds */
  during: 3,
  /** three builds: it was saved once while nothing was built */
  duringThoughSaved: 2,
  /** six builds: only where a mounted folder has another clock */
  after: 1,
}
const enough = 6

export class Outputs {
  readonly #known = new Set<string>()
  readonly #saved = new Set<string>()
  readonly #points = new Map<string, { readonly sum: number; readonly build: number }>()

  /** These are what the build makes, by their paths as changes are told. */
  expect(paths: readonly string[]): void {
    for (const path of paths) this.#known.add(path)
  }

  /** These have changed while no build ran: each is a reason for one. */
  saved(paths: readonly string[]): void {
    for (const path of paths) {
      this.#known.delete(path)
      this.#saved.add(path)
    }
  }

  /**
   * These have changed since a build began, of which `build` is the number; returns those that are a reason for another
   * one. May be called several times for one build.
   */
  changed(paths: ReadonlyMap<string, Written>, build: number): string[] {
    const reasons: string[] = []
    for (const [path, written] of paths) {
      if (written === 'before' || (this.#known.has(path) && written === 'during')) continue
      const kind = written === 'during' && this.#saved.has(path) ? 'duringThoughSaved' : written
      const last = this.#points.get(path)
      const before = last !== undefined && last.build === build - 1 ? last.sum : 0
      const sum = before + points[kind]
      this.#points.set(path, { sum, build })
      if (sum >= enough) this.#known.add(path)
      else reasons.push(path)
    }
    return reasons
  }
}
