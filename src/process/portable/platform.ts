/** What Bun and POSIX give everywhere: no call of libc, nothing of `/proc`. */

import { closeSync, readSync } from 'node:fs'
import type { Platform } from '../platform.ts'
import { openFifo } from './fifo.ts'
import { createMemoryMeter } from './memory.ts'
import { programOf, trampoline } from './trampoline.ts'
import { createWatchdog } from './watchdog.ts'

/** The watchdog starts right before the first process, and ends when the platform is disposed of. */
export function openPortable(): Platform {
  const watchdog = createWatchdog()
  return {
    // The event loop of macOS has not been tried with FIFOs: what it does not tell of comes a little later.
    pollMs: 50,
    handsOnBytes: false,
    openPipe() {
      // a process follows
      watchdog.prepare()
      return openFifo(true)
    },
    read(fd, buffer) {
      try {
        return readSync(fd, buffer, 0, buffer.length, null)
      } catch {
        // EAGAIN: nothing at present
        return -1
      }
    },
    close: closeSync,
    announced(command, cwd, fd) {
      const program = programOf(command, cwd)
      const begun = program === null ? null : watchdog.begin()
      if (program === null || begun === null) return null
      const cmd = trampoline(program, command, begun.start, fd)
      return { how: { cmd, env: {} }, descriptor: begun.pipe }
    },
    guard: watchdog.guard,
    endedStatus: () => null,
    withFileLimit: (_, start) => start(),
    createMemoryMeter,
    startReaper: () => null,
    [Symbol.dispose]: () => watchdog[Symbol.dispose](),
  }
}
