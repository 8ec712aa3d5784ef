/** `/_rie/*`: for those who look after an emulator. Health and readiness for probes, state for people, metrics. */

import { Hono } from 'hono'
import type { Pool } from '../engine/pool.ts'
import { pathOf } from '../http/path.ts'
import { problem } from './respond.ts'

/** The figures in a text format. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export interface AdminOptions {
  /** Called with the first request for them, because they take milliseconds to load. */
  readonly metrics: () => MetricsText
  /** the limits of the pool, shown as they are */
  readonly limits: { readonly maxEnvironments: number; readonly maxQueue: number }
}

/**
 * Every path but the one of invocations; what is not served gets an answer that says what is. A path with a slash too
 * many is sent on to the one without, as by the reference: people put an address that ends in one before a path.
 */
export function admin(pool: Pool, { metrics, limits }: AdminOptions): Hono {
  let loaded: MetricsText | undefined
  // hono looks for the path behind a host, and stumbles where Bun hands out none or an odd one
  const router = new Hono({ getPath: ({ url }) => pathOf(url) })
  const status = (): string => (pool.draining ? 'stopping' : 'ok')
  router.get('/_rie/health', (context) =>
    context.json({ status: status(), queued: pool.waiting, environments: pool.snapshot() }),
  )
  router.get('/_rie/ready', (context) =>
    pool.ready
      ? context.json({ ready: true })
      : context.json({ ready: false, reason: 'no initialised environment is free' }, 503),
  )
  router.get('/_rie/state', (context) => context.json({ status: status(), ...limits, ...pool.state() }))
  router.get('/_rie/metrics', async (context) => {
    loaded ??= metrics()
    return context.body(await loaded.text(), 200, { 'Content-Type': loaded.contentType })
  })
  router.notFound(({ req }) => {
    const path = pathOf(req.url)
    if (path.includes('//')) {
      const query = /\?.*$/.exec(req.url)?.[0] ?? ''
      const Location = path.replace(/\/\/+/g, '/') + query
      return new Response(null, { status: 307, headers: { Location } })
    }
    const help = 'invoke with POST /2015-03-31/functions/function/invocations'
    return problem(404, `${req.method} ${req.path} is not served; ${help}`)
  })
  return router
}
