/** How a listen address that cannot be had is told to whoever gave it. */

import { childAddress } from './process/environ.ts'

/** The message names the option, the address, and what is wrong with it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly exitCode = 2
}

/** Opens a listener on the address that this option gave. Throws `ListenError` when it cannot be had. */
export function listen<T>(option: string, hostname: string, port: number, open: () => T): T {
  try {
    return open()
  } catch (error) {
    // Bun's word for a name that nobody knows
    const unknown = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = unknown ? 'there is no such host' : error instanceof Error ? error.message : String(error)
    throw new ListenError(`${option}: cannot listen on ${childAddress({ hostname, port })}: ${why}`)
  }
}
