/**
 * `/2020-01-01/extension/*`: what extensions call. The checks and their order are behaviour.md 4.3 to 4.6.
 */

import { withId } from '../core/extensions.ts'
import type { ApiCallId, ExtensionId } from '../core/ids.ts'
import type { Reply } from '../core/lifecycle.ts'
import { maxResponseBytes } from '../core/limits.ts'
import type { Environment } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import { type Collected, collect, joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { jsonProblem } from '../http/json.ts'
import { type ListenerPolls, type Poll, type Poller, poll } from './poll.ts'
import {
  type ApiAnswer,
  accepted,
  internalError,
  invokeEvent,
  refusal,
  refuse,
  registered,
  send,
  shutdownEvent,
} from './wire.ts'

/** What an extension is told of the function when it registers. */
export interface FunctionFacts {
  readonly functionName: string
  readonly functionVersion: string
  readonly handler: string
  readonly accountId: string
}

/** `POST …/register`. A registration is read like a response, so that no size of it fills the memory. */
export function register(
  environment: Environment,
  facts: FunctionFacts,
  exchange: Exchange,
  done: (answer: ApiAnswer) => void,
): void {
  const name = nameOf(exchange)
  if (!name) {
    done(refuse('Extension.InvalidExtensionName', 'Empty extension name'))
    return
  }
  const { accountId, ...always } = facts
  const document = accepts(exchange, 'accountId') ? { accountId, ...always } : always
  // now: what is read until another generation runs belongs to this one
  const call = environment.newCall()
  collect(exchange, maxResponseBytes, (collected) => {
    const body = parseRegistration(collected)
    if ('problem' in body) {
      done(refuse('InvalidRequestFormat', body.problem))
      return
    }
    const reply = (reply: Reply): void =>
      done(reply.kind === 'registered' ? registered(reply.id, document) : answer(environment, reply))
    const registration = { name, id: crypto.randomUUID() as string as ExtensionId, events: body.events }
    environment.request({ type: 'extension/register', call, registration }, { reply })
  })
}

/** Features come in one header, with commas between, or in several. */
function accepts({ headers }: Exchange, feature: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== 'lambda-extension-accept-feature') continue
    if (headers[index + 1]?.split(',').some((one) => one.trim() === feature)) return true
  }
  return false
}

/** The bytes of a header are a name as the file system has it, which is UTF-8, not the Latin-1 of HTTP. */
function nameOf(exchange: Exchange): string | null {
  const sent = exchange.header('lambda-extension-name')
  return sent === null || /^[\0-\x7f]*$/.test(sent) ? sent : Buffer.from(sent, 'latin1').toString()
}

type Registered = { readonly events: readonly string[] } | { readonly problem: string }

function parseRegistration(collected: Collected): Registered {
  if (collected.kind === 'oversize') return { problem: `registration larger than ${maxResponseBytes} bytes` }
  if (collected.kind === 'truncated') return { problem: 'unexpected end of JSON input' }
  const bytes = joined(collected.chunks)
  const text = new TextDecoder().decode(bytes)
  if (text.trim() === '') return { problem: 'unexpected end of JSON input' }
  const problem = jsonProblem(bytes)
  return problem === null ? readRegistration(JSON.parse(text)) : { problem: `no JSON: ${problem}` }
}

/** Keys match in any case, unknown ones are ignored, and `null` and `{}` ask for no events, as in Go's decoder. */
function readRegistration(parsed: unknown): Registered {
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
export function next(environment: Environment, polls: ListenerPolls, exchange: Exchange): void {
  const id = identifier(exchange)
  if (typeof id !== 'string') {
    send(exchange, id)
    return
  }
  poll(environment, polls, exchange, new ExtensionPoller(id))
}

/** One extension as it asks for events. */
export class ExtensionPoller implements Poller {
  readonly #id: ExtensionId

  constructor(id: ExtensionId) {
    this.#id = id
  }

  parked({ state }: Environment): ApiCallId | null {
    return 'extensions' in state ? (withId(state.extensions, this.#id)?.poll ?? null) : null
  }

  ask(environment: Environment, poll: Poll): void {
    environment.request({ type: 'extension/next', call: poll.call, id: this.#id }, poll)
  }

  answer(
    environment: Environment,
    exchange: Exchange,
    reply: Reply,
    invocation: Invocation | undefined,
  ): void {
    send(exchange, answer(environment, reply, invocation))
  }
}

/** `POST …/init/error` and `…/exit/error`; the body is ignored. */
export function report(
  environment: Environment,
  exchange: Exchange,
  type: 'extension/init-error' | 'extension/exit-error',
  done: (answer: ApiAnswer) => void,
): void {
  const id = identifier(exchange)
  if (typeof id !== 'string') {
    done(id)
    return
  }
  const sent = exchange.header('lambda-extension-function-error-type')
  if (!sent) {
    done(refuse('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found'))
    return
  }
  const errorType = /^Extension\.[A-Z][a-zA-Z]+$/.test(sent) ? sent : null
  const reply = (reply: Reply): void => done(answer(environment, reply))
  environment.request({ type, call: environment.newCall(), id, errorType }, { reply })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The other three ways to write a UUID that the reference takes, in the plain one. */
const plain = (sent: string): string =>
  sent
    .replace(/^urn:uuid:(?=.{36}$)/i, '')
    .replace(/^\{(.{36})\}$/, '$1')
    .replace(/^(\w{8})(\w{4})(\w{4})(\w{4})(\w{12})$/, '$1-$2-$3-$4-$5')

/** The identifier in its canonical form, whichever of the usual ones was sent; else the refusal. */
export function identifier(exchange: Exchange): ExtensionId | ApiAnswer {
  const sent = exchange.header('lambda-extension-identifier')
  if (!sent) {
    return refuse('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header')
  }
  if (uuid.test(sent)) return sent.toLowerCase() as ExtensionId
  const id = plain(sent)
  if (!uuid.test(id)) {
    return refuse('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier')
  }
  return id.toLowerCase() as ExtensionId
}

export function answer(environment: Environment, reply: Reply, invocation?: Invocation): ApiAnswer {
  switch (reply.kind) {
    case 'accepted':
      return accepted
    case 'invoke-event':
      return invocation === undefined ? internalError : invokeEvent(invocation)
    case 'shutdown-event':
      return shutdownEvent(reply.reason, environment.shutdownDeadline)
    case 'refused':
      return refusal(reply)
    default:
      return internalError
  }
}
