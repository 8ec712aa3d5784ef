/**
 * The listener of one environment's Runtime API. Which environment a caller belongs to is known by the listener that
 * it talks to, so there is one of these per environment.
 *
 * The three requests of a warm invocation are picked out by their path; everything else goes through the router.
 */

import { Hono } from 'hono'
import type { RequestId } from '../core/ids.ts'
import { pathOf, pathStart, recognise } from '../core/path.ts'
import type { Environment } from '../engine/environment.ts'
import * as extension from './extension.ts'
import * as runtime from './runtime.ts'
import { logs, telemetry } from './telemetry.ts'
import { type PollWatch, watchPolls } from './watch.ts'
import { errorResponse, methodNotAllowed, notFound, runtimePrefix } from './wire.ts'

export interface RuntimeApi {
  readonly hostname: string
  readonly port: number
  /** Closes the listener and every connection to it. */
  stop(): Promise<void>
}

export interface RuntimeApiOptions {
  readonly hostname: string
  /** 0 for a free one */
  readonly port: number
  readonly facts: extension.FunctionFacts
  /** `/opt/disable-extensions-jwigqn8j` exists: everything below `/2020-01-01` answers 404 */
  readonly extensionsDisabled: () => boolean
  readonly log: { error(fields: object, message: string): void }
}

const nextPath = `${runtimePrefix}invocation/next`
const invocationPrefix = `${runtimePrefix}invocation/`

/** Throws what `Bun.serve` throws when the address cannot be had. */
export function openRuntimeApi(environment: Environment, options: RuntimeApiOptions): RuntimeApi {
  const watch = watchPolls(environment)
  environment.lookAtPolls = watch.look
  const router = routes(environment, options, watch)
  // each listener has an address of its own to remember
  const isNext = recognise(nextPath)
  const server = Bun.serve({
    hostname: options.hostname,
    port: options.port,
    // a poll may be parked for days
    idleTimeout: 0,
    // what is over the limit of a response is counted and dropped by `receive`, which answers it
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // which is the default outside of development: two emulators would share a port and its callers
    reusePort: false,
    fetch(request) {
      const { method, url } = request
      if (method === 'GET' && isNext(url)) return runtime.next(environment, watch, request)
      const start = pathStart(url)
      if (method === 'POST' && url.startsWith(invocationPrefix, start)) {
        const from = start + invocationPrefix.length
        const slash = url.indexOf('/', from)
        const query = url.indexOf('?', from)
        const id = url.slice(from, slash) as RequestId
        const call = slash < 0 ? '' : url.slice(slash + 1, query < 0 ? url.length : query)
        if (call === 'response') return runtime.response(environment, request, id)
        if (call === 'error') return runtime.error(environment, request, id)
      }
      return router.fetch(request)
    },
    error(error) {
      options.log.error({ error: String(error) }, 'a Runtime API request failed in the emulator')
      return errorResponse(500, 'InternalServerError', 'Internal Server Error')
    },
  })
  return {
    hostname: options.hostname,
    port: server.port as number,
    stop: () => {
      watch[Symbol.dispose]()
      return server.stop(true)
    },
  }
}

const pong = (): Response =>
  new Response('pong', { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })

const isExtensionsApi = /^\/2020-01-01(\/|$)/

/** What the reference says on every path and to every method of an Extensions API that is switched off. */
const switchedOff = (): Response => new Response(null, { status: 404 })

/** Every route but the hot ones; a known path with another method gets a 405 that names the right one. */
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
