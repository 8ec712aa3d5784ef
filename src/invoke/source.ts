/** Reads the event that is to be sent. */

import { readFile } from 'node:fs/promises'
import { type EventSource, UsageError } from './request.ts'

/**
 * The bytes of the event, as they are but for a byte order mark, which editors on Windows write and runtimes refuse.
 * Throws UsageError for a file that cannot be read.
 */
export async function readEvent(source: EventSource): Promise<string | Uint8Array<ArrayBuffer>> {
  if (source.kind === 'text') return source.text
  if (source.path === '-') return withoutMark(await Bun.stdin.bytes())
  try {
    return withoutMark(await readFile(source.path))
  } catch (error) {
    throw new UsageError(`the event cannot be read: ${(error as Error).message}`)
  }
}

function withoutMark(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return marked ? bytes.subarray(3) : bytes
}
