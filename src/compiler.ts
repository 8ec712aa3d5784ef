/**
 * What the just-in-time compiler is to leave as it is. JavaScriptCore compiles hot functions three times, the last time
 * with everything that they call copied into them. For code that runs once per invocation, half of whose time is the
 * kernel's, that last time costs half a second of CPU within the first 15 000 invocations and gives it back after some
 * 150 000. Where everything shares one CPU, invocations wait for it, a few milliseconds each time: DECISIONS has figures.
 */

import { noFTL } from 'bun:jsc'
import * as extensionsApi from './api/extension.ts'
import { poll } from './api/poll.ts'
import * as runtimeApi from './api/runtime.ts'
import { invokeEvent, send, sendInvocation } from './api/wire.ts'
import { answer, finishIfOver } from './core/ending.ts'
import { admit } from './core/enter.ts'
import { find, findAt } from './core/inflight.ts'
import { step } from './core/lifecycle.ts'
import { couldPlace, place } from './core/placement.ts'
import * as serving from './core/serving.ts'
import { Conditions } from './engine/conditions.ts'
import { Deadline } from './engine/deadline.ts'
import { Environment } from './engine/environment.ts'
import { MemoryUse } from './engine/memory-use.ts'
import { Performer } from './engine/performer.ts'
import { PlatformEvents } from './engine/platform-events.ts'
import { Pool } from './engine/pool.ts'
import { Supervisor } from './engine/supervisor.ts'
import { Timers } from './engine/timers.ts'
import { Upload } from './engine/upload.ts'
import { clientContext, cognitoIdentity } from './gateway/caller.ts'
import { invoke, readEvent } from './gateway/invoke.ts'
import { InvokeRequest } from './gateway/invoke-request.ts'
import * as request from './gateway/request.ts'
import { traceId } from './gateway/trace.ts'
import { Collector, collect } from './http/collect.ts'
import { NativeExchange, nativeCallback } from './http/native.ts'
import { Metrics } from './telemetry/metrics.ts'
import { reportLine, textLog } from './telemetry/text-log.ts'

/** A function of any kind. */
export type Code = (...args: never[]) => unknown

/** What an invocation passes through. Functions of fewer lines become part of these all the same. */
const functions: readonly Code[] = [
  poll,
  runtimeApi.next,
  runtimeApi.response,
  send,
  sendInvocation,
  extensionsApi.next,
  extensionsApi.identifier,
  invokeEvent,
  answer,
  finishIfOver,
  admit,
  find,
  findAt,
  step,
  couldPlace,
  place,
  serving.invoke,
  serving.runtimeNext,
  serving.response,
  serving.received,
  serving.extensionNext,
  invoke,
  readEvent,
  request.parseInvoke,
  request.dialectOf,
  request.ownRequestId,
  request.tenantId,
  request.invocationType,
  request.wantsTail,
  clientContext,
  cognitoIdentity,
  traceId,
  collect,
  reportLine,
]
const classes = [
  Collector,
  Conditions,
  Deadline,
  Environment,
  InvokeRequest,
  MemoryUse,
  Metrics,
  NativeExchange,
  Performer,
  PlatformEvents,
  Pool,
  Supervisor,
  Timers,
  Upload,
]

const unused = { handle: () => {}, failed: () => {}, limited: () => {} }

/**
 * To be called once, when the first invocation is over at best: it takes a millisecond. `others` is what invocations pass
 * through in parts that are not always loaded.
 */
export function spareCompiler(others: readonly Code[]): void {
  for (const code of [...functions, ...others]) noFTL(code)
  // one for all that come of the same lines
  noFTL(nativeCallback({ handlers: unused, closing: false }, () => {}))
  noFTL(textLog({ functionVersion: '', memorySize: '', managed: false, write: () => {} }))
  for (const { prototype } of classes) {
    const members = Object.getOwnPropertyDescriptors(prototype) as Record<string, PropertyDescriptor>
    for (const { value, get, set } of Object.values(members)) {
      for (const code of [value, get, set]) if (typeof code === 'function') noFTL(code)
    }
  }
}
