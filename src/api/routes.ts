/** The routes of the Runtime API and the Extensions API that carry no event and wait for none. */

import type { Environment } from '../engine/environment.ts'
import type { TelemetryApi, TelemetryPort } from '../engine/ports.ts'
import type { Exchange } from '../http/exchange.ts'
import { createRouter, type Router } from '../http/hono.ts'
import { pathOf } from '../http/path.ts'
import { type CredentialsOptions, credentials, credentialsPath } from './credentials.ts'
import * as extension from './extension.ts'
import { type MetadataOptions, metadata, metadataPaths } from './metadata.ts'
import * as runtime from './runtime.ts'
import * as telemetry from './telemetry.ts'
import {
  type ApiAnswer,
  extensionPrefix,
  methodNotAllowed,
  notFound,
  restoreNextPath,
  runtimePrefix,
} from './wire.ts'

/** What the routes of one environment are made of. */
export interface RouteOptions {
  readonly facts: extension.FunctionFacts
  /** the subscriptions of this environment */
  readonly telemetry: TelemetryPort
  readonly metadata: MetadataOptions
  /** what runtimes find whose snapshot is restored; null: nothing of it is there */
  readonly snapStart: { readonly credentials: CredentialsOptions | null } | null
  /** the Logs API is there */
  readonly logsApi: boolean
  /** `/opt/disable-extensions-jwigqn8j` exists: everything below `/2020-01-01` answers 404 */
  readonly extensionsDisabled: () => boolean
  readonly log: {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
}

/** Answers by calling `done`, once. */
type Handler = (exchange: Exchange, done: (answer: ApiAnswer) => void) => void
type Route = [method: string, path: string, handler: Handler]

const pong: ApiAnswer = { status: 200, headers: ['Content-Type', 'text/plain; charset=utf-8'], body: 'pong' }

const isExtensionsApi = /^\/2020-01-01(\/|$)/

/** What the reference says on every path and to every method of an Extensions API that is switched off. */
export const switchedOff: ApiAnswer = { status: 404, headers: [], body: '' }

/** With a slash at the end too, as AWS's pages write the addresses. */
function subscriptions(environment: Environment, port: TelemetryPort, logsApi: boolean): Route[] {
  const route = (api: TelemetryApi, path: string): Route => [
    'PUT',
    path,
    (...call) => telemetry.subscribe({ environment, telemetry: port, api }, ...call),
  ]
  return [
    route('telemetry', '/2022-07-01/telemetry'),
    route('telemetry', '/2022-07-01/telemetry/'),
    ...(logsApi ? [route('logs', '/2020-08-15/logs'), route('logs', '/2020-08-15/logs/')] : []),
  ]
}

/** What is there for runtimes whose snapshot is restored. */
function snapStart(environment: Environment, { snapStart }: RouteOptions): Route[] {
  if (snapStart === null) return []
  const { credentials: served } = snapStart
  const restoreError: Route = [
    'POST',
    `${runtimePrefix}restore/error`,
    (exchange, done) => runtime.report(environment, exchange, 'restore-error', done),
  ]
  if (served === null) return [restoreError]
  return [restoreError, ['GET', credentialsPath, (exchange, done) => done(credentials(exchange, served))]]
}

/** A known path with another method gets a 405 that names the right one. */
export function routes(environment: Environment, options: RouteOptions): Router {
  const router = createRouter()
  const off = (path: string): boolean => options.extensionsDisabled() && isExtensionsApi.test(path)
  const table: Route[] = [
    ['GET', '/2018-06-01/ping', (_, done) => done(pong)],
    [
      'POST',
      `${runtimePrefix}init/error`,
      (exchange, done) => runtime.report(environment, exchange, 'init-error', done),
    ],
    ...snapStart(environment, options),
    [
      'POST',
      `${extensionPrefix}register`,
      (...call) => extension.register(environment, options.facts, ...call),
    ],
    [
      'POST',
      `${extensionPrefix}init/error`,
      (exchange, done) => extension.report(environment, exchange, 'extension/init-error', done),
    ],
    [
      'POST',
      `${extensionPrefix}exit/error`,
      (exchange, done) => extension.report(environment, exchange, 'extension/exit-error', done),
    ],
    ...subscriptions(environment, options.telemetry, options.logsApi),
    ...metadataPaths.map((path): [string, string, Handler] => [
      'GET',
      path,
      (exchange, done) => done(metadata(exchange, options.metadata)),
    ]),
  ]
  for (const [method, path, handler] of table) {
    router.all(path, ({ req, env }) => {
      if (off(path)) return responseOf(switchedOff)
      if (req.method !== method) return responseOf(methodNotAllowed(method))
      return new Promise<Response>((resolve) =>
        handler(env.exchange, (answer) => resolve(responseOf(answer))),
      )
    })
  }
  // with the right method, these are picked out before the router
  if (options.snapStart !== null) {
    router.all(restoreNextPath, () => responseOf(methodNotAllowed('GET')))
  }
  for (const [method, path] of [
    ['GET', `${runtimePrefix}invocation/next`],
    ['POST', `${runtimePrefix}invocation/:id/response`],
    ['POST', `${runtimePrefix}invocation/:id/error`],
    ['GET', `${extensionPrefix}event/next`],
  ] as const) {
    router.all(path, () => responseOf(off(path) ? switchedOff : methodNotAllowed(method)))
  }
  router.notFound(({ env }) => responseOf(off(pathOf(env.target)) ? switchedOff : notFound))
  return router
}

function responseOf({ status, headers, body }: ApiAnswer): Response {
  const all = new Headers()
  for (let index = 0; index < headers.length; index += 2) {
    all.append(headers[index] as string, headers[index + 1] as string)
  }
  return new Response(body === '' ? null : (body as string), { status, headers: all })
}
