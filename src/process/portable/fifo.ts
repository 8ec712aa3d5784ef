/** A pipe without `pipe(2)`: a FIFO whose name is gone as soon as both of its ends are open. */

import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PipeEnds } from '../platform.ts'
import { runNow } from './run.ts'

/**
 * Opens one; with `nonBlocking`, reads do not block. Takes one to three milliseconds, for `mkfifo`. Throws an error that
 * says why, where the folder for temporary files cannot be written.
 */
export function openFifo(nonBlocking: boolean): PipeEnds {
  const folder = mkdtempSync(join(tmpdir(), 'aws-lambda-rie-'))
  let first = -1
  let write = -1
  try {
    const path = join(folder, 'output')
    const made = runNow(['mkfifo', '-m', '600', path])
    if ('error' in made) throw new Error(`mkfifo: ${made.error}`)
    // The first end of a FIFO can only be opened so, and then the other one without waiting.
    first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    write = openSync(path, constants.O_WRONLY)
    if (nonBlocking) return { read: first, write }
    const read = openSync(path, constants.O_RDONLY)
    closeSync(first)
    return { read, write }
  } catch (error) {
    for (const fd of [first, write]) if (fd >= 0) closeSync(fd)
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
