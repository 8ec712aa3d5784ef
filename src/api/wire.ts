/**
 * The Runtime and Extensions API on the wire: paths, header names, error bodies (behaviour.md 3.1). Header names are
 * spelled as AWS spells them, because runtimes in shell look for them with grep (behaviour.md 3.7).
 */

import { type Refusal, type RefusalCode, refusals } from '../core/failure.ts'
import type { ExtensionId } from '../core/ids.ts'
import type { ShutdownReason } from '../core/state.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { Body, Exchange, Fields } from '../http/exchange.ts'

export const runtimePrefix = '/2018-06-01/runtime/'
export const restoreNextPath = `${runtimePrefix}restore/next`
export const extensionPrefix = '/2020-01-01/extension/'

/** What a call is answered. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: Fields
  readonly body: Body
  /** the headers are ours, and good: see `Exchange.respond` */
  readonly checked?: boolean
}

export function send(exchange: Exchange, answer: ApiAnswer): void {
  const { status, headers, body } = answer
  exchange.respond(status, headers, body, answer.checked)
}

const json: Fields = ['Content-Type', 'application/json']

/** JSON as Go encodes it: `<`, `>`, `&` and the two line separators are escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] as string)
}

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
}

/** 202 to everything that was posted. */
export const accepted: ApiAnswer = { status: 202, headers: json, body: '{"status":"OK"}\n', checked: true }

export function errorAnswer(status: number, errorType: string, errorMessage: string): ApiAnswer {
  return { status, headers: json, body: `${goJson({ errorMessage, errorType })}\n` }
}

export function refusal({ code, message }: Pick<Refusal, 'code' | 'message'>): ApiAnswer {
  return errorAnswer(refusals[code], code, message)
}

export const refuse = (code: RefusalCode, message: string): ApiAnswer => refusal({ code, message })

/** The reference's answer when an event cannot be rendered; the rules never let it come to that. */
export const internalError: ApiAnswer = errorAnswer(500, 'InternalServerError', 'Internal Server Error')

/** To an answer that echoes another delivery than the last one (behaviour.md 3.9). */
export const outdatedDelivery: ApiAnswer = errorAnswer(410, 'InvokeTimeout', 'Invoke timeout')

/** The event for the runtime: the caller's bytes under the headers of the service. */
export function sendInvocation(exchange: Exchange, invocation: Invocation): void {
  const { clientContext, cognitoIdentity, tenant } = invocation
  invocation.deliveryId ??= crypto.randomUUID()
  const headers = [
    'Content-Type',
    'application/json',
    'Lambda-Runtime-Aws-Request-Id',
    invocation.id,
    'Lambda-Runtime-Deadline-Ms',
    deadlineText(invocation.deadline),
    'Lambda-Runtime-Invoked-Function-Arn',
    invocation.arn,
    'Lambda-Runtime-Trace-Id',
    invocation.traceId,
    'Lambda-Runtime-Invocation-Id',
    invocation.deliveryId,
  ]
  if (clientContext !== null) headers.push('Lambda-Runtime-Client-Context', clientContext)
  if (cognitoIdentity !== null) headers.push('Lambda-Runtime-Cognito-Identity', cognitoIdentity)
  if (tenant !== null) headers.push('Lambda-Runtime-Aws-Tenant-Id', tenant)
  // all of these were checked when the invocation came: ids, times, configuration, and what a caller sent
  exchange.respond(200, headers, invocation.payload.chunks, true)
}

/** of the event before: several have the same millisecond, and numbers of this size take long to write */
let lastDeadline = 0
let lastDeadlineText = '0'

export function deadlineText(deadline: number): string {
  const whole = Math.floor(deadline)
  if (whole !== lastDeadline) {
    lastDeadline = whole
    lastDeadlineText = String(whole)
  }
  return lastDeadlineText
}

/** INVOKE for an extension; no payload, and no newline at the end. */
export function invokeEvent(invocation: Invocation): ApiAnswer {
  return event({
    eventType: 'INVOKE',
    deadlineMs: Math.floor(invocation.deadline),
    requestId: invocation.id,
    invokedFunctionArn: invocation.arn,
    tracing: { type: 'X-Amzn-Trace-Id', value: invocation.traceId },
  })
}

export function shutdownEvent(reason: ShutdownReason, deadline: number): ApiAnswer {
  return event({ eventType: 'SHUTDOWN', deadlineMs: Math.floor(deadline), shutdownReason: reason })
}

export function event(body: object): ApiAnswer {
  const headers = [...json, 'Lambda-Extension-Event-Identifier', crypto.randomUUID()]
  return { status: 200, headers, body: goJson(body), checked: true }
}

export function registered(id: ExtensionId, body: object): ApiAnswer {
  return { status: 200, headers: [...json, 'Lambda-Extension-Identifier', id], body: `${goJson(body)}\n` }
}

/** After `restore/next`: go on. */
export const restored: ApiAnswer = { status: 200, headers: [], body: '' }

/** What the reference's router says where nothing is mounted. */
export const notFound: ApiAnswer = {
  status: 404,
  headers: ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
  body: '404 page not found\n',
}

export function methodNotAllowed(allow: string): ApiAnswer {
  return { status: 405, headers: ['Allow', allow], body: '' }
}

/** The error type that a runtime sent, as it stands in the log (behaviour.md 3.5). */
export function errorType(value: string | null): string {
  if (value !== null && /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/.test(value)) return value
  return value?.startsWith('Function.') ? 'Function.Unknown' : 'Runtime.Unknown'
}
