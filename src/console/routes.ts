/**
 * The console at `/_rie/`: a page, the events that keep it up to date, and the invocations as JSON. It begins to keep
 * invocations with the first request for any of them.
 */

import { hostname } from 'node:os'
import type { Context, Next } from 'hono'
import { examples } from '../events/examples.ts'
import { createRouter, type Router } from '../http/hono.ts'
import { type Asking, type GuardOptions, refusalOf } from './guard.ts'
import type { History } from './history.ts'
import elements from './page/console/elements.js' with { type: 'text' }
import invocation from './page/console/invocation.js' with { type: 'text' }
import list from './page/console/list.js' with { type: 'text' }
import log from './page/console/log.js' with { type: 'text' }
import ways from './page/console/ways.js' with { type: 'text' }
import style from './page/console.css' with { type: 'text' }
import script from './page/console.js' with { type: 'text' }
import icon from './page/console.svg' with { type: 'text' }
import page from './page/index.html' with { type: 'text' }
import runsStyle from './page/runs.css' with { type: 'text' }
import runsPage from './page/runs.html' with { type: 'text' }
import runsScript from './page/runs.js' with { type: 'text' }
import { type Introduction, type LiveState, Updates } from './updates.ts'

export interface ConsoleOptions {
  readonly anywhere: boolean
  /** Called once, with the first visitor; `updates` is to be told what happens from then on. */
  open(updates: Pick<Updates, 'due' | 'codeChanged'>): History
  introduction(): Omit<Introduction, 'examples'>
  liveState(): LiveState
}

/** Nothing from elsewhere, nothing inline, in no frame. */
const protection = {
  'Content-Security-Policy':
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

const javascript = 'text/javascript; charset=utf-8'
const assets: readonly (readonly [path: string, type: string, text: string])[] = [
  ['/_rie/', 'text/html; charset=utf-8', page as unknown as string],
  ['/_rie/console.css', 'text/css; charset=utf-8', style],
  ['/_rie/console.js', javascript, script],
  ['/_rie/console/elements.js', javascript, elements],
  ['/_rie/console/invocation.js', javascript, invocation],
  ['/_rie/console/list.js', javascript, list],
  ['/_rie/console/log.js', javascript, log],
  ['/_rie/console/ways.js', javascript, ways],
  ['/_rie/console.svg', 'image/svg+xml', icon],
  ['/_rie/runs', 'text/html; charset=utf-8', runsPage as unknown as string],
  ['/_rie/runs.css', 'text/css; charset=utf-8', runsStyle],
  ['/_rie/runs.js', javascript, runsScript],
]

type Visit = Context<{ Bindings: { readonly peer: string } }>

export function consoleRoutes(options: ConsoleOptions): Router {
  const guard: GuardOptions = { anywhere: options.anywhere, machine: hostname() }
  const router = createRouter()
  let history: History | undefined
  const updates = new Updates({
    introduction: () => ({ ...options.introduction(), examples }),
    liveState: options.liveState,
    history: () => {
      history ??= options.open(updates)
      return history
    },
  })

  async function guarded(context: Visit, next: Next): Promise<Response | undefined> {
    const refusal = refusalOf(askingOf(context), guard)
    if (refusal !== null) return context.json({ message: refusal }, 403, protection)
    // from the first visit on, whichever part it is of
    updates.begin()
    await next()
    for (const [name, value] of Object.entries(protection)) context.res.headers.set(name, value)
    return undefined
  }

  for (const [path, type, text] of assets) {
    router.get(path, guarded, (context) => context.body(text, 200, { 'Content-Type': type }))
  }
  router.get('/_rie', (context) => context.redirect('/_rie/', 307))
  router.get('/_rie/events', guarded, (context) => {
    const stream = updates.stream(context.req.raw.signal)
    return context.body(stream, 200, { 'Content-Type': 'text/event-stream' })
  })
  router.get('/_rie/invocations', guarded, (context) => context.json(updates.history.summaries()))
  router.get('/_rie/invocations/:id', guarded, (context) => {
    const detail = updates.history.detail(context.req.param('id') ?? '')
    if (detail !== null) return context.json(detail)
    return context.json({ message: 'no such invocation is kept; the last 200 are' }, 404)
  })
  return router
}

function askingOf({ req, env }: Visit): Asking {
  return {
    peer: env.peer,
    host: req.header('host') ?? null,
    origin: req.header('origin') ?? null,
    site: req.header('sec-fetch-site') ?? null,
  }
}
