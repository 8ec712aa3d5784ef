/** How a listen address is bound. */

import type { ListenAt } from './exchange.ts'

/** Options that both adapters need; what they differ in is their callback. */
export function bind(at: ListenAt, callback: object): Bun.Server<undefined> {
  const open = (hostname: string): Bun.Server<undefined> =>
    Bun.serve({
      hostname,
      port: at.port,
      // a poll may be parked for days, and an invocation take its 15 minutes
      idleTimeout: 0,
      // readers know their limit, and answer what is over it
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      // which is the default outside of development: two emulators would share a port and its callers
      reusePort: false,
      ...callback,
    } as never)
  return at.hostname === '' ? bindAll(open) : open(at.hostname)
}

/** Every address of the machine: one socket for IPv6 and IPv4, or IPv4 alone where the kernel has no IPv6. */
export function bindAll<T>(open: (hostname: string) => T): T {
  try {
    return open('::')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EACCES') throw error
    return open('0.0.0.0')
  }
}

/** An IPv4 address that came over a socket for both in its own form. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
