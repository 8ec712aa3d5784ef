/**
 * The Runtime and Extensions API on the wire: paths, header names, error bodies. Key order and the trailing newline
 * are the reference's (rie-classic.md 4.1); header names are spelled as AWS does, because shell runtimes grep for them.
 */

import { type Refusal, type RefusalCode, refusals } from '../core/failure.ts'
import type { ExtensionId } from '../core/ids.ts'
import type { ShutdownReason } from '../core/lifecycle.ts'
import type { Invocation } from '../engine/invocation.ts'

export const runtimePrefix = '/2018-06-01/runtime/'
export const extensionPrefix = '/2020-01-01/extension/'

const json = { 'Content-Type': 'application/json' } as const

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

const acceptedBody = '{"status":"OK"}\n'
const acceptedInit = { status: 202, headers: new Headers(json) }

/** 202 to everything that was posted. */
export const accepted = (): Response => new Response(acceptedBody, acceptedInit)

export function refusal({ code, message }: Refusal): Response {
  return errorResponse(refusals[code], code, message)
}

export function errorResponse(status: number, errorType: string, errorMessage: string): Response {
  return new Response(`${goJson({ errorMessage, errorType })}\n`, { status, headers: json })
}

export const refuse = (code: RefusalCode, message: string): Response =>
  errorResponse(refusals[code], code, message)

/** Filled anew for each event: a Response copies its headers, and copying costs half of making them from an object. */
const eventHeaders = new Headers(json)
const eventInit = { headers: eventHeaders }
/** of the event before, which are nearly always those of the next one */
let lastArn = ''
let lastDeadline = 0

/** The event for the runtime: the caller's bytes under the headers of the service. */
export function invocationResponse(invocation: Invocation): Response {
  const { clientContext, tenant } = invocation
  if (invocation.arn !== lastArn) {
    lastArn = invocation.arn
    eventHeaders.set('Lambda-Runtime-Invoked-Function-Arn', lastArn)
  }
  eventHeaders.set('Lambda-Runtime-Aws-Request-Id', invocation.id)
  const deadline = Math.floor(invocation.deadline)
  if (deadline !== lastDeadline) {
    lastDeadline = deadline
    eventHeaders.set('Lambda-Runtime-Deadline-Ms', String(deadline))
  }
  eventHeaders.set('Lambda-Runtime-Trace-Id', invocation.traceId)
  const body = invocation.payload as Blob
  if (clientContext === null && tenant === null) return new Response(body, eventInit)
  const headers = new Headers(eventHeaders)
  if (clientContext !== null) headers.set('Lambda-Runtime-Client-Context', clientContext)
  if (tenant !== null) headers.set('Lambda-Runtime-Aws-Tenant-Id', tenant)
  return new Response(body, { headers })
}

/** INVOKE for an extension; no payload, and no newline at the end. */
export function invokeEvent(invocation: Invocation): Response {
  return event({
    eventType: 'INVOKE',
    deadlineMs: Math.floor(invocation.deadline),
    requestId: invocation.id,
    invokedFunctionArn: invocation.arn,
    tracing: { type: 'X-Amzn-Trace-Id', value: invocation.traceId },
  })
}

export function shutdownEvent(reason: ShutdownReason, deadline: number): Response {
  return event({ eventType: 'SHUTDOWN', deadlineMs: Math.floor(deadline), shutdownReason: reason })
}

function event(body: object): Response {
  const headers = { ...json, 'Lambda-Extension-Event-Identifier': crypto.randomUUID() }
  return new Response(goJson(body), { headers })
}

export function registered(id: ExtensionId, body: object): Response {
  return new Response(`${goJson(body)}\n`, { headers: { ...json, 'Lambda-Extension-Identifier': id } })
}

/** What the reference's router says where nothing is mounted. */
export function notFound(): Response {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }
  return new Response('404 page not found\n', { status: 404, headers })
}

export function methodNotAllowed(allow: string): Response {
  return new Response(null, { status: 405, headers: { Allow: allow } })
}

/**
 * The error type that a runtime sent, normalised as the reference does but anchored (rie-classic.md 4.5, Q43):
 * `Runtime.Xyz` and `Function.Xyz` stand, anything else becomes `Function.Unknown` or `Runtime.Unknown`.
 */
export function errorType(value: string | null): string {
  if (value !== null && /^(Runtime|Function)\.[A-Z][a-zA-Z]+$/.test(value)) return value
  return value?.startsWith('Function.') ? 'Function.Unknown' : 'Runtime.Unknown'
}
