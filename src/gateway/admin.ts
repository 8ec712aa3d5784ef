/** `/_rie/*`: health and readiness for probes, state for people, metrics. */

import type { Failure } from '../engine/last-failure.ts'
import type { Pool } from '../engine/pool.ts'
import type { Fields } from '../http/exchange.ts'
import { createRouter, type Router } from '../http/hono.ts'
import { pathOf, queryOf } from '../http/path.ts'
import { problem } from './respond.ts'
import type { NamedFunctions, ServedFunction, ServedFunctions } from './served.ts'

/** The figures in a text format. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export interface AdminOptions {
  /** Called with the first request for them, because they take milliseconds to load. */
  readonly metrics: () => MetricsText
  /** A dashboard of those figures for Grafana, JSON. */
  readonly dashboard: () => string
  /** Makes the routes of the console, with the first request for one of them; null when there is to be none. */
  readonly console?: (() => Router) | null
}

/** What the console answers. */
const consolePath = /^\/_rie\/?(?:$|console[./]|runs(?:$|\.)|events$|invocations(?:$|\/))/

/**
 * Every path but the one of invocations; what is not served gets an answer that says what is. A path with a slash too
 * many is sent on to the one without, as by the reference: people put an address that ends in one before a path.
 */
export function admin(functions: ServedFunctions, options: AdminOptions): Router {
  const { metrics, dashboard } = options
  const told = functions.only === null ? ofAll(functions) : ofOne(functions.only)
  let loaded: MetricsText | undefined
  const router = createRouter()
  router.get('/_rie/health', (context) => context.json(told.health()))
  router.get('/_rie/ready', (context) => {
    const reason = told.notReady()
    if (reason === null) return context.json({ ready: true })
    // A probe that asks for it has the function initialised: once here, and not again while that lasts.
    const init = ['1', 'true'].includes(new URLSearchParams(queryOf(context.env.target)).get('init') ?? '')
    if (init) told.warmUp()
    return context.json({ ready: false, ...reason }, 503)
  })
  router.get('/_rie/state', (context) => context.json(told.state()))
  router.get('/_rie/metrics', async (context) => {
    loaded ??= metrics()
    return context.body(await loaded.text(), 200, { 'Content-Type': loaded.contentType })
  })
  router.get('/_rie/dashboard.json', (context) =>
    context.body(dashboard(), 200, { 'Content-Type': 'application/json' }),
  )
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
      const location = path.replace(/\/\/+/g, '/') + queryOf(target)
      return new Response(null, { status: 307, headers: { Location: location } })
    }
    // the API of durable executions, where there is one, has answered before
    const help = path.startsWith('/2025-12-01/')
      ? 'no function here is a durable one (--durable)'
      : `invoke with POST /2015-03-31/functions/${nameOf(functions)}/invocations`
    const { status, headers, body } = problem(404, `${req.method} ${path} is not served; ${help}`)
    return new Response(body, { status, headers: pairs(headers) })
  })
  return router
}

/** What is told of the function, or of all together. */
interface Told {
  health(): object
  /** null: it is ready */
  notReady(): object | null
  warmUp(): void
  state(): object
}

const statusOf = ({ draining }: Pool): string => (draining ? 'stopping' : 'ok')

function ofOne(served: ServedFunction): Told {
  const { pool } = served
  return {
    health: () => ({ status: statusOf(pool), queued: pool.waiting, environments: pool.snapshot() }),
    notReady() {
      if (pool.ready) return null
      const { reason, state } = whyNotReady(pool, served.lastFailure.value)
      return { reason, state }
    },
    warmUp: () => pool.warmUp(),
    state() {
      const failure = served.lastFailure.value
      const lastError = failure === null ? null : { ...failure, at: new Date(failure.at).toISOString() }
      const { limits, asyncEvents } = served
      const state = { status: statusOf(pool), ...limits, ...pool.state(), asyncEvents, lastError }
      if (served.durable === null) return state
      const { open, closed, bytes } = served.durable.counts
      return { ...state, durable: { open, closed, bytes } }
    },
  }
}

/** Each by its name; all have to be ready. */
function ofAll({ all }: NamedFunctions): Told {
  const each = all.map((served) => [served.name, ofOne(served)] as const)
  const [first] = all
  const status = (): string => (first === undefined ? 'ok' : statusOf(first.pool))
  const told = (tell: (one: Told) => object | null): Record<string, object> =>
    Object.fromEntries(
      each.flatMap(([name, one]) => {
        const of = tell(one)
        return of === null ? [] : [[name, of]]
      }),
    )
  return {
    health: () => ({ status: status(), functions: told((one) => one.health()) }),
    notReady() {
      const functions = told((one) => one.notReady())
      return Object.keys(functions).length === 0 ? null : { functions }
    },
    warmUp() {
      for (const [, one] of each) if (one.notReady() !== null) one.warmUp()
    },
    state: () => ({ status: status(), functions: told((one) => one.state()) }),
  }
}

/** A name to call by. */
function nameOf(functions: ServedFunctions): string {
  return functions.only === null ? (functions.all[0]?.name ?? 'NAME') : 'function'
}

/** `state` is a word for machines, `reason` a sentence for people. */
function whyNotReady(pool: Pool, failure: Failure | null): { state: string; reason: string } {
  if (pool.draining) return { state: 'stopping', reason: 'the emulator was told to stop' }
  const activities = pool.snapshot().map(({ state }) => state)
  if (activities.includes('starting'))
    return { state: 'starting', reason: `init is running${after(failure)}` }
  if (activities.some((each) => each !== 'cold')) {
    return { state: 'busy', reason: 'no initialised environment is free' }
  }
  const next = 'the next invocation, or GET /_rie/ready?init=1, initialises it'
  if (failure === null) return { state: 'idle', reason: `nothing was invoked yet: ${next}` }
  const { during, errorType, errorMessage } = failure
  return { state: 'failed', reason: `${during} failed: ${errorType}: ${errorMessage}; ${next}` }
}

function after(failure: Failure | null): string {
  return failure === null ? '' : `, after ${failure.errorType}: ${failure.errorMessage}`
}

function pairs(fields: Fields): [string, string][] {
  return Array.from({ length: fields.length / 2 }, (_, index) => [
    fields[2 * index] as string,
    fields[2 * index + 1] as string,
  ])
}
