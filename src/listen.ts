/** How a listen address that cannot be had is told to whoever gave it. */

import type { Address } from './config/kinds.ts'
import { childAddress } from './process/environ.ts'

/** The message names the option, the address, and what is wrong with it. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly exitCode = 2
  /** somebody else listens there */
  readonly inUse: boolean

  constructor(message: string, inUse: boolean) {
    super(message)
    this.inUse = inUse
  }
}

/** Opens a listener on the address that this option gave. Throws `ListenError` when it cannot be had. */
export function listen<T>(option: string, address: Address, open: () => T): T {
  try {
    return open()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const shown = address.hostname === '' ? `:${address.port}` : childAddress(address)
    throw new ListenError(
      `${option}: cannot listen on ${shown}: ${reasonOf(error, option, address)}`,
      code === 'EADDRINUSE',
    )
  }
}

/**
 * Tries the address of a function's debugger, `ws://host:port/path`: its process could say no more of it than that it ended.
 * Throws `ListenError` when it cannot be had.
 */
export function tryInspector(option: string, url: string): void {
  const { hostname: name, port: text } = new URL(url)
  const hostname = name.replace(/^\[|\]$/g, '')
  const port = Number(text || 80)
  try {
    Bun.listen({ hostname, port, socket: { data() {} } }).stop(true)
  } catch (error) {
    const inUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
    const reason = inUse
      ? `port ${port} is in use. Give another one, as ${option}=${hostname === '127.0.0.1' ? '' : `${name}:`}${port + (port < 65535 ? 1 : -1)}`
      : reasonOf(error, option, { hostname, port })
    throw new ListenError(`${option}: a debugger cannot be listened for on ${name}:${port}: ${reason}`, inUse)
  }
}

/** An address, not a name that has to be looked up. */
const literal = /^[0-9.]+$|:/

function reasonOf(error: unknown, option: string, { hostname, port }: Address): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `port ${port} is in use. Give another one, as ${option} ${hostname === '' ? '' : childAddress({ hostname, port: 0 }).slice(0, -2)}:${port + (port < 65535 ? 1 : -1)}, or port 0 for a free one`
    case 'EACCES':
      return `this user may not listen on port ${port}. Give one from 1024 on`
    case 'EADDRNOTAVAIL':
    case 'EAGAIN':
    case 'ENOENT':
      return literal.test(hostname) ? `this machine has no address ${hostname}` : 'there is no such host'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
