/**
 * Peak memory of process families, from /proc.
 *
 * A family is a session leader and whoever is in its session or descends from a member. One pass over
 * /proc/PID/stat tells both; the lists of children (/proc/PID/task/TID/children) miss orphans, are one file per thread
 * (6 µs each: 70 µs for a Node process, 250 µs for a JVM) and are missing from some kernels. The pass costs 60 µs for
 * the listing and 10 µs per process that was not seen before, and is only made when a process may have been started
 * since the last one: /proc/loadavg ends in the number that was given out last (1.6 µs). One pass serves every family
 * once: several environments ask in turn, and on a machine where processes come and go each would make a pass of its own.
 *
 * Known members are read through descriptors that stay open, which stand for the process itself and not for its
 * number. The peak (10 µs) cannot have grown unless the process had a page fault since (5 µs).
 */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import type { MemoryMeter } from '../platform.ts'
import { libc } from './libc.ts'

interface Family {
  readonly members: Map<number, Member>
  /** highest sum so far */
  peak: number
}

interface Member {
  readonly status: number
  readonly stat: number
  faults: string
  peak: number
}

const statusSize = 8192
const peakLabel = 'VmHWM:'

/** The fields of /proc/PID/stat from the third on (state, parent, group, session, …); the second may hold anything. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ', 10)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** A meter that watches nothing yet and holds no descriptors. */
export function createMemoryMeter(): MemoryMeter {
  const families = new Map<number, Family>()
  const owner = new Map<number, number>()
  let others = new Set<number>()
  let newest = ''
  let loadavg = -1
  // A process has its number a moment before it can be listed: only a second pass under the same number is complete.
  let complete = false
  /** leaders of those that have been summed up since the last pass */
  const summed = new Set<number>()
  /** the last pass was made before a family was watched */
  let outdated = true
  const buffer = Buffer.allocUnsafeSlow(statusSize)

  function read(fd: number): string {
    const count = libc().pread(fd, buffer, statusSize, 0)
    return count > 0 ? buffer.toString('latin1', 0, count) : ''
  }

  function drop(family: Map<number, Member>, pid: number, member: Member) {
    closeSync(member.status)
    closeSync(member.stat)
    family.delete(pid)
    owner.delete(pid)
  }

  function admit(leader: number, pid: number) {
    let status = -1
    try {
      status = openSync(`/proc/${pid}/status`, 'r')
      const stat = openSync(`/proc/${pid}/stat`, 'r')
      families.get(leader)?.members.set(pid, { status, stat, faults: '', peak: 0 })
      owner.set(pid, leader)
    } catch {
      // It has ended meanwhile.
      if (status >= 0) closeSync(status)
    }
  }

  function discover() {
    if (loadavg < 0) loadavg = openSync('/proc/loadavg', 'r')
    const text = read(loadavg)
    const last = text.slice(text.lastIndexOf(' '))
    if (complete && last === newest && last !== '') return
    complete = last === newest
    newest = last

    const present = new Set<number>()
    const fresh = new Map<number, { parent: number; session: number }>()
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (!(pid > 0)) continue
      if (owner.has(pid)) continue
      present.add(pid)
      if (others.has(pid)) continue
      const fields = fieldsOf(readText(`/proc/${pid}/stat`))
      fresh.set(pid, { parent: Number(fields[1]), session: Number(fields[3]) })
    }
    // Parents need not be listed before their children.
    for (let found = true; found; ) {
      found = false
      for (const [pid, { parent, session }] of fresh) {
        const leader = families.has(session) ? session : owner.get(parent)
        if (leader === undefined) continue
        admit(leader, pid)
        fresh.delete(pid)
        present.delete(pid)
        found = true
      }
    }
    others = present
  }

  /** A pass, unless what the last one found is new to those who ask. */
  function refresh(leaders: readonly number[]) {
    if (outdated || leaders.some((leader) => summed.has(leader))) {
      summed.clear()
      try {
        discover()
        outdated = false
      } catch {
        // No descriptor is left: the members that are known are measured, and the next call looks again.
        outdated = true
      }
    }
    for (const leader of leaders) summed.add(leader)
  }

  function peakOf(member: Member): number | null {
    const stat = read(member.stat)
    if (stat === '') return null
    const fields = fieldsOf(stat)
    const faults = `${fields[7]} ${fields[9]}`
    if (faults === member.faults && fields[0] !== 'Z') return member.peak
    member.faults = faults
    const status = read(member.status)
    const at = status.indexOf(peakLabel)
    member.peak = at < 0 ? 0 : Number.parseInt(status.slice(at + peakLabel.length, at + 32), 10) * 1024
    return member.peak
  }

  function sumOf(leader: number): number {
    const family = families.get(leader)
    if (family === undefined) return 0
    let sum = 0
    for (const [pid, member] of family.members) {
      const peak = peakOf(member)
      if (peak === null) drop(family.members, pid, member)
      else sum += peak
    }
    if (sum > family.peak) family.peak = sum
    return sum
  }

  function forget(leader: number) {
    const family = families.get(leader)
    if (family === undefined) return
    for (const [pid, member] of family.members) drop(family.members, pid, member)
    families.delete(leader)
  }

  return {
    watch(leader) {
      forget(leader)
      families.set(leader, { members: new Map(), peak: 0 })
      others.delete(leader)
      newest = ''
      complete = false
      outdated = true
      admit(leader, leader)
      sumOf(leader)
    },
    last: (leader) => families.get(leader)?.peak ?? 0,
    forget,
    peak(leaders) {
      if (families.size === 0) return 0
      refresh(leaders)
      let sum = 0
      for (const leader of leaders) sum += sumOf(leader)
      return sum
    },
    [Symbol.dispose]() {
      for (const leader of [...families.keys()]) forget(leader)
      if (loadavg >= 0) closeSync(loadavg)
      loadavg = -1
    },
  }
}
