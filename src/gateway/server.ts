/**
 * The invoke gateway: the listener that callers talk to. Invocations are picked out by their path; `/_rie/*` and the
 * answers that help go through the router.
 */

import { Hono } from 'hono'
import { pathOf } from '../core/path.ts'
import type { Pool } from '../engine/pool.ts'
import { type InvokeOptions, invoke } from './invoke.ts'
import { functionSegment } from './request.ts'

export interface Gateway {
  readonly hostname: string
  readonly port: number
  /** No new connections and requests; those that wait are still answered. */
  close(): void
  /** Ends what is left. */
  stop(): Promise<void>
}

export interface GatewayOptions extends InvokeOptions {
  readonly hostname: string
  /** 0 for a free one */
  readonly port: number
  readonly log: { error(fields: object, message: string): void }
}

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openGateway(pool: Pool, options: GatewayOptions): Gateway {
  const router = routes(pool)
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    // an invocation may take its 15 minutes, and a queued one longer
    idleTimeout: 0,
    // `readBody` knows the limit and answers what is over it
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch(request) {
      const { url } = request
      const segment = functionSegment(pathOf(url))
      if (segment === null) return router.fetch(request)
      return request.method === 'POST' ? invoke(pool, options, request, segment) : methodNotAllowed()
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

/** Health for people and probes, and answers that say what to send instead. */
export function routes(pool: Pool): Hono {
  const router = new Hono()
  router.get('/_rie/health', (context) =>
    context.json({
      status: pool.draining ? 'stopping' : 'ok',
      queued: pool.waiting,
      environments: pool.snapshot(),
    }),
  )
  router.get('/_rie/ready', (context) =>
    pool.ready
      ? context.json({ ready: true })
      : context.json({ ready: false, reason: 'no initialised environment is free' }, 503),
  )
  router.notFound(({ req }) =>
    problem(
      404,
      `${req.method} ${req.path} is not served; invoke with POST /2015-03-31/functions/function/invocations`,
    ),
  )
  return router
}

function problem(status: number, message: string): Response {
  return Response.json({ Type: 'User', Message: message }, { status })
}

function methodNotAllowed(): Response {
  const message = 'An invocation is a POST; for example curl -XPOST with -d and a JSON event.'
  return Response.json({ Type: 'User', Message: message }, { status: 405, headers: { Allow: 'POST' } })
}
