/** Cuts a stream of bytes into runs of whole lines. Nothing is decoded: a line is what ends in byte 10. */

/** The longest line, in bytes without its newline; longer ones are cut into pieces of this size. */
export const lineLimit = 1_048_576

/** Where chunks go in; runs of whole lines come out at the function it was made with. */
export interface LineSplitter {
  /** Takes a chunk; the chunk must not be changed afterwards, as it may be emitted as it is. */
  push(chunk: Uint8Array): void
  /** Emits the unfinished line, if there is one, with a newline added. */
  flush(): void
}

const newline = 10

function join(parts: readonly Uint8Array[], last: Uint8Array, length: number): Uint8Array {
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  joined.set(last, offset)
  return joined
}

/**
 * Every run given to `emit` is one or more whole lines, each ended by a newline. At most `limit` bytes are kept
 * between calls.
 */
export function splitLines(emit: (run: Uint8Array) => void, limit: number = lineLimit): LineSplitter {
  // The unfinished line in the pieces it came in: joining them at each chunk would make a long line quadratic.
  let rest: Uint8Array[] = []
  let restLength = 0

  function emitPiece(piece: Uint8Array) {
    const line = new Uint8Array(piece.length + 1)
    line.set(piece)
    line[piece.length] = newline
    emit(line)
  }

  /** Emits pieces of one line until no more than `limit` bytes of it are left, and returns those. */
  function cut(line: Uint8Array): Uint8Array {
    let start = 0
    for (; line.length - start > limit; start += limit) emitPiece(line.subarray(start, start + limit))
    return start === 0 ? line : line.subarray(start)
  }

  /** Emits whole lines, some of which may be too long. Lines that are not stay together in one run. */
  function emitRun(run: Uint8Array) {
    if (run.length <= limit + 1) return emit(run)
    let good = 0
    for (let start = 0; start < run.length; ) {
      const end = run.indexOf(newline, start)
      if (end - start > limit) {
        if (good < start) emit(run.subarray(good, start))
        good = end + 1 - (cut(run.subarray(start, end)).length + 1)
      }
      start = end + 1
    }
    if (good < run.length) emit(run.subarray(good))
  }

  function keep(tail: Uint8Array) {
    if (restLength + tail.length <= limit) {
      // A copy: a view of a few bytes would keep the whole chunk alive.
      rest.push(tail.slice())
      restLength += tail.length
      return
    }
    const left = cut(join(rest, tail, restLength + tail.length)).slice()
    rest = [left]
    restLength = left.length
  }

  function take(last: Uint8Array): Uint8Array {
    if (restLength === 0) return last
    const joined = join(rest, last, restLength + last.length)
    rest = []
    restLength = 0
    return joined
  }

  return {
    push(chunk) {
      const end = chunk.lastIndexOf(newline) + 1
      if (end > 0) emitRun(take(end === chunk.length ? chunk : chunk.subarray(0, end)))
      if (end < chunk.length) keep(end === 0 ? chunk : chunk.subarray(end))
    },
    flush() {
      if (restLength > 0) emitPiece(take(new Uint8Array(0)))
    },
  }
}
