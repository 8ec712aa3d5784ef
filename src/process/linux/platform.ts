/** Linux, asked by way of libc. */

import type { Platform } from '../platform.ts'
import { endedStatus } from './ended.ts'
import { guardGroup } from './guard.ts'
import { F_SETFL, libc, O_NONBLOCK, openPipe } from './libc.ts'
import { withFileLimit } from './limits.ts'
import { createMemoryMeter } from './memory.ts'
import { startReaper } from './reap.ts'

export const linux: Platform = {
  pollMs: null,
  handsOnBytes: true,
  openPipe() {
    const ends = openPipe()
    if (ends === null) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    // On this end only: the two ends are separate open files.
    libc().fcntl(ends.read, F_SETFL, O_NONBLOCK)
    return ends
  },
  read: (fd, buffer) => libc().read(fd, buffer, buffer.length),
  close(fd) {
    libc().close(fd)
  },
  announced: () => null,
  guard: guardGroup,
  endedStatus,
  withFileLimit,
  createMemoryMeter,
  startReaper,
  [Symbol.dispose]() {},
}
