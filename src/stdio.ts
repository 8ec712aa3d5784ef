/** What the program's two outputs are, and how they are kept from waiting for whoever reads them. */

import { constants, fstatSync, openSync, statSync } from 'node:fs'

/**
 * A descriptor of the same pipe whose writes do not block; of what is no pipe, the one that was given. It is a second
 * description of that pipe, so that whoever shares the first with us does not inherit the flag.
 */
export function reopenNonBlocking(fd: number): number {
  try {
    if (fstatSync(fd).isFIFO()) {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
    }
  } catch {
    // no /proc, or a pipe of another user: write to it as it is
  }
  return fd
}

/**
 * Whether somebody reads it on a screen. `process.stderr.isTTY` would cost 5 to 15 ms and `node:tty` 3; this loads nothing
 * for a pipe, a file or /dev/null.
 */
export function isTerminal(fd: number): boolean {
  try {
    const found = fstatSync(fd)
    if (!found.isCharacterDevice() || found.rdev === statSync('/dev/null').rdev) return false
    return (require('node:tty') as typeof import('node:tty')).isatty(fd)
  } catch {
    return false
  }
}
