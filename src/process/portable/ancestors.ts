/** The processes that started this one, from `ps`. */

import type { Ancestry } from '../ancestry.ts'
import { runNow } from './run.ts'

export const ancestry: Ancestry = {
  look() {
    // without -ww the ps of BSD cuts lines at the width of a terminal, also where there is none
    const seen = runNow(['ps', '-A', '-ww', '-o', 'pid=', '-o', 'ppid=', '-o', 'args='])
    const rows = new Map<number, { parent: number; command: string }>()
    for (const line of 'text' in seen ? seen.text.split('\n') : []) {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
      if (command !== undefined) rows.set(Number(pid), { parent: Number(parent), command })
    }
    return {
      parentOf: (pid) => (pid === process.pid ? process.ppid : (rows.get(pid)?.parent ?? 0)),
      commandOf: (pid) => rows.get(pid)?.command ?? '',
      watch: (pid) => (pid === process.ppid ? () => process.ppid !== pid : () => !exists(pid)),
    }
  },
}

/** A process that has ended, and that nobody has waited for, exists too. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
