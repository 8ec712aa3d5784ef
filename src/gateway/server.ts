/**
 * The invoke gateway: the listener that callers talk to. Invocations are picked out by their path; `/_rie/*` and the
 * answers that help go through the router, which is loaded for the first of them.
 */

import type { Exchange, Listener } from '../http/exchange.ts'
import type { Router } from '../http/hono.ts'
import { listen } from '../http/listen.ts'
import { pathOf, withoutDots } from '../http/path.ts'
import type { RequestTrace } from '../http/traced.ts'
import type { AdminOptions } from './admin.ts'
import type { Origins } from './cors.ts'
import type { SpokenDialect } from './dialect.ts'
import type { DurableApi } from './durable.ts'
import { type InvokeSettings, invoke } from './invoke.ts'
import { asyncSegment, dialectOf, functionSegment, streamSegment } from './request.ts'
import { type Problem, problem } from './respond.ts'
import type { ServedFunction } from './served.ts'

export type Gateway = Listener

export interface GatewayOptions extends InvokeSettings, AdminOptions {
  /** empty for every address of the machine, see `ListenAt` */
  readonly hostname: string
  /** 0 for a free one */
  readonly port: number
  /** null: no function is durable */
  readonly durable: DurableApi | null
  /** of web pages that may invoke */
  readonly origins: Origins
  /** Told of each request when it has been answered, if somebody is to be; `now` is in monotonic milliseconds. */
  readonly trace?: { readonly tell: (trace: RequestTrace) => void; readonly now: () => number } | undefined
  readonly log: {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

/** The path of nearly all invocations: every name is served, and this one is in every example. */
const usualPath = '/2015-03-31/functions/function/invocations'

/** Methods that run the function for a caller without a signature: people's health checks are GETs (behaviour.md 2.10). */
const alsoRun = ['GET', 'PUT', 'PATCH', 'DELETE']

function loadAdmin(): typeof import('./admin.ts') {
  return require('./admin.ts')
}

function loadStream(): typeof import('./stream.ts') {
  return require('./stream.ts')
}

function loadAsync(): typeof import('./invoke-async.ts') {
  return require('./invoke-async.ts')
}

function loadPages(): typeof import('./pages.ts') {
  return require('./pages.ts')
}

function loadBridge(): typeof import('../http/hono.ts') {
  return require('../http/hono.ts')
}

function loadTraced(): typeof import('../http/traced.ts') {
  return require('../http/traced.ts')
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openGateway(served: ServedFunction, options: GatewayOptions): Gateway {
  const { hostname, port, log, durable } = options
  let router: Router | undefined

  function failed(error: unknown, exchange: Exchange): void {
    log.error({ error: String(error) }, 'a request failed in the emulator')
    send(exchange, problem(500, 'The emulator failed to handle this request; its log says why.'))
  }

  /** What pages may do is looked at first: browsers send a request to any address, whoever wrote the page. */
  function admit(exchange: Exchange): void {
    const isPost = exchange.method === 'POST'
    if (exchange.header('origin') === null && (isPost || exchange.header('sec-fetch-site') === null))
      handle(exchange)
    else loadPages().handlePage(options.origins, exchange, handle)
  }

  function handle(exchange: Exchange): void {
    const { method, target } = exchange
    if (durable?.serves(target)) {
      durable.serve(exchange)
      return
    }
    if (method === 'POST' && target === usualPath) {
      invoke(served, options, exchange, null)
      return
    }
    const path = withoutDots(pathOf(target))
    const segment = functionSegment(path)
    const streamed = segment === null ? streamSegment(path) : null
    if (streamed !== null) {
      if (method === 'POST') loadStream().invokeWithResponseStream(served, options, exchange, streamed)
      else send(exchange, methodNotAllowed('lambda'))
    } else if (segment === null && method === 'POST' && asyncSegment(path) !== null) {
      loadAsync().invokeAsync(served, options, exchange, asyncSegment(path) as string)
    } else if (segment === null) {
      router ??= loadAdmin().admin(served.pool, options)
      loadBridge().route(router, exchange, (error) => failed(error, exchange))
    } else if (
      method === 'POST' ||
      (alsoRun.includes(method) && dialectOf(exchange, options.dialect) === 'rie')
    ) {
      invoke(served, options, exchange, segment)
    } else {
      send(exchange, methodNotAllowed(dialectOf(exchange, options.dialect)))
    }
  }

  const { trace } = options
  return listen(
    { hostname, port },
    {
      handle: trace === undefined ? admit : loadTraced().traced(admit, trace.tell, trace.now),
      failed,
      limited: (what) => log.warn({}, what),
    },
  )
}

function send(exchange: Exchange, { status, headers, body }: Problem): void {
  exchange.respond(status, headers, body)
}

function methodNotAllowed(dialect: SpokenDialect): Problem {
  const message = 'An invocation is a POST; for example curl -XPOST with -d and a JSON event.'
  const methods = dialect === 'rie' ? ['POST', ...alsoRun] : ['POST']
  return problem(405, message, { Allow: methods.join(', ') })
}
