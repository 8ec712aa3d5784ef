/**
 * Memory of process families, from `ps`: the highest resident size that was seen of each process, as of the last look.
 *
 * A family is the leader of a process group and whoever is in its group or descends from a member. A look takes some ten
 * milliseconds, so it happens beside the emulator, and the figure is that of the look before. Only a family that no look
 * has seen is waited for, once.
 */

import type { MemoryMeter } from '../platform.ts'
import { runNow, runSoon } from './run.ts'

interface Family {
  /** highest resident size of each living member, in bytes, by process id */
  members: Map<number, number>
  /** highest sum so far */
  peak: number
}

const ps = ['ps', '-A', '-o', 'pid=', '-o', 'ppid=', '-o', 'pgid=', '-o', 'rss='] as const

/** A look happens no more often than this, in milliseconds. */
const pauseMs = 500

/** A meter that watches nothing yet. */
export function createMemoryMeter(): MemoryMeter {
  const families = new Map<number, Family>()
  /** families that the look has not seen because they are younger */
  const unseen = new Set<number>()
  let looking = false

  function take(text: string): void {
    if (text === '') return
    const rows = rowsOf(text)
    for (const [leader, family] of families) {
      const members = new Map<number, number>()
      let sum = 0
      for (const [pid, bytes] of familyOf(leader, rows)) {
        const highest = Math.max(bytes, family.members.get(pid) ?? 0)
        members.set(pid, highest)
        sum += highest
      }
      family.members = members
      if (sum > family.peak) family.peak = sum
    }
  }

  function look(): void {
    if (looking) return
    looking = true
    setTimeout(() => {
      looking = false
    }, pauseMs).unref()
    runSoon(ps).then(take)
  }

  return {
    watch(leader) {
      families.set(leader, { members: new Map(), peak: 0 })
      unseen.add(leader)
    },
    forget(leader) {
      families.delete(leader)
      unseen.delete(leader)
    },
    last: (leader) => families.get(leader)?.peak ?? 0,
    peak(leaders) {
      const wanted = [...leaders]
      if (wanted.some((leader) => unseen.has(leader))) {
        unseen.clear()
        const seen = runNow(ps)
        if ('text' in seen) take(seen.text)
      } else look()
      let sum = 0
      for (const leader of wanted) {
        for (const bytes of families.get(leader)?.members.values() ?? []) sum += bytes
      }
      return sum
    },
    [Symbol.dispose]() {
      families.clear()
      unseen.clear()
    },
  }
}

interface Row {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly bytes: number
}

/** `rss` is in units of 1024 bytes. */
function rowsOf(text: string): Row[] {
  return text.split('\n').flatMap((line) => {
    const [pid, parent, group, size] = line.trim().split(/\s+/).map(Number)
    return pid && size !== undefined
      ? [{ pid, parent: parent ?? 0, group: group ?? 0, bytes: size * 1024 }]
      : []
  })
}

/** The sizes of a family's processes. */
function familyOf(leader: number, rows: readonly Row[]): Map<number, number> {
  const found = new Map<number, number>()
  // Parents need not be listed before their children.
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const { pid, parent, group, bytes } of rows) {
      if (group === leader || found.has(parent)) found.set(pid, bytes)
    }
  }
  return found
}
