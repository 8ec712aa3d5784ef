/**
 * The invoke gateway: the listener that callers talk to. Invocations are picked out by their path; `/_rie/*` and the
 * answers that help go through the router, which is loaded for the first of them.
 */

import type { Exchange, Handlers, Listener } from '../http/exchange.ts'
import type { Router } from '../http/hono.ts'
import { listen } from '../http/listen.ts'
import { pathOf, withoutDots } from '../http/path.ts'
import type { RequestTrace } from '../http/traced.ts'
import type { AdminOptions } from './admin.ts'
import type { Origins } from './cors.ts'
import type { SpokenDialect } from './dialect.ts'
import type { DurableApi } from './durable.ts'
import { type InvokeSettings, invoke } from './invoke.ts'
import { dialectOf, type InvokeOperation, newRequestId, operationOf } from './request.ts'
import { type Problem, problem, respond } from './respond.ts'
import type { NamedFunctions, ServedFunction, ServedFunctions } from './served.ts'

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

function loadResolve(): typeof import('./resolve.ts') {
  return require('./resolve.ts')
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

/** Answers what callers ask. */
export class GatewayCalls implements Handlers {
  readonly #functions: ServedFunctions
  readonly #options: GatewayOptions
  #router: Router | null = null

  constructor(functions: ServedFunctions, options: GatewayOptions) {
    this.#functions = functions
    this.#options = options
  }

  /** What pages may do is looked at first: browsers send a request to any address, whoever wrote the page. */
  handle(exchange: Exchange): void {
    const isPost = exchange.method === 'POST'
    if (exchange.header('origin') === null && (isPost || exchange.header('sec-fetch-site') === null))
      this.admitted(exchange)
    else this.page(exchange)
  }

  private page(exchange: Exchange): void {
    loadPages().handlePage(this.#options.origins, exchange, (one) => this.admitted(one))
  }

  private admitted(exchange: Exchange): void {
    const { method, target } = exchange
    const { only } = this.#functions
    const { durable, dialect: spoken } = this.#options
    if (durable?.serves(target)) {
      durable.serve(exchange)
      return
    }
    if (only !== null && method === 'POST' && target === usualPath) {
      invoke(only, this.#options, exchange, null)
      return
    }
    const path = withoutDots(pathOf(target))
    const [operation, segment] = operationOf(path)
    if (operation === null || (operation === 'InvokeAsync' && method !== 'POST')) {
      this.route(exchange)
      return
    }
    const dialect = operation === 'Invoke' ? dialectOf(exchange, spoken) : 'lambda'
    if (method !== 'POST' && !(dialect === 'rie' && alsoRun.includes(method))) {
      send(exchange, methodNotAllowed(dialect))
      return
    }
    const served = only ?? loadResolve().resolve(this.#functions as NamedFunctions, segment)
    if ('status' in served) respond(exchange, served, newRequestId())
    else this.serve(operation, served, exchange, segment)
  }

  private route(exchange: Exchange): void {
    this.#router ??= loadAdmin().admin(this.#functions, this.#options)
    loadBridge().route(this.#router, exchange, (error) => this.failed(error, exchange))
  }

  private serve(
    operation: InvokeOperation,
    served: ServedFunction,
    exchange: Exchange,
    segment: string,
  ): void {
    switch (operation) {
      case 'Invoke':
        invoke(served, this.#options, exchange, segment)
        return
      case 'InvokeWithResponseStream':
        loadStream().invokeWithResponseStream(served, this.#options, exchange, segment)
        return
      case 'InvokeAsync':
        loadAsync().invokeAsync(served, this.#options, exchange, segment)
    }
  }

  failed(error: unknown, exchange: Exchange): void {
    this.#options.log.error({ error: String(error) }, 'a request failed in the emulator')
    send(exchange, problem(500, 'The emulator failed to handle this request; its log says why.'))
  }

  limited(what: string): void {
    this.#options.log.warn({}, what)
  }
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openGateway(functions: ServedFunctions, options: GatewayOptions): Gateway {
  const { hostname, port, trace } = options
  const calls = new GatewayCalls(functions, options)
  if (trace === undefined) return listen({ hostname, port }, calls)
  const handle = loadTraced().traced((exchange) => calls.handle(exchange), trace.tell, trace.now)
  return listen(
    { hostname, port },
    {
      handle,
      failed: (error, exchange) => calls.failed(error, exchange),
      limited: (what) => calls.limited(what),
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
