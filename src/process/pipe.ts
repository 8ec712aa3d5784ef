/**
 * One pipe for both outputs of a process, so that what it writes on stdout and stderr keeps its order.
 *
 * There are two readers. Bun's stream reads whenever the event loop finds bytes; `drain()` reads at once what the
 * kernel holds now. They cannot overtake each other: Bun takes bytes from the pipe only inside the event loop's own
 * poll callback and runs the microtasks that deliver them before any other callback, so whenever other code of ours
 * runs, nothing is under way between the pipe and `output`.
 */

import type { Platform } from './platform.ts'

/** The reading side, and the writing side until it has been handed to a process. */
export interface OutputPipe {
  /** The descriptor to pass as stdout and stderr. */
  readonly writeEnd: number
  /** To be called once the process has its copy: closes ours, so that the last writer's end is seen, and reads on. */
  start(): void
  /** Delivers, synchronously, what the kernel holds at the time of the call; under 1 µs when that is nothing. */
  drain(): void
  /** Closes everything; nothing is delivered afterwards. May be called more than once. */
  dispose(): void
}

/**
 * What a Linux pipe holds unless it is enlarged, in bytes. Having read as much, a drain has all that was there when
 * it began; without that limit a process that never stops writing would keep it busy for ever.
 */
const capacity = 65_536

function readerOf(descriptor: number) {
  return Bun.file(descriptor).stream().getReader()
}
type Reader = ReturnType<typeof readerOf>

// Shared by all pipes: a drain copies out of it before it returns.
let scratch: Buffer | undefined

/**
 * Opens a pipe. Throws an error with the system's code when there is none to be had, as when the process has no
 * descriptors left. Chunks given to `output` are its own.
 */
export function openOutputPipe(platform: Platform, output: (chunk: Uint8Array) => void): OutputPipe {
  const { read, write } = platform.openPipe()
  scratch ??= Buffer.allocUnsafeSlow(capacity)
  const buffer = scratch

  let readOpen = true
  let writeOpen = true
  let reader: Reader | undefined
  let poll: ReturnType<typeof setInterval> | undefined

  function closeRead() {
    if (!readOpen) return
    readOpen = false
    clearInterval(poll)
    platform.close(read)
  }
  function closeWrite() {
    if (!writeOpen) return
    writeOpen = false
    platform.close(write)
  }
  async function follow(source: Reader) {
    for (;;) {
      const { done, value } = await source.read()
      if (!readOpen) return
      if (done) break
      output(value)
    }
    closeRead()
  }

  function drain() {
    let total = 0
    while (readOpen && total < capacity) {
      const count = platform.read(read, buffer)
      if (count <= 0) return
      total += count
      output(Uint8Array.prototype.slice.call(buffer, 0, count))
      // A pipe gives less than asked for only when that was all.
      if (count < capacity) return
    }
  }

  return {
    writeEnd: write,
    start() {
      closeWrite()
      if (!readOpen || reader !== undefined) return
      // The stream has a duplicate of the descriptor and closes that itself, at the end or when cancelled.
      reader = readerOf(read)
      follow(reader).catch(closeRead)
      if (platform.pollMs !== null) poll = setInterval(drain, platform.pollMs).unref()
    },
    drain,
    dispose() {
      closeWrite()
      closeRead()
      reader?.cancel().catch(() => {})
    },
  }
}
