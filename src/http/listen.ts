/**
 * Which adapter a listener stands on. The program carries a Bun whose native handles are known; embedded, and from
 * source, it runs on the Bun of its user. That is told by the version, and by the first request, which costs nothing:
 * asking oneself over the network at the start would cost 8 to 12 ms.
 */

import type { Handlers, ListenAt, Listener } from './exchange.ts'
import { listenNatively } from './native.ts'

/** Versions of Bun that the conformance suite has seen. */
const knownVersions = /^1\.4\./

const missing = 'errors of response streams come without type and text, pipelined requests are not answered'

/** Loaded where it is needed, which it is not in the program. */
function fetchAdapter(): typeof import('./fetch.ts') {
  return require('./fetch.ts')
}

let told = false

function tellOnce(handlers: Handlers): void {
  if (told) return
  told = true
  handlers.limited(`Bun ${Bun.version} does not have the HTTP handles of Bun 1.4: ${missing}`)
}

/**
 * Opens a listener; the name `localhost` is both of its addresses. Throws what `Bun.serve` throws when the address cannot
 * be had (`code` is `EADDRINUSE`, …).
 */
export function listen(at: ListenAt, handlers: Handlers, version: string = Bun.version): Listener {
  const open = (hostname: string, port: number): Listener => listenOn({ hostname, port }, handlers, version)
  return at.hostname === 'localhost' ? listenOnLoopback(open, at.port) : open(at.hostname, at.port)
}

/**
 * `localhost` is ::1 alone for many clients, and 127.0.0.1 alone for others. IPv4 alone where there is no IPv6, or where
 * somebody else has the free port that was found.
 */
function listenOnLoopback(open: (hostname: string, port: number) => Listener, port: number): Listener {
  const four = open('127.0.0.1', port)
  let six: Listener
  try {
    six = open('::1', four.port)
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return four
    void four.stop()
    throw error
  }
  return {
    hostname: four.hostname,
    port: four.port,
    close() {
      four.close()
      six.close()
    },
    stop: async () => void (await Promise.all([four.stop(), six.stop()])),
  }
}

function listenOn(at: ListenAt, handlers: Handlers, version: string): Listener {
  if (!knownVersions.test(version)) {
    const listener = fetchAdapter().listenWithFetch(at, handlers)
    tellOnce(handlers)
    return listener
  }
  return listenNatively(at, handlers, (server, shared) => {
    server.reload(fetchAdapter().fetchHandler(shared) as never)
    tellOnce(handlers)
  })
}
