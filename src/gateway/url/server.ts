/** The listeners of Function URLs. */

import { DelegatingExchange } from '../../http/delegate.ts'
import type { Exchange, ListenAt, Listener } from '../../http/exchange.ts'
import { listen } from '../../http/listen.ts'
import { type RequestTrace, traced } from '../../http/traced.ts'
import { newRequestId } from '../request.ts'
import type { ServedFunction } from '../served.ts'
import { serveUrl, type UrlOptions } from './front.ts'

export interface UrlListenerOptions {
  readonly log: UrlOptions['log'] & { error(fields: object, message: string): void }
  readonly trace?: { readonly tell: (trace: RequestTrace) => void; readonly now: () => number } | undefined
}

export interface UrlServerOptions extends UrlOptions, UrlListenerOptions {
  readonly log: UrlListenerOptions['log']
}

/** A listener of one function. Throws what `Bun.serve` throws when the address cannot be had. */
export function openFunctionUrl(served: ServedFunction, at: ListenAt, options: UrlServerOptions): Listener {
  return open(at, options, (exchange, port) => serveUrl(served, options, port, exchange))
}

/** One of several functions on one listener. */
export interface UrlRoute {
  /** begins with a slash and ends with none; all paths below it are the function's */
  readonly prefix: string
  readonly served: ServedFunction
  readonly options: UrlOptions
}

/** A listener of several functions: each sees its paths without the prefix. The longest prefix counts. */
export function openPrefixedUrls(
  routes: readonly UrlRoute[],
  at: ListenAt,
  options: UrlListenerOptions,
): Listener {
  const longestFirst = routes.toSorted((one, other) => other.prefix.length - one.prefix.length)
  return open(at, options, (exchange, port) => {
    const { target } = exchange
    const route = longestFirst.find(({ prefix }) => isBelow(target, prefix))
    if (route === undefined) forbid(exchange)
    else {
      const inner = new ShiftedExchange(exchange, route.prefix.length)
      serveUrl(route.served, route.options, port, inner)
    }
  })
}

function isBelow(target: string, prefix: string): boolean {
  if (!target.startsWith(prefix)) return false
  const next = target[prefix.length]
  return next === undefined || next === '/' || next === '?'
}

/** A path of nobody, as the service answers under a name that is no function's. */
function forbid(exchange: Exchange): void {
  const headers = [
    ...['Content-Type', 'application/json'],
    ...['x-amzn-RequestId', newRequestId()],
    ...['x-amzn-ErrorType', 'AccessDeniedException'],
  ]
  exchange.respond(403, headers, '{"Message":"Forbidden"}')
}

/** A request whose path begins later. */
class ShiftedExchange extends DelegatingExchange {
  readonly #from: number

  constructor(inner: Exchange, from: number) {
    super(inner)
    this.#from = from
  }

  override get target(): string {
    const rest = this.inner.target.slice(this.#from)
    return rest.startsWith('/') ? rest : `/${rest}`
  }
}

function open(
  at: ListenAt,
  { log, trace }: UrlListenerOptions,
  serve: (exchange: Exchange, port: number) => void,
): Listener {
  const handle = (exchange: Exchange): void => serve(exchange, listener.port)
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
