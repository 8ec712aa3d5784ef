/** Events that a project keeps beside its function, in `events/*.json`, as the templates of SAM do. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A folder with more is somebody's data. */
const mostFiles = 100
/** Bytes of a file. */
const largest = 262_144

/** The texts of the events by the names of their files, in the order of the names; none where there is no folder. */
export function projectEvents(taskRoot: string): Record<string, string> {
  const folder = join(taskRoot, 'events')
  const found: Record<string, string> = {}
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    try {
      const stats = statSync(path)
      if (stats.isFile() && stats.size <= largest) found[name] = readFileSync(path, 'utf8')
    } catch {
      // gone since, or not ours to read
    }
  }
  return found
}

function namesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
    return names.toSorted().slice(0, mostFiles)
  } catch {
    return []
  }
}
