/** Reads the event that is to be sent. */

import { readFile } from 'node:fs/promises'
import { type EventSource, UsageError } from './request.ts'

/** The bytes of the event, as they are. Throws UsageError for a file that cannot be read. */
export async function readEvent(source: EventSource): Promise<string | Uint8Array<ArrayBuffer>> {
  if (source.kind === 'text') return source.text
  if (source.path === '-') return await Bun.stdin.bytes()
  try {
    return await readFile(source.path)
  } catch (error) {
    throw new UsageError(`the event cannot be read: ${(error as Error).message}`)
  }
}
