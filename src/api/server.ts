/**
 * The listener of one environment's Runtime API. Which environment a caller belongs to is known by the listener that
 * it talks to, so there is one of these per environment.
 *
 * The three requests of a warm invocation are picked out by their path; everything else goes through the router, which
 * is loaded for the first of them: that takes a millisecond, and most functions get along without.
 */

import type { Hono } from 'hono'
import type { RequestId } from '../core/ids.ts'
import type { Environment } from '../engine/environment.ts'
import { pathStart, recognise } from '../http/path.ts'
import type { FunctionFacts } from './extension.ts'
import * as runtime from './runtime.ts'
import { watchPolls } from './watch.ts'
import { errorResponse, runtimePrefix } from './wire.ts'

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
  readonly facts: FunctionFacts
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
  let router: Hono | undefined
  const routed = (request: Request): Response | Promise<Response> => {
    router ??= (require('./routes.ts') as typeof import('./routes.ts')).routes(environment, options, watch)
    return router.fetch(request)
  }
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
      return routed(request)
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
