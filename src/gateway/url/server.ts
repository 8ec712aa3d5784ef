/** The listener of the Function URL. */

import type { Pool } from '../../engine/pool.ts'
import type { ListenAt, Listener } from '../../http/exchange.ts'
import { listen } from '../../http/listen.ts'
import { serveUrl, type UrlOptions } from './front.ts'

export interface UrlServerOptions extends UrlOptions {
  readonly log: UrlOptions['log'] & { error(fields: object, message: string): void }
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openFunctionUrl(pool: Pool, at: ListenAt, options: UrlServerOptions): Listener {
  const { log } = options
  const listener = listen(at, {
    handle: (exchange) => serveUrl(pool, options, listener.port, exchange),
    failed(error, exchange) {
      log.error({ error: String(error) }, 'a request of the Function URL failed in the emulator')
      exchange.respond(502, ['Content-Type', 'text/plain'], 'Internal Server Error')
    },
    limited: (what) => log.warn({}, what),
  })
  return listener
}
