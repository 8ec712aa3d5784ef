/** A file that gets a line for each record. */

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** A pipe without a reader is an error, and nothing waits for one. */
const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

/**
 * Appends a line. Rejects when it could not be written whole; what was written of it is taken back, unless somebody has
 * appended to the file meanwhile.
 */
export async function appendLine(path: string, line: string): Promise<void> {
  const bytes = new TextEncoder().encode(`${line}\n`)
  const file = await open(path, flags, 0o644)
  try {
    const { size } = await file.stat()
    let written = 0
    try {
      while (written < bytes.byteLength) {
        written += (await file.write(bytes, written, bytes.byteLength - written)).bytesWritten
      }
    } catch (error) {
      if (written > 0) await takeBack(file, size, written)
      throw error
    }
  } finally {
    await file.close()
  }
}

async function takeBack(file: FileHandle, size: number, written: number): Promise<void> {
  const now = await file.stat()
  if (now.isFile() && now.size === size + written) await file.truncate(size)
}
