/** How long nothing more may change before a change counts. */

import { statSync } from 'node:fs'
import type { Run } from './left-out.ts'

/** Milliseconds for one file of source: editors write it in one go, and somebody waits for it. */
const saveQuietMs = 50
/**
 * Milliseconds for several files, as compilers and `git checkout` write them, and for a program, which a linker writes.
 */
export const seriesQuietMs = 200

/** Looks at the file system. `changed` are absolute paths, of files that may be gone again. */
export function quietFor(changed: readonly string[], runs: readonly Run[]): number {
  const [path, ...more] = changed
  if (path === undefined || more.length > 0) return seriesQuietMs
  if (runs.some((run) => run.kind === 'program' && run.path === path)) return seriesQuietMs
  // an editor that has emptied a file is about to write it
  return statSync(path, { throwIfNoEntry: false })?.size ? saveQuietMs : seriesQuietMs
}
