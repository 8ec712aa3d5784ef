/**
 * The API of durable executions, version 2025-12-01 of Lambda's
 * (https://docs.aws.amazon.com/lambda/latest/api/API_CheckpointDurableExecution.html and its neighbours), on the port of
 * callers. Signatures are not looked at.
 */

import { collect, joined } from '../../http/collect.ts'
import type { Exchange } from '../../http/exchange.ts'
import { pathOf, queryOf } from '../../http/path.ts'
import type { RunReply } from '../core/effect.ts'
import type { RunEvent } from '../core/event.ts'
import { callbackClosed, invalidToken } from '../core/refusal.ts'
import type { RunFunctions } from '../function.ts'
import { resolveTarget } from '../resolve.ts'
import type { RunRecord } from '../run.ts'
import type { Runs } from '../runs.ts'
import { parseCallbackId, parseToken, runOperationJson, tokenText } from '../wire.ts'
import {
  apiError,
  constraint,
  type DurableAnswer,
  invalidParameter,
  noExecution,
  ok,
  refusal,
} from './answer.ts'
import { arnPattern, type DurableCall, parseCall } from './path.ts'
import { getExecution, getHistory, getState, listExecutions } from './reading.ts'
import { parseError, parseUpdates } from './updates.ts'

/** Largest body of a checkpoint, in bytes: a result of 6 MiB, whose JSON may be twice as long. */
const maxCheckpointBytes = 16 * 1024 * 1024
const maxCallbackBytes = 1_048_576
/** How long a repeated request to pause or resume is the same one, in milliseconds. */
const clientTokenMs = 15 * 60 * 1000

type Json = Readonly<Record<string, unknown>>

export interface DurableApiParts {
  readonly runs: Runs
  readonly functions: RunFunctions
  readonly epoch: () => number
}

/** Answers a request whose path begins with `apiPrefix`. */
export function serveDurableApi(parts: DurableApiParts, exchange: Exchange): void {
  const call = parseCall(pathOf(exchange.target))
  const query = new URLSearchParams(queryOf(exchange.target))
  const limit = call?.of === 'callback' ? maxCallbackBytes : maxCheckpointBytes
  collect(exchange, limit, (body) => {
    if (body.kind === 'truncated') return
    if (body.kind === 'oversize') {
      respond(
        exchange,
        apiError('RequestEntityTooLargeException', `Request must be smaller than ${limit} bytes`),
      )
      return
    }
    const answer = call === null ? null : answerCall(parts, exchange, call, query, joined(body.chunks))
    respond(exchange, answer ?? notServed(exchange))
  })
}

const notServed = ({ method, target }: Exchange): DurableAnswer => ({
  ...apiError('UnknownOperationException', `${method} ${pathOf(target)} is no call of the API`),
  status: 404,
})

function respond(exchange: Exchange, { status, error, body }: DurableAnswer): void {
  const headers = ['Content-Type', 'application/json', 'x-amzn-RequestId', crypto.randomUUID()]
  if (error !== null) headers.push('x-amzn-errortype', error)
  exchange.respond(status, headers, body)
}

/** null: there is no such call. */
function answerCall(
  parts: DurableApiParts,
  { method }: Exchange,
  call: DurableCall,
  query: URLSearchParams,
  body: Buffer,
): DurableAnswer | null {
  const { runs, functions } = parts
  if (call.of === 'callback') return method === 'POST' ? callback(parts, call, body) : null
  if (call.of === 'function') {
    if (method !== 'GET') return null
    const name = /([^:]+)(?::\$?[A-Za-z0-9_.-]+)?$/.exec(call.name.replace(/^.*:function:/, ''))?.[1] ?? ''
    const found = functions.find(name)
    if (found === null)
      return apiError('ResourceNotFoundException', `Function not found: ${functions.arnOf(name)}`)
    return listExecutions(runs.all, found.arn, query, found.version)
  }
  if (!arnPattern.test(call.arn)) {
    return constraint(
      call.arn,
      'durableExecutionArn',
      `satisfy regular expression pattern: ${arnPattern.source}`,
    )
  }
  const run = runs.byArn(call.arn)
  switch (`${method} ${call.verb}`) {
    case 'POST checkpoint':
      return checkpoint(parts, run, body)
    case 'GET state':
      return tokenProblem(run, query.get('CheckpointToken')) ?? getState(run as RunRecord, query)
    case 'GET ':
      return run === null ? noExecution : getExecution(run, query)
    case 'GET history':
      return run === null ? noExecution : getHistory(run, query)
    case 'POST stop':
      return run === null ? noExecution : stop(parts, run, body)
    case 'POST pause':
    case 'POST resume':
      return run === null ? noExecution : pauseOrResume(parts, run, call.verb as 'pause' | 'resume', body)
    case 'DELETE ':
      return run === null ? noExecution : remove(parts, run)
    default:
      return null
  }
}

/** An object, nothing if the body is empty, or the answer to what is neither. */
function jsonBody(body: Buffer): Json | DurableAnswer {
  if (body.length === 0) return {}
  try {
    const value: unknown = JSON.parse(body.toString())
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  } catch {
    // told below
  }
  return apiError('SerializationException', 'The body of the request must be a JSON object')
}

const isAnswer = (value: Json | DurableAnswer): value is DurableAnswer =>
  'status' in value && 'error' in value

/** Dispatches a call; the rules answer at once. */
function ask(runs: Runs, run: RunRecord, event: RunEvent): RunReply {
  let answer: RunReply | null = null
  runs.dispatch(run, event, (reply) => {
    answer = reply
  })
  return answer as unknown as RunReply
}

/** What is wrong with a token, before the rules look at it. */
function tokenProblem(run: RunRecord | null, text: string | null): DurableAnswer | null {
  if (text === null) return constraint(null, 'checkpointToken', 'not be null')
  const parsed = parseToken(text)
  if (run === null || parsed === null) return refusal(invalidToken)
  if (parsed.executionId !== run.facts.executionId) {
    return invalidParameter('Checkpoint token is not valid for the durable execution ARN')
  }
  const current = run.state.phase === 'invoking' ? run.state.token : null
  return current === parsed.token ? null : refusal(invalidToken)
}

function checkpoint(
  { runs, functions, epoch }: DurableApiParts,
  run: RunRecord | null,
  body: Buffer,
): DurableAnswer {
  const request = jsonBody(body)
  if (isAnswer(request)) return request
  const { CheckpointToken: sent, ClientToken: clientToken, Updates } = request
  if (typeof sent !== 'string') return constraint(null, 'checkpointToken', 'not be null')
  const parsed = parseToken(sent)
  if (run === null || parsed === null) return refusal(invalidToken)
  const { executionId } = run.facts
  if (parsed.executionId !== executionId) {
    return invalidParameter('Checkpoint token is not valid for the durable execution ARN')
  }
  const updates = parseUpdates(Updates, (name) => resolveTarget(functions, name))
  if ('status' in updates) return updates
  const reply = ask(runs, run, {
    type: 'checkpoint',
    at: epoch(),
    token: parsed.token,
    clientToken: typeof clientToken === 'string' ? clientToken : null,
    updates,
  })
  if (reply.kind === 'refused') return refusal(reply)
  if (reply.kind === 'done') return ok({})
  return ok({
    ...(reply.token === null ? {} : { CheckpointToken: tokenText(executionId, reply.token) }),
    NewExecutionState: {
      Operations: reply.operations.map((operation) => runOperationJson(executionId, operation, 'seconds')),
    },
  })
}

function stop({ runs, epoch }: DurableApiParts, run: RunRecord, body: Buffer): DurableAnswer {
  const request = jsonBody(body)
  if (isAnswer(request)) return request
  const error = parseError(request)
  if ('status' in error) return error
  const reply = ask(runs, run, { type: 'stop', at: epoch(), error })
  return reply.kind === 'done' ? ok({ StopTimestamp: (reply.at ?? epoch()) / 1000 }) : refused(reply)
}

function remove({ runs, epoch }: DurableApiParts, run: RunRecord): DurableAnswer {
  const reply = ask(runs, run, { type: 'delete', at: epoch() })
  return reply.kind === 'done'
    ? ok({ DeletionRequestTimestamp: (reply.at ?? epoch()) / 1000 }, 202)
    : refused(reply)
}

const refused = (reply: RunReply): DurableAnswer =>
  reply.kind === 'refused' ? refusal(reply) : apiError('ServiceException', 'The rules gave no answer')

function pauseOrResume(
  { runs, epoch }: DurableApiParts,
  run: RunRecord,
  type: 'pause' | 'resume',
  body: Buffer,
): DurableAnswer {
  const request = jsonBody(body)
  if (isAnswer(request)) return request
  const { ClientToken: clientToken, Reason: sent = null, ExecutionTimeoutPaused = true } = request
  const reason = typeof sent === 'string' ? sent : null
  if (reason !== null && reason.length > 1024) {
    return constraint(reason, 'reason', 'have length less than or equal to 1024')
  }
  const at = epoch()
  const key = typeof clientToken === 'string' ? `${type} ${clientToken}` : null
  const before = key === null ? undefined : run.clientTokens.get(key)
  if (before !== undefined && at - before < clientTokenMs) return ok({}, 202)
  const reply = ask(
    runs,
    run,
    type === 'pause'
      ? { type, at, reason, timeoutPaused: ExecutionTimeoutPaused !== false }
      : { type, at, reason },
  )
  if (reply.kind !== 'done') return refused(reply)
  if (key !== null) run.clientTokens.set(key, at)
  return ok({}, 202)
}

function callback(
  { runs, epoch }: DurableApiParts,
  call: DurableCall & { of: 'callback' },
  body: Buffer,
): DurableAnswer {
  const parsed = parseCallbackId(call.id)
  if (parsed === null) return invalidParameter('Invalid callback id')
  const run = runs.byId(parsed.executionId)
  if (run === null) return refusal(callbackClosed)
  const { operationId: id } = parsed
  const at = epoch()
  let event: RunEvent
  if (call.verb === 'succeed') {
    event = { type: 'callback-succeeded', at, id, result: body.length === 0 ? null : body.toString() }
  } else if (call.verb === 'heartbeat') event = { type: 'callback-heartbeat', at, id }
  else {
    const request = jsonBody(body)
    if (isAnswer(request)) return request
    const error = parseError(request)
    if ('status' in error) return error
    event = { type: 'callback-failed', at, id, error }
  }
  const reply = ask(runs, run, event)
  return reply.kind === 'refused' ? refusal(reply) : ok({})
}
