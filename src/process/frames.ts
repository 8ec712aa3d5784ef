/**
 * Tells the records of a runtime's logger from what else it prints, in one stream of bytes.
 *
 * Runtime clients write a record to the descriptor of `_LAMBDA_TELEMETRY_LOG_FD` as a frame: four bytes of mark and kind
 * (`A5 5A 00` and a byte that says level and JSON or text), four of length, eight of time in microseconds since 1970,
 * all with the highest byte first, then the record. The descriptor is the pipe of stdout and stderr, so that records
 * and lines keep their order. `A5` begins no character of UTF-8, so text is never taken for a frame; bytes that look
 * like a mark but have no sensible length and time are text too. Nothing is ever lost: of a frame that is cut, what
 * there is of it is a record, and what another process wrote into it is part of it.
 */

import type { OutputCutter, OutputEmit } from '../engine/ports.ts'
import { lineLimit, splitLines } from './lines.ts'

const headerBytes = 16
const mark = [0xa5, 0x5a, 0x00] as const
/** Microseconds: frames are from this century. */
const [earliest, latest] = [946_684_800_000_000n, 4_102_444_800_000_000n]
const none = new Uint8Array(0)

/** A record of more than `limit` bytes comes in pieces of that size, as a line does. */
export function splitOutput(emit: OutputEmit, limit: number = lineLimit): OutputCutter {
  const lines = splitLines((run) => emit(run, null), limit)
  /** what may be the beginning of a header */
  let pending = none
  /** bytes of the record that are still to come */
  let left = 0
  let recordedAt = 0
  let parts: Uint8Array[] = []
  let partsLength = 0

  const emitRecord = (): void => {
    if (partsLength === 0) return
    emit(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts), recordedAt)
    parts = []
    partsLength = 0
  }

  /** Takes what belongs to the record that has begun; returns what is left of the chunk. */
  const fill = (chunk: Uint8Array): Uint8Array => {
    const size = Math.min(left, limit - partsLength, chunk.length)
    if (size > 0) {
      // a copy: a view of a few bytes would keep the whole chunk alive
      parts.push(chunk.slice(0, size))
      partsLength += size
      left -= size
    }
    if (left === 0 || partsLength === limit) emitRecord()
    return chunk.subarray(size)
  }

  /** Text up to the next frame; returns what is left of the chunk, which is the record that begins there. */
  const scan = (chunk: Uint8Array): Uint8Array => {
    for (let from = 0; ; from++) {
      const at = chunk.indexOf(mark[0], from)
      if (at < 0) {
        if (chunk.length > 0) lines.push(chunk)
        return none
      }
      from = at
      const header = readHeader(chunk.subarray(at, at + headerBytes))
      if (header === 'no') continue
      if (at > 0) lines.push(chunk.subarray(0, at))
      if (header === 'incomplete') {
        pending = chunk.slice(at)
        return none
      }
      // a line that was begun stands before the record
      lines.flush()
      left = header.length
      recordedAt = header.time
      if (left === 0) emit(none, recordedAt)
      return chunk.subarray(at + headerBytes)
    }
  }

  return {
    push(chunk) {
      let rest = chunk
      if (pending.length > 0) {
        rest = Buffer.concat([pending, chunk])
        pending = none
      }
      while (rest.length > 0) rest = left > 0 ? fill(rest) : scan(rest)
    },
    flush() {
      emitRecord()
      lines.flush()
    },
    // of a process that has ended, what looks like the beginning of a mark was none
    end() {
      emitRecord()
      left = 0
      if (pending.length > 0) lines.push(pending)
      pending = none
      lines.flush()
    },
  }
}

/** `incomplete` when what there is may be the beginning of one. */
function readHeader(
  bytes: Uint8Array,
): { readonly length: number; readonly time: number } | 'incomplete' | 'no' {
  for (let index = 0; index < mark.length && index < bytes.length; index++) {
    if (bytes[index] !== mark[index]) return 'no'
  }
  const kind = bytes[3]
  // the two lowest bits are 2 for JSON and 3 for text, above them is a level from 0 to 6
  if (kind !== undefined && ((kind & 2) === 0 || kind > 0x1b)) return 'no'
  if (bytes.length < headerBytes) return 'incomplete'
  const view = new DataView(bytes.buffer, bytes.byteOffset, headerBytes)
  const length = view.getUint32(4)
  const time = view.getBigUint64(8)
  if (length > 0x7fffffff || time < earliest || time > latest) return 'no'
  return { length, time: Number(time / 1000n) }
}
