/**
 * The listener of one environment's Runtime API. Which environment a caller belongs to is known by the listener that
 * it talks to, so there is one of these per environment.
 *
 * Requests that carry an event or wait for one are picked out by their path; everything else goes through the router,
 * which is loaded for the first of them: that takes a millisecond, and most functions get along without.
 */

import type { RequestId } from '../core/ids.ts'
import type { Environment } from '../engine/environment.ts'
import type { Exchange, Handlers } from '../http/exchange.ts'
import type { Router } from '../http/hono.ts'
import { listen } from '../http/listen.ts'
import { pathOf } from '../http/path.ts'
import * as extension from './extension.ts'
import type { ListenerPolls } from './poll.ts'
import type { RouteOptions } from './routes.ts'
import * as runtime from './runtime.ts'
import { extensionPrefix, internalError, restoreNextPath, runtimePrefix, send } from './wire.ts'

export interface RuntimeApi {
  /** the address that was bound */
  readonly hostname: string
  readonly port: number
  /** Closes the listener and every connection to it. */
  stop(): Promise<void>
}

export interface RuntimeApiOptions extends RouteOptions {
  /** empty for every address of the machine, see `ListenAt` */
  readonly hostname: string
  /** 0 for a free one */
  readonly port: number
}

const nextPath = `${runtimePrefix}invocation/next`
const invocationPrefix = `${runtimePrefix}invocation/`
const eventNextPath = `${extensionPrefix}event/next`

function loadRoutes(): typeof import('./routes.ts') {
  return require('./routes.ts')
}

function loadBridge(): typeof import('../http/hono.ts') {
  return require('../http/hono.ts')
}

/** Answers what one environment's processes ask. */
export class RuntimeApiCalls implements Handlers {
  readonly #environment: Environment
  readonly #options: RuntimeApiOptions
  readonly #polls: ListenerPolls = { latest: null, deferred: 0 }
  readonly #extensionPolls: ListenerPolls = { latest: null, deferred: 0 }
  #router: Router | null = null

  constructor(environment: Environment, options: RuntimeApiOptions) {
    this.#environment = environment
    this.#options = options
  }

  handle(exchange: Exchange): void {
    const { method, target } = exchange
    if (method === 'POST') {
      if (!this.upload(exchange)) this.route(exchange)
      return
    }
    const path = method === 'GET' ? pathOf(target) : ''
    if (path === nextPath) runtime.next(this.#environment, this.#polls, exchange)
    else if (path === eventNextPath && !this.#options.extensionsDisabled()) {
      extension.next(this.#environment, this.#extensionPolls, exchange)
    } else if (path === restoreNextPath && this.#options.snapStart !== null) {
      runtime.restoreNext(this.#environment, exchange)
    } else this.route(exchange)
  }

  /** What is posted for an invocation; false for another path. */
  private upload(exchange: Exchange): boolean {
    const { target } = exchange
    if (!target.startsWith(invocationPrefix)) return false
    const from = invocationPrefix.length
    const slash = target.indexOf('/', from)
    if (slash < 0) return false
    const query = target.indexOf('?', slash)
    const id = target.slice(from, slash) as RequestId
    const call = target.slice(slash + 1, query < 0 ? target.length : query)
    if (call === 'response') runtime.response(this.#environment, exchange, id)
    else if (call === 'error') runtime.error(this.#environment, exchange, id)
    else return false
    return true
  }

  private route(exchange: Exchange): void {
    this.#router ??= loadRoutes().routes(this.#environment, this.#options)
    loadBridge().route(this.#router, exchange, (error) => this.failed(error, exchange))
  }

  failed(error: unknown, exchange: Exchange): void {
    this.#options.log.error({ error: String(error) }, 'a Runtime API request failed in the emulator')
    send(exchange, internalError)
  }

  limited(what: string): void {
    this.#options.log.warn({}, what)
  }
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openRuntimeApi(environment: Environment, options: RuntimeApiOptions): RuntimeApi {
  const { hostname, port } = options
  const listener = listen({ hostname, port }, new RuntimeApiCalls(environment, options))
  return { hostname: listener.hostname, port: listener.port, stop: () => listener.stop() }
}
