/** `/_rie/*`: for those who look after an emulator. Health and readiness for probes, state for people, metrics. */

import { Hono } from 'hono'
import type { Pool } from '../engine/pool.ts'

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

/** Every path but the one of invocations; what is not served gets an answer that says what is. */
export function admin(pool: Pool, { metrics, limits }: AdminOptions): Hono {
  let loaded: MetricsText | undefined
  const router = new Hono()
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
  router.notFound(({ req }) =>
    problem(
      404,
      `${req.method} ${req.path} is not served; invoke with POST /2015-03-31/functions/function/invocations`,
    ),
  )
  return router
}

/** An answer of ours that is no outcome of an invocation. */
export function problem(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  // `Response.json` would add a charset, which AWS does not
  const all = { 'Content-Type': 'application/json', ...headers }
  return new Response(JSON.stringify({ Type: 'User', Message: message }), { status, headers: all })
}
