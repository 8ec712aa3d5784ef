/**
 * `/2020-01-01/extension/*`: what extensions call. The checks and their order are rie-classic.md 5.3 to 5.5.
 */

import { maxResponseBytes } from '../core/failure.ts'
import type { ExtensionId } from '../core/ids.ts'
import type { Received, Reply } from '../core/lifecycle.ts'
import type { Environment } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import { jsonProblem } from '../http/json.ts'
import { poll } from './poll.ts'
import { receive } from './upload.ts'
import type { PollWatch } from './watch.ts'
import { accepted, errorResponse, invokeEvent, refusal, refuse, registered, shutdownEvent } from './wire.ts'

/** What an extension is told of the function when it registers. */
export interface FunctionFacts {
  readonly functionName: string
  readonly functionVersion: string
  readonly handler: string
  readonly accountId: string
}

/** `POST …/register`. */
export async function register(
  environment: Environment,
  facts: FunctionFacts,
  request: Request,
): Promise<Response> {
  const name = nameOf(request)
  if (!name) return refuse('Extension.InvalidExtensionName', 'Empty extension name')
  const body = await readRegistration(request)
  if ('problem' in body) return refuse('InvalidRequestFormat', body.problem)
  const features = (request.headers.get('lambda-extension-accept-feature') ?? '').split(',')
  const { accountId, ...always } = facts
  const document = features.some((feature) => feature.trim() === 'accountId')
    ? { accountId, ...always }
    : always
  return new Promise((resolve) => {
    const reply = (reply: Reply): void =>
      resolve(reply.kind === 'registered' ? registered(reply.id, document) : answer(environment, reply))
    const call = environment.park({ reply })
    const registration = { name, id: crypto.randomUUID() as string as ExtensionId, events: body.events }
    environment.dispatch({ type: 'extension/register', call, registration })
  })
}

/** The bytes of a header are a name as the file system has it, which is UTF-8, not the Latin-1 of HTTP. */
function nameOf(request: Request): string | null {
  const sent = request.headers.get('lambda-extension-name')
  return sent === null || /^[\0-\x7f]*$/.test(sent) ? sent : Buffer.from(sent, 'latin1').toString()
}

type Registered = { readonly events: readonly string[] } | { readonly problem: string }

/** A registration is read like a response, so that no size of it fills the memory. */
async function readRegistration(request: Request): Promise<Registered> {
  const received = await new Promise<Received>((resolve) => receive(request, false, resolve))
  if (received.kind === 'oversize') return { problem: `registration larger than ${maxResponseBytes} bytes` }
  if (received.kind !== 'complete') return { problem: 'unexpected end of JSON input' }
  const bytes = new Uint8Array(await (received.payload as Blob).arrayBuffer())
  const text = new TextDecoder().decode(bytes)
  if (text.trim() === '') return { problem: 'unexpected end of JSON input' }
  const problem = jsonProblem(bytes)
  return problem === null ? parseRegistration(JSON.parse(text)) : { problem: `no JSON: ${problem}` }
}

/** Keys match in any case, unknown ones are ignored, and `null` and `{}` ask for no events, as in Go's decoder. */
function parseRegistration(parsed: unknown): Registered {
  if (parsed === null) return { events: [] }
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    return { problem: 'the body must be a JSON object such as {"events":["INVOKE","SHUTDOWN"]}' }
  }
  const events = listOf(parsed, 'events')
  if (events === null) return { problem: 'events must be an array of strings' }
  const keys = listOf(parsed, 'configurationkeys')
  if (keys === null) return { problem: 'configurationKeys must be an array of strings' }
  if (keys.length > 0) {
    return { problem: 'configurationKeys are deprecated; use environment variables instead' }
  }
  return { events }
}

/** Strings under a key; none without it or with `null`, and `null` among them is an empty one. Null if that is wrong. */
function listOf(document: object, key: string): readonly string[] | null {
  const value = Object.entries(document).findLast(([name]) => name.toLowerCase() === key)?.[1] ?? []
  if (!Array.isArray(value)) return null
  const list = value.map((one: unknown) => one ?? '')
  return list.every((one) => typeof one === 'string') ? list : null
}

/** `GET …/event/next`: parked until there is an event, without limit. */
export function next(
  environment: Environment,
  watch: PollWatch,
  request: Request,
): Response | Promise<Response> {
  const id = identifier(request)
  if (id instanceof Response) return id
  return poll(environment, watch, request, {
    occupied: ({ state }) =>
      'extensions' in state && state.extensions.some((one) => one.id === id && one.poll !== null),
    ask: (_, poll) => {
      environment.park(poll, poll.call)
      environment.dispatch({ type: 'extension/next', call: poll.call, id })
    },
    answer,
  })
}

/** `POST …/init/error` and `…/exit/error`; the body is ignored. */
export async function report(
  environment: Environment,
  request: Request,
  type: 'extension/init-error' | 'extension/exit-error',
): Promise<Response> {
  const id = identifier(request)
  if (id instanceof Response) return id
  if (!request.headers.get('lambda-extension-function-error-type')) {
    return refuse('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found')
  }
  return new Promise((resolve) => {
    const call = environment.park({ reply: (reply) => resolve(answer(environment, reply)) })
    environment.dispatch({ type, call, id })
  })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The other three ways to write a UUID that the reference takes, in the plain one. */
const plain = (sent: string): string =>
  sent
    .replace(/^urn:uuid:(?=.{36}$)/i, '')
    .replace(/^\{(.{36})\}$/, '$1')
    .replace(/^(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$/, '$1-$2-$3-$4-$5')

/** The identifier in its canonical form, whichever of the usual ones was sent; else the refusal. */
function identifier(request: Request): ExtensionId | Response {
  const sent = request.headers.get('lambda-extension-identifier')
  if (!sent) {
    return refuse('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header')
  }
  const id = uuid.test(sent) ? sent : plain(sent)
  if (!uuid.test(id)) {
    return refuse('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier')
  }
  return id.toLowerCase() as ExtensionId
}

function answer(environment: Environment, reply: Reply, invocation?: Invocation): Response {
  switch (reply.kind) {
    case 'accepted':
      return accepted()
    case 'invoke-event':
      if (invocation) return invokeEvent(invocation)
      break
    case 'shutdown-event':
      return shutdownEvent(reply.reason, environment.shutdownDeadline)
    case 'refused':
      return refusal(reply)
  }
  return errorResponse(500, 'InternalServerError', 'Internal Server Error')
}
