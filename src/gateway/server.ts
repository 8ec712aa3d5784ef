/**
 * The invoke gateway: the listener that callers talk to. Invocations are picked out by their path; `/_rie/*` and the
 * answers that help go through the router.
 */

import type { Hono } from 'hono'
import type { Pool } from '../engine/pool.ts'
import { pathOf, recognise } from '../http/path.ts'
import type { AdminOptions } from './admin.ts'
import { type InvokeOptions, invoke } from './invoke.ts'
import { functionSegment } from './request.ts'
import { problem } from './respond.ts'

export interface Gateway {
  readonly hostname: string
  readonly port: number
  /** No new connections and requests; those that wait are still answered. */
  close(): void
  /** Ends what is left. */
  stop(): Promise<void>
}

export interface GatewayOptions extends InvokeOptions, AdminOptions {
  readonly hostname: string
  /** 0 for a free one */
  readonly port: number
  readonly log: { error(fields: object, message: string): void }
}

/** Where nearly all invocations go: every name is served, and this one is in every example. */
const usualPath = '/2015-03-31/functions/function/invocations'

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openGateway(pool: Pool, options: GatewayOptions): Gateway {
  let router: Hono | undefined
  const routed = (request: Request): Response | Promise<Response> => {
    router ??= (require('./admin.ts') as typeof import('./admin.ts')).admin(pool, options)
    return router.fetch(request)
  }
  const isUsual = recognise(usualPath)
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    // an invocation may take its 15 minutes, and a queued one longer
    idleTimeout: 0,
    // `readBody` knows the limit and answers what is over it
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // which is the default outside of development: two emulators would share a port and its callers
    reusePort: false,
    fetch(request) {
      const { method, url } = request
      if (method === 'POST' && isUsual(url)) return invoke(pool, options, request, null)
      const segment = functionSegment(pathOf(url))
      if (segment === null) return routed(request)
      return method === 'POST' ? invoke(pool, options, request, segment) : methodNotAllowed()
    },
    error(error) {
      options.log.error({ error: String(error) }, 'an invoke request failed in the emulator')
      return problem(500, 'The emulator failed to handle this request; its log says why.')
    },
  })
  return {
    hostname: options.hostname,
    port: server.port as number,
    close: () => {
      server.stop(false)
    },
    stop: () => server.stop(true),
  }
}

function methodNotAllowed(): Response {
  const message = 'An invocation is a POST; for example curl -XPOST with -d and a JSON event.'
  return problem(405, message, { Allow: 'POST' })
}
