/**
 * Reaps the orphans that PID 1 inherits. Bun waits for the children it started and needs their exit statuses; all
 * others are ours. The next dead child is looked at without being taken (WNOWAIT), which costs one system call when
 * there is none, and then reaped by its number if Bun does not know it.
 */
import type { Reaper } from '../platform.ts'
import { libc, P_ALL, SI_PID_OFFSET, SIGINFO_SIZE, WEXITED, WNOHANG, WNOWAIT } from './libc.ts'

const intervalMs = 500

/** Starts to reap, twice a second, dead children that are not among `known`: the process ids that Bun waits for. */
export function startReaper(known: () => Iterable<number>): Reaper {
  const sys = libc()
  const info = new Int32Array(SIGINFO_SIZE / 4)

  function deadChild(): number {
    info[SI_PID_OFFSET / 4] = 0
    if (sys.waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return 0
    return info[SI_PID_OFFSET / 4] as number
  }

  function reapNow(): number {
    let reaped = 0
    for (let pid = deadChild(); pid > 0; pid = deadChild()) {
      // One of Bun's stands first and hides those behind it, but only until Bun has taken it: next time, then.
      for (const own of known()) if (own === pid) return reaped
      if (sys.waitpid(pid, null, WNOHANG) !== pid) return reaped
      reaped++
    }
    return reaped
  }

  const timer = setInterval(reapNow, intervalMs)
  timer.unref()
  return { reapNow, [Symbol.dispose]: () => clearInterval(timer) }
}
