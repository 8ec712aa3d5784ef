/** The processes that started this one, from /proc. */

import { readFileSync } from 'node:fs'
import type { Ancestry } from '../ancestry.ts'

/** State, parent, …: the fields of /proc/PID/stat behind the name. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

export const ancestry: Ancestry = {
  look() {
    return {
      parentOf: (pid) => Number(statOf(pid)[1] ?? 0),
      commandOf,
      /** Its number may be given to another process later, which has started at another time. */
      watch(pid) {
        const started = statOf(pid)[19]
        return () => {
          const fields = statOf(pid)
          return fields[19] !== started || fields[0] === 'Z'
        }
      },
    }
  },
}
