/**
 * What the just-in-time compiler is to leave as it is. JavaScriptCore compiles hot functions three times, the last time
 * with everything that they call copied into them. For code that runs once per invocation, half of whose time is the
 * kernel's, that last time costs half a second of CPU within the first 15 000 invocations and gives it back after some
 * 150 000. Where everything shares one CPU, invocations wait for it, a few milliseconds each time: DECISIONS has figures.
 *
 * Only what can be named from here is spared. In the modules below functions and classes are therefore exported that
 * nobody else needs, and methods of theirs are `private`, not `#private`.
 */

import { noFTL } from 'bun:jsc'
import * as extensionsApi from './api/extension.ts'
import * as poll from './api/poll.ts'
import * as runtimeApi from './api/runtime.ts'
import * as runtimeServer from './api/server.ts'
import * as streamUpload from './api/stream-upload.ts'
import * as trailers from './api/trailers.ts'
import * as wire from './api/wire.ts'
import * as answering from './core/answering.ts'
import * as effect from './core/effect.ts'
import * as ending from './core/ending.ts'
import * as enter from './core/enter.ts'
import * as extensions from './core/extensions.ts'
import * as failure from './core/failure.ts'
import * as inflight from './core/inflight.ts'
import * as lifecycle from './core/lifecycle.ts'
import * as placement from './core/placement.ts'
import * as serving from './core/serving.ts'
import * as state from './core/state.ts'
import * as conditions from './engine/conditions.ts'
import * as deadline from './engine/deadline.ts'
import * as diagnostics from './engine/diagnostics.ts'
import * as environment from './engine/environment.ts'
import * as few from './engine/few.ts'
import { LastFailure } from './engine/last-failure.ts'
import * as memoryUse from './engine/memory-use.ts'
import * as performer from './engine/performer.ts'
import * as platformEvents from './engine/platform-events.ts'
import * as pool from './engine/pool.ts'
import * as queue from './engine/queue.ts'
import * as supervisor from './engine/supervisor.ts'
import * as timers from './engine/timers.ts'
import * as upload from './engine/upload.ts'
import * as caller from './gateway/caller.ts'
import * as callerStream from './gateway/caller-stream.ts'
import * as invoke from './gateway/invoke.ts'
import * as invokeRequest from './gateway/invoke-request.ts'
import * as request from './gateway/request.ts'
import * as gatewayServer from './gateway/server.ts'
import * as trace from './gateway/trace.ts'
import * as collect from './http/collect.ts'
import * as fields from './http/fields.ts'
import * as native from './http/native.ts'
import * as nativeAnswers from './http/native-answers.ts'
import * as nativeExchange from './http/native-exchange.ts'
import type { Handle } from './http/native-handle.ts'
import * as nativeStream from './http/native-stream.ts'
import * as path from './http/path.ts'
import * as relay from './http/relay.ts'
import { openOutputPipe } from './process/pipe.ts'
import type { Platform } from './process/platform.ts'
import * as metrics from './telemetry/metrics.ts'
import * as sink from './telemetry/sink.ts'
import { Subscriptions, type SubscriptionsParts } from './telemetry/subscriptions.ts'
import { createTail } from './telemetry/tail.ts'
import * as textLog from './telemetry/text-log.ts'

/** A function of any kind, or a class. */
export type Code = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown)

/** What an invocation passes through. Functions of fewer lines become part of these all the same. */
const modules: readonly object[] = [
  extensionsApi,
  poll,
  runtimeApi,
  runtimeServer,
  streamUpload,
  trailers,
  wire,
  answering,
  effect,
  ending,
  enter,
  extensions,
  failure,
  inflight,
  lifecycle,
  placement,
  serving,
  state,
  conditions,
  deadline,
  diagnostics,
  environment,
  few,
  memoryUse,
  performer,
  platformEvents,
  pool,
  queue,
  supervisor,
  timers,
  upload,
  caller,
  callerStream,
  invoke,
  invokeRequest,
  request,
  gatewayServer,
  trace,
  collect,
  fields,
  native,
  nativeAnswers,
  nativeExchange,
  nativeStream,
  path,
  relay,
  metrics,
  sink,
  textLog,
]

const nothing = (): void => {}

/** Opens nothing. */
const noPipe = { openPipe: () => ({ read: -1, write: -1 }) } as Platform

/** What a request has Bun call. */
function toldByBun(): readonly Code[] {
  const handle = {} as Handle
  const none = {} as never
  const exchange = new nativeExchange.NativeExchange('', '', true, 0, false, handle, none, none, none, false)
  exchange.read({ chunk: nothing, end: nothing })
  exchange.onGone = nothing
  return [handle.ondata, handle.onabort] as Code[]
}

/** One of each function that modules make anew for each listener or environment: it stands for all of the same lines. */
function closures(): readonly Code[] {
  const handlers = { handle: nothing, failed: nothing, limited: nothing }
  const log = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing }
  return [
    ...toldByBun(),
    native.nativeCallback({ handlers, closing: false }, nothing),
    textLog.textLog({ functionVersion: '', memorySize: '', managed: false, write: nothing }),
    new metrics.Metrics().listener,
    new LastFailure().listener(0, () => 0),
    diagnostics.diagnostics(log),
    new Subscriptions({ json: false } as SubscriptionsParts).listener,
    createTail({ write: nothing }).write,
    openOutputPipe(noPipe, nothing).drain,
  ]
}

/**
 * To be called once, when the first invocation is over: it takes a millisecond, and what has been compiled for the second
 * time by then counts its calls for ever, and is compiled for the last time before that is dropped. `others` is what
 * invocations pass through in parts that are not always loaded.
 */
export function spareCompiler(others: readonly Code[]): void {
  for (const value of modules.flatMap((module) => Object.values(module))) {
    if (typeof value === 'function') spare(value)
    else if (typeof value === 'object' && value !== null) spareMembers(value)
  }
  for (const code of [...closures(), ...others]) spare(code)
}

/** A function, or a class with its methods. */
function spare(code: Code): void {
  noFTL(code as () => unknown)
  // arrow functions have none
  spareMembers(code.prototype ?? {})
}

function spareMembers(of: object): void {
  const members: Record<string, PropertyDescriptor> = Object.getOwnPropertyDescriptors(of)
  for (const { value, get, set } of Object.values(members)) {
    for (const member of [value, get, set]) if (typeof member === 'function') noFTL(member)
  }
}
