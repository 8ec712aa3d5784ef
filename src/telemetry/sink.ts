/**
 * stdout of the emulator: whole lines of the function, its extensions and START, END, REPORT, in order.
 *
 * Lines are batched: one write for 10 ms of them, under load for 50 ms or 64 KB. A write per line would cost more than
 * the invocation that it tells of. A pipe is opened anew without blocking, so that a reader that has stopped reading does
 * not stop the emulator. With 16 MB held, writes block, so that nothing is lost. A reader that accepts nothing for two
 * seconds then is not waited for again, because callers and signals would wait too: lines are dropped, and counted in
 * the emulator's own log, until it reads again.
 */

import { writeSync } from 'node:fs'
import { reopenNonBlocking } from '../stdio.ts'

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

export interface SinkOptions {
  /** told in words when lines are lost */
  readonly warn?: (message: string) => void
  /** how long a reader may take nothing before it has stopped for good, in milliseconds */
  readonly patienceMs?: number
  /** held for a reader that does not read, in bytes; beyond it writes block as an ordinary program's would */
  readonly maxHeld?: number
}

/** How long lines are held, in milliseconds, after a batch that was small, and after one that was not. */
const calmMs = 10
/**
 * Under load 64 KB are there sooner. A timer that is due before the kernel's next tick (4 ms) has it set its clock at
 * each wait for a request, which cost 4 % of an invocation; one that is further away hardly ever is.
 */
const busyMs = 50
/** Writes that make a batch a large one: ten invocations in ten milliseconds. */
const manyParts = 20
const defaults = { patienceMs: 2000, maxHeld: 16 * 1024 * 1024 } as const
/** Held bytes at which there is no point in waiting for more. */
const enough = 64 * 1024
/** What lines that are not made yet count for, in bytes: START has some 80, END and REPORT 220. */
const lateBytes = 150

export const bytesOf = (lines: Lines): Uint8Array =>
  lines instanceof Uint8Array ? lines : Buffer.from(textOf(lines))

export const textOf = (lines: string | LateLines): string =>
  typeof lines === 'string' ? lines : lines.render()

const sizeOf = (lines: Lines): number =>
  typeof lines === 'string' || lines instanceof Uint8Array ? lines.length : lateBytes

/** Texts are encoded together until they have this many characters. */
const textLength = 4096

/**
 * A batch as bytes: in memory that the next batch uses again, so that it stays in the processor's caches and pages of it
 * are not had from the system anew each time. What does not fit into that gets memory of its own.
 */
export class LineBuffer {
  readonly #buffer: Buffer
  #used = 0
  #text = ''

  /** `size` in bytes */
  constructor(size: number) {
    this.#buffer = Buffer.allocUnsafeSlow(size)
  }

  /** The bytes are to be written before the next call. */
  encode(parts: readonly Lines[]): Uint8Array {
    this.#used = 0
    this.#text = ''
    for (const part of parts) {
      if (!this.add(part)) return Buffer.concat(parts.map(bytesOf))
    }
    return this.addText() ? this.#buffer.subarray(0, this.#used) : Buffer.concat(parts.map(bytesOf))
  }

  /** False: it does not fit. */
  private add(part: Lines): boolean {
    if (isText(part)) {
      this.#text += textOf(part)
      return this.#text.length < textLength || this.addText()
    }
    if (!this.addText() || this.#used + part.byteLength > this.#buffer.byteLength) return false
    this.#buffer.set(part, this.#used)
    this.#used += part.byteLength
    return true
  }

  private addText(): boolean {
    const text = this.#text
    if (text === '') return true
    this.#text = ''
    // a character has three bytes at most
    if (this.#used + text.length * 3 > this.#buffer.byteLength) return false
    this.#used += this.#buffer.write(text, this.#used)
    return true
  }
}

export const isText = (lines: Lines): lines is string | LateLines => !(lines instanceof Uint8Array)

export function openSink(fd = 1, options: SinkOptions = {}): Sink {
  const { warn, patienceMs, maxHeld } = { ...defaults, ...options }
  const target = reopenNonBlocking(fd)
  let buffer: LineBuffer | null = null
  let parts: Lines[] = []
  let size = 0
  /** the rest of what a reader has taken a part of; it goes before all `parts` */
  let held: Uint8Array | null = null
  let scheduled = false
  let delayMs = calmMs
  /** the reader has stopped for good */
  let stuck = false
  let dropped = 0
  let failed = false

  const later = (): void => {
    if (scheduled) return
    scheduled = true
    setTimeout(() => {
      scheduled = false
      flush()
    }, delayMs)
  }
  const take = (): Uint8Array | null => {
    if (parts.length === 0) return null
    delayMs = parts.length < manyParts ? calmMs : busyMs
    buffer ??= new LineBuffer(4 * enough)
    // what is held is written before the next batch is taken
    const bytes = buffer.encode(parts)
    parts = []
    size = 0
    return bytes
  }
  const stops = (): void => {
    stuck = true
    warn?.('nobody reads stdout; what comes is lost until somebody does')
  }
  const goesOn = (): void => {
    stuck = false
    warn?.(`stdout is read again; ${dropped} bytes were lost`)
    dropped = 0
  }
  const fails = (code: string | undefined): void => {
    held = null
    if (!failed) warn?.(`stdout cannot be written, and what goes there is lost: ${code}`)
    failed = true
  }
  const flush = (wait = false): void => {
    if (parts.length === 0 && held === null) return
    let until = performance.now() + patienceMs
    for (;;) {
      const bytes: Uint8Array | null = held ?? take()
      if (bytes === null) return
      held = bytes
      try {
        const written = writeSync(target, bytes)
        held = written < bytes.byteLength ? bytes.subarray(written) : null
        if (stuck) goesOn()
        if (!wait) until = performance.now() + patienceMs
        continue
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EAGAIN') {
          fails(code)
          continue
        }
      }
      const mustWait = wait || (!stuck && bytes.byteLength + size >= maxHeld)
      if (!mustWait || performance.now() >= until) {
        if (mustWait && !wait) stops()
        if (!wait) later()
        return
      }
      Bun.sleepSync(1)
    }
  }
  return {
    write(lines) {
      if (stuck) {
        dropped += sizeOf(lines)
        return
      }
      parts.push(lines)
      size += sizeOf(lines)
      if (size >= enough) flush()
      else later()
    },
    flush,
  }
}
