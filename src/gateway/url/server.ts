/** The listener of the Function URL. */

import type { Exchange, ListenAt, Listener } from '../../http/exchange.ts'
import { listen } from '../../http/listen.ts'
import { type RequestTrace, traced } from '../../http/traced.ts'
import type { ServedFunction } from '../served.ts'
import { serveUrl, type UrlOptions } from './front.ts'

export interface UrlServerOptions extends UrlOptions {
  readonly log: UrlOptions['log'] & { error(fields: object, message: string): void }
  readonly trace?: { readonly tell: (trace: RequestTrace) => void; readonly now: () => number } | undefined
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openFunctionUrl(served: ServedFunction, at: ListenAt, options: UrlServerOptions): Listener {
  const { log, trace } = options
  const handle = (exchange: Exchange): void => serveUrl(served, options, listener.port, exchange)
  const listener = listen(at, {
    handle: trace === undefined ? handle : traced(handle, trace.tell, trace.now),
    failed(error, exchange) {
      log.error({ error: String(error) }, 'a request of the Function URL failed in the emulator')
      exchange.respond(502, ['Content-Type', 'text/plain'], 'Internal Server Error')
    },
    limited: (what) => log.warn({}, what),
  })
  return listener
}
