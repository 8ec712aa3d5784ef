/**
 * Invoke of a durable function: it starts a run, or joins the one of that name. Loaded with the first such request.
 */

import type { Payload } from '../core/failure.ts'
import type { DurableFunction, RunOutcome } from '../engine/durable.ts'
import { joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { type InvokeAnswer, serviceError } from './dialect.ts'
import type { InvokeRequest } from './invoke-request.ts'
import { type InvokeParameters, newRequestId } from './request.ts'
import { noMetadata, respond } from './respond.ts'
import { answeredTrace } from './trace.ts'

const invalid = (message: string): InvokeAnswer =>
  serviceError(400, 'InvalidParameterValueException', { Type: 'User', message })

const namePattern = /^[a-zA-Z0-9-_]{1,64}$/
const nameHeader = 'x-amz-durable-execution-name'
/** seconds: the longest that a caller may wait */
const maxSynchronousSeconds = 900

/** An event of a handler that comes ready-made: another program runs the durable execution (`sam local` does so). */
export function isHandlerEvent(exchange: Pick<Exchange, 'header'>, { chunks }: Payload): boolean {
  if (exchange.header('x-dex-handler-invoke') !== null) return true
  const text = joined(chunks).toString()
  if (!text.includes('"InitialExecutionState"')) return false
  try {
    const event: unknown = JSON.parse(text)
    return (
      typeof event === 'object' &&
      event !== null &&
      ['DurableExecutionArn', 'CheckpointToken', 'InitialExecutionState'].every((member) => member in event)
    )
  } catch {
    return false
  }
}

/** What is wrong with such a request, in the words of the service; null if nothing is. */
function problemOf(
  exchange: Pick<Exchange, 'header'>,
  { dialect, qualifier, type }: InvokeParameters,
  { executionTimeoutSeconds }: DurableFunction,
): InvokeAnswer | null {
  // no address of an emulator without an SDK has a qualifier, and there is one version
  if (qualifier === null && dialect === 'lambda') {
    return invalid('You cannot invoke a durable function using an unqualified ARN.')
  }
  const name = exchange.header(nameHeader)
  if (name !== null && !namePattern.test(name)) {
    const rule = 'satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}'
    return serviceError(400, 'ValidationException', {
      message: `1 validation error detected: Value '${name.slice(0, 80)}' at 'durableExecutionName' failed to satisfy constraint: Member must ${rule}`,
    })
  }
  if (type === 'RequestResponse' && (executionTimeoutSeconds ?? 0) > maxSynchronousSeconds) {
    return invalid(
      'You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.',
    )
  }
  return null
}

export interface RunStart {
  readonly of: DurableFunction
  readonly version: string
  readonly exchange: Exchange
  readonly parameters: InvokeParameters
  readonly request: InvokeRequest
  readonly payload: Payload
  readonly traceId: string
}

/** Starts the run and answers: at once, or when it has ended. */
export function startRun({ of, version, exchange, parameters, request, payload, traceId }: RunStart): void {
  const { type, tenant, dialect } = parameters
  const trace = dialect === 'lambda' ? answeredTrace(traceId, type !== 'Event') : null
  const problem = problemOf(exchange, parameters, of)
  if (problem !== null) {
    respond(exchange, problem, request.id)
    return
  }
  if (type === 'DryRun') {
    respond(exchange, { status: 204, body: null, contentType: '', functionError: false }, request.id)
    return
  }
  const synchronous = type === 'RequestResponse'
  const started = of.start({
    name: exchange.header(nameHeader),
    input: payload.size === 0 ? '{}' : joined(payload.chunks).toString(),
    synchronous,
    requestId: request.id,
    traceId,
    tenantId: tenant,
  })
  const headers = { 'X-Amz-Durable-Execution-Arn': started.arn }
  if (started.kind === 'taken') {
    const message = `Execution already started: ${started.arn}`
    const document = { Type: 'User', Message: message }
    respond(exchange, serviceError(409, 'DurableExecutionAlreadyStartedException', document), newRequestId())
    return
  }
  if (!synchronous) {
    const accepted: InvokeAnswer = { status: 202, body: null, contentType: '', functionError: false, headers }
    respond(exchange, accepted, request.id, { ...noMetadata, trace })
    return
  }
  started.wait((outcome) => {
    if (outcome === null) respond(exchange, stopping, request.id)
    else respond(exchange, { ...answerOf(outcome), headers }, request.id, { version, log: null, trace })
  })
}

const stopping = serviceError(503, 'ServiceUnavailableException', {
  Type: 'Service',
  Message: 'The emulator is shutting down; this durable execution has not ended.',
})

/** The result alone, or its error with the keys of a function error. */
function answerOf({ succeeded, result, error }: RunOutcome): InvokeAnswer {
  const contentType = 'application/json'
  if (succeeded) return { status: 200, body: result ?? 'null', contentType, functionError: false }
  const { ErrorMessage, ErrorType, StackTrace } = error ?? {}
  const body = JSON.stringify({ errorMessage: ErrorMessage, errorType: ErrorType, stackTrace: StackTrace })
  return { status: 200, body, contentType, functionError: true }
}
