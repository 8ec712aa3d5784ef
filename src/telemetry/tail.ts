/** The end of an invocation's log, which goes into `X-Amz-Log-Result`. */

import type { LogTail } from '../engine/ports.ts'
import { bytesOf, type Lines } from './sink.ts'

/** Bytes that `X-Amz-Log-Result` carries at most, as on the service. */
const tailBytes = 4096

/** Stands before a sink, and keeps a copy of what goes there while somebody wants one. */
export interface Tail extends LogTail {
  write(lines: Lines): void
}

export function createTail(sink: { write(lines: Lines): void }): Tail {
  let kept: Uint8Array[] | null = null
  return {
    write(lines) {
      sink.write(lines)
      if (kept !== null) kept = add(kept, bytesOf(lines))
    },
    keep() {
      kept = []
    },
    take() {
      const all = Buffer.concat(kept ?? [])
      kept = null
      return all.subarray(Math.max(0, all.byteLength - tailBytes))
    },
  }
}

/** Keeps at least the last 4 KB, and not much more. */
function add(kept: Uint8Array[], lines: Uint8Array): Uint8Array[] {
  if (lines.byteLength >= tailBytes) return [lines.slice(-tailBytes)]
  kept.push(lines)
  if (kept.length < 64) return kept
  return [Buffer.concat(kept).subarray(-tailBytes)]
}
