/**
 * The limit of open files of children. Bun raises its own soft limit to the hard one, and children would inherit it:
 * programs that loop over all descriptors they may have would loop over a million.
 */

import { libc, RLIMIT_NOFILE } from './libc.ts'

/** Lambda's soft limit of open files. */
const softFiles = 1024n
/** Descriptors that a start opens and closes again, at most. */
const spare = 64

const own = new BigUint64Array(2)

/** `struct rlimit64` of children under this hard limit. */
export function limitOfChildren(hard: bigint): BigUint64Array {
  return new BigUint64Array([hard < softFiles ? hard : softFiles, hard])
}

/**
 * Runs `start`, which starts a process, with the limit that the process is to have; `lowest` is a descriptor that was
 * just opened, so the lowest that was free. Where our own are so many that none would be left, the process has the
 * limit a moment after it has started.
 */
export function withFileLimit<T extends { readonly pid: number }>(lowest: number, start: () => T): T {
  const { prlimit } = libc()
  if (prlimit(0, RLIMIT_NOFILE, null, own) !== 0) return start()
  const children = limitOfChildren(own[1] as bigint)
  if (lowest + spare >= Number(children[0])) {
    const started = start()
    prlimit(started.pid, RLIMIT_NOFILE, children, null)
    return started
  }
  prlimit(0, RLIMIT_NOFILE, children, null)
  try {
    return start()
  } finally {
    prlimit(0, RLIMIT_NOFILE, own, null)
  }
}
