/**
 * The processes of all execution environments, behind the engine's port. Each is one `child.ts`; its output comes
 * through `pipe.ts`. The platform sees to it that it does not outlive us, measures it with all that it started, and
 * takes away what PID 1 inherits.
 */
import type { Processes, RunningProcess } from '../engine/ports.ts'
import { type ChildHooks, startChild } from './child.ts'
import { openPlatform } from './platform.ts'

/** The real processes. Disposing of them kills every group that was started and is not disposed of yet. */
export interface SystemProcesses extends Processes, Disposable {
  /** Reaps inherited processes that are dead now; returns their number, 0 when reaping is off. */
  reapOrphans(): number
}

/** How to treat this system's processes. */
export interface ProcessesOptions {
  /** Whether to reap orphans; by default when we are PID 1. True anywhere else takes exits from other `Bun.spawn`s. */
  readonly reap?: boolean
  /** The command of this program, `main.ts`, which starts what is not UTF-8; without it, such bytes are replaced. */
  readonly self?: readonly string[]
  /** Whether to do without what is Linux's own; it is done without anywhere else. Default: false. */
  readonly portable?: boolean
  /** Told once, in words, when children cannot be guarded and would outlive a killed emulator. */
  readonly warn?: (message: string) => void
}

/** When the memory of a process is looked at beside the looks of the engine, in milliseconds after its start. */
const earlyLooksMs = [20, 100, 500]

/** The peak of this process, in bytes. */
function ownPeak(): number {
  return process.resourceUsage().maxRSS * 1024
}

/** Ready to start processes; nothing has been started or loaded yet, except for the reaper of PID 1. */
export function createProcesses(options: ProcessesOptions = {}): SystemProcesses {
  const { reap = process.pid === 1, portable = false, self, warn } = options
  const platform = openPlatform(portable)
  /** Those that Bun has not reaped: only their numbers, and all of their numbers, are Bun's to wait for. */
  const running = new Set<number>()
  const undisposed = new Set<RunningProcess>()
  const meter = platform.createMemoryMeter()
  const reaper = reap ? platform.startReaper(() => running) : null
  let warned = false

  const hooks: ChildHooks = {
    ended({ pid }, kernelPeak) {
      running.delete(pid)
      // Linux begins to count with what the process had before it became another program, which is our own memory.
      return Math.max(meter.last(pid), kernelPeak > ownPeak() ? kernelPeak : 0)
    },
    disposed(child) {
      undisposed.delete(child)
      meter.forget(child.pid)
    },
    unguarded({ pid }) {
      if (warned) return
      warned = true
      warn?.(`cannot guard process group ${pid}: processes would outlive an emulator that is killed`)
    },
  }

  /** For the figure of a process that ends before the engine has looked for the first time. */
  function lookAgain(child: RunningProcess): void {
    for (const delay of earlyLooksMs) {
      setTimeout(() => {
        if (undisposed.has(child)) meter.peak([child.pid])
      }, delay).unref()
    }
  }

  return {
    spawn(spec, events) {
      const child = startChild(spec, events, hooks, { platform, self })
      if (!('pid' in child)) return child
      running.add(child.pid)
      undisposed.add(child)
      meter.watch(child.pid)
      lookAgain(child)
      return child
    },
    memory(processes) {
      const leaders: number[] = []
      for (const child of processes) if (undisposed.has(child)) leaders.push(child.pid)
      return leaders.length === 0 ? 0 : meter.peak(leaders)
    },
    reapOrphans: () => reaper?.reapNow() ?? 0,
    [Symbol.dispose]() {
      for (const child of undisposed) child.dispose()
      meter[Symbol.dispose]()
      reaper?.[Symbol.dispose]()
      platform[Symbol.dispose]()
    },
  }
}
