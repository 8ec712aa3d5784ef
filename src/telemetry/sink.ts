/**
 * stdout of the emulator: whole lines of the function, its extensions and START, END, REPORT, in order.
 *
 * What comes within ten milliseconds is written at once, because a write per line would cost more than the
 * invocation it tells of. A pipe is opened anew without blocking, so that a reader who has stopped reading does not
 * stop the emulator; past a bound it does, since nothing is to be lost.
 */

import { constants, fstatSync, openSync, writeSync } from 'node:fs'

/** Lines that are made when they are written out, after the caller that they tell of has been answered. */
export interface LateLines {
  render(): string
}

export type Lines = string | Uint8Array | LateLines

export interface Sink {
  write(lines: Lines): void
  /** Writes out what is held; with `wait` also what a slow reader has not taken, for at most two seconds. */
  flush(wait?: boolean): void
}

const delayMs = 10
/** Held for a reader that does not read, in bytes; beyond it writes block as an ordinary program's would. */
const maxHeld = 16 * 1024 * 1024
/** Held bytes at which there is no point in waiting for more. */
const enough = 64 * 1024
/** What lines that are not made yet count for, in bytes: a little more than END and REPORT have. */
const lateBytes = 256

export const bytesOf = (lines: Lines): Uint8Array =>
  lines instanceof Uint8Array ? lines : Buffer.from(textOf(lines))

const textOf = (lines: string | LateLines): string => (typeof lines === 'string' ? lines : lines.render())

const isText = (lines: Lines): lines is string | LateLines => !(lines instanceof Uint8Array)

export function openSink(fd = 1): Sink {
  const target = withoutBlocking(fd)
  let parts: Lines[] = []
  let size = 0
  let held: Uint8Array | null = null
  let scheduled = false

  const later = (): void => {
    if (scheduled) return
    scheduled = true
    setTimeout(() => {
      scheduled = false
      flush()
    }, delayMs)
  }
  const take = (): Uint8Array => {
    const text = parts.every(isText)
      ? Buffer.from(parts.map(textOf).join(''))
      : Buffer.concat(parts.map(bytesOf))
    parts = []
    size = 0
    const all = held === null ? text : Buffer.concat([held, text])
    held = null
    return all
  }
  const flush = (wait = false): void => {
    if (parts.length === 0 && held === null) return
    let bytes = take()
    const until = performance.now() + 2000
    while (bytes.byteLength > 0) {
      try {
        bytes = bytes.subarray(writeSync(target, bytes))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EAGAIN') return // the reader is gone; there is nobody to tell
        if (bytes.byteLength < maxHeld && !(wait && performance.now() < until)) {
          held = wait ? null : bytes
          if (!wait) later()
          return
        }
        Bun.sleepSync(1)
      }
    }
  }
  return {
    write(lines) {
      parts.push(lines)
      size += typeof lines === 'string' || lines instanceof Uint8Array ? lines.length : lateBytes
      if (size >= enough) flush()
      else later()
    },
    flush,
  }
}

/** A second description of the same pipe, so that whoever shares it with us does not inherit the flag. */
function withoutBlocking(fd: number): number {
  try {
    if (fstatSync(fd).isFIFO()) {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
    }
  } catch {
    // no /proc, or a pipe of another user: write to it as it is
  }
  return fd
}
