/** `/_rie/*`: for those who look after an emulator. Health and readiness for probes, state for people, metrics. */

import type { Pool } from '../engine/pool.ts'
import type { Fields } from '../http/exchange.ts'
import { createRouter, type Router } from '../http/hono.ts'
import { pathOf, queryOf } from '../http/path.ts'
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
  /** Makes the routes of the console, with the first request for one of them; null when there is to be none. */
  readonly console?: (() => Router) | null
}

/** What the console answers. */
const consolePath = /^\/_rie\/?(?:$|console\.|events$|invocations(?:$|\/))/

/**
 * Every path but the one of invocations; what is not served gets an answer that says what is. A path with a slash too
 * many is sent on to the one without, as by the reference: people put an address that ends in one before a path.
 */
export function admin(pool: Pool, options: AdminOptions): Router {
  const { metrics, limits } = options
  let loaded: MetricsText | undefined
  const router = createRouter()
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
  if (options.console) {
    const create = options.console
    let routes: Router | undefined
    router.use('/_rie/*', async ({ req, env }, next) => {
      if (consolePath.test(pathOf(env.target))) {
        routes ??= create()
        return await routes.fetch(req.raw, env)
      }
      await next()
      return undefined
    })
  }
  router.notFound(({ req, env }) => {
    const { target } = env
    const path = pathOf(target)
    if (path.includes('//')) {
      const Location = path.replace(/\/\/+/g, '/') + queryOf(target)
      return new Response(null, { status: 307, headers: { Location } })
    }
    const help = 'invoke with POST /2015-03-31/functions/function/invocations'
    const { status, headers, body } = problem(404, `${req.method} ${path} is not served; ${help}`)
    return new Response(body, { status, headers: pairs(headers) })
  })
  return router
}

function pairs(fields: Fields): [string, string][] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [
    fields[2 * index] as string,
    fields[2 * index + 1] as string,
  ])
}
