/** Every route of the Runtime API and the Extensions API but the hot ones, which `server.ts` picks out. */

import { Hono } from 'hono'
import type { Environment } from '../engine/environment.ts'
import { pathOf } from '../http/path.ts'
import * as extension from './extension.ts'
import * as runtime from './runtime.ts'
import type { RuntimeApiOptions } from './server.ts'
import { logs, telemetry } from './telemetry.ts'
import type { PollWatch } from './watch.ts'
import { methodNotAllowed, notFound } from './wire.ts'

const pong = (): Response =>
  new Response('pong', { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })

const isExtensionsApi = /^\/2020-01-01(\/|$)/

/** What the reference says on every path and to every method of an Extensions API that is switched off. */
const switchedOff = (): Response => new Response(null, { status: 404 })

/** A known path with another method gets a 405 that names the right one. */
export function routes(environment: Environment, options: RuntimeApiOptions, watch: PollWatch): Hono {
  // hono looks for the path behind a host, and stumbles where Bun hands out none or an odd one
  const router = new Hono({ getPath: ({ url }) => pathOf(url) })
  const off = (path: string): boolean => options.extensionsDisabled() && isExtensionsApi.test(path)
  const table: [method: string, path: string, handler: (request: Request) => Response | Promise<Response>][] =
    [
      ['GET', '/2018-06-01/ping', pong],
      ['GET', '/2018-06-01/runtime/invocation/next', (request) => runtime.next(environment, watch, request)],
      ['POST', '/2018-06-01/runtime/init/error', (request) => runtime.initError(environment, request)],
      [
        'POST',
        '/2020-01-01/extension/register',
        (request) => extension.register(environment, options.facts, request),
      ],
      ['GET', '/2020-01-01/extension/event/next', (request) => extension.next(environment, watch, request)],
      [
        'POST',
        '/2020-01-01/extension/init/error',
        (request) => extension.report(environment, request, 'extension/init-error'),
      ],
      [
        'POST',
        '/2020-01-01/extension/exit/error',
        (request) => extension.report(environment, request, 'extension/exit-error'),
      ],
      ['PUT', '/2022-07-01/telemetry', telemetry],
      ['PUT', '/2020-08-15/logs', logs],
    ]
  for (const [method, path, handler] of table) {
    router.all(path, ({ req }) => {
      if (off(path)) return switchedOff()
      return req.method === method ? handler(req.raw) : methodNotAllowed(method)
    })
  }
  for (const call of ['response', 'error']) {
    // POST is picked out before the router
    router.all(`/2018-06-01/runtime/invocation/:id/${call}`, () => methodNotAllowed('POST'))
  }
  router.notFound(({ req }) => (off(pathOf(req.url)) ? switchedOff() : notFound()))
  return router
}
