/**
 * Ends process groups when the emulator dies, however it dies: a shell in a session of its own reads from a pipe which
 * groups there are. The emulator holds the other end, and a process that is being started until it has told its group
 * (`trampoline.ts`); so the shell finds the end of the pipe when the emulator is gone, and kills what is left of the groups.
 *
 * What it does not cover: processes that leave their group, and a shell and an emulator that are killed together. A group
 * that has ended has no number of its own any more: until it is forgotten, a stranger may be given the number, if the system
 * has gone through all others.
 */

import { closeSync, writeSync } from 'node:fs'
import type { Guard } from '../platform.ts'
import { openFifo } from './fifo.ts'
import { runBeside } from './run.ts'

/**
 * For any shell of POSIX. Whoever is asked to end from a terminal is the emulator; the shell ends after it. Of a start, the
 * process and the emulator both tell the group, in either order: what the process tells counts until the emulator has told
 * it, and not after that, when the group may be forgotten already.
 */
export const watchdogScript = `
trap '' HUP INT QUIT TERM
groups=' ' start= born=
while read -r what group leader; do
  case $what in
    start) start=$group born= ;;
    born) [ "$group" != "$start" ] || born=$leader ;;
    guard) groups="$groups$group " start= born= ;;
    forget) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups $born; do kill -s KILL -- "-$group" 2>/dev/null; done
`

/** A shell that was killed is replaced so often. */
const replacements = 3

/** Disposing of it lets the groups go on. */
export interface Watchdog extends Disposable {
  /** Starts it, if it does not run: a group is guarded the sooner after its start. */
  prepare(): void
  /** A start begins; the process is to tell the start's number and its own. Null where nobody hears it. */
  begin(): { readonly start: number; readonly pipe: number } | null
  /** Null when there can be no watchdog. */
  guard(leader: number): Guard | null
}

/** A watchdog that has not been started. */
export function createWatchdog(): Watchdog {
  const groups = new Set<number>()
  let pipe = -1
  let started = 0
  let starts = 0
  let disposed = false

  function start(): boolean {
    if (started > replacements || disposed) return false
    started++
    try {
      const { read, write } = openFifo(false)
      const own = write
      try {
        runBeside(['/bin/sh', '-c', watchdogScript], read, () => ended(own))
      } catch {
        closeSync(write)
        return false
      } finally {
        closeSync(read)
      }
      pipe = write
      for (const group of groups) tell('guard', group)
      return true
    } catch {
      return false
    }
  }

  function ended(own: number): void {
    if (pipe !== own) return
    closeSync(own)
    pipe = -1
    if (groups.size > 0) start()
  }

  function tell(what: 'start' | 'guard' | 'forget', group: number): void {
    try {
      if (pipe >= 0) writeSync(pipe, `${what} ${group}\n`)
    } catch {
      // EPIPE: it has ended, which will be told; the next one hears of all groups
    }
  }

  return {
    prepare() {
      if (pipe < 0) start()
    },
    begin() {
      if (pipe < 0) return null
      tell('start', ++starts)
      return { start: starts, pipe }
    },
    guard(leader) {
      if (pipe < 0 && !start()) return null
      groups.add(leader)
      tell('guard', leader)
      return {
        signal(signal) {
          if (!groups.has(leader)) return
          try {
            process.kill(-leader, signal)
          } catch {
            // ESRCH: nobody is left. EPERM: what is left runs as somebody else.
          }
        },
        dispose() {
          if (groups.delete(leader)) tell('forget', leader)
        },
      }
    },
    [Symbol.dispose]() {
      disposed = true
      groups.clear()
      if (pipe < 0) return
      const own = pipe
      pipe = -1
      closeSync(own)
    },
  }
}
