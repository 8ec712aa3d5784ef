/**
 * Two renderings of one outcome: what the reference would have sent to a person with curl, and what
 * the service would have sent to an SDK. Both are pure; the table in the README is about these two functions.
 */

import { type Fault, initTimeoutType, type Outcome, type Payload, verdict } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { maxResponseBytes } from '../core/limits.ts'

export type SpokenDialect = 'rie' | 'lambda'

export interface InvokeAnswer {
  readonly status: number
  /** null: none */
  readonly body: Payload | string | null
  readonly contentType: string
  /** `X-Amz-Function-Error: Unhandled`, on every outcome but success */
  readonly functionError: boolean
  /** of the service's own errors: `x-amzn-ErrorType` and what else goes with them */
  readonly headers?: Readonly<Record<string, string>>
}

const json = 'application/json'
const plain = 'text/plain; charset=utf-8'

export interface AnswerContext {
  readonly dialect: SpokenDialect
  readonly id: RequestId
  /** whole seconds */
  readonly timeoutSeconds: number
  /** the reference names the type of a failure in a header where it runs several at a time */
  readonly managed?: boolean
}

export function render(outcome: Outcome, context: AnswerContext): InvokeAnswer {
  const answer = bodyOf(outcome, context)
  if (context.managed !== true || context.dialect !== 'rie') return answer
  const type = typeOf(outcome)
  return type === null ? answer : { ...answer, headers: { ...answer.headers, 'Error-Type': type } }
}

/** Under the names that the reference has for them; null of a success. */
function typeOf(outcome: Outcome): string | null {
  switch (outcome.kind) {
    case 'timeout':
      return initTimeoutType
    case 'throttled':
      return 'Runtime.Unavailable'
    case 'shutdown':
      return 'Client.ExecutionEnvironmentShutDown'
    case 'response':
      return null
    default:
      return verdict(outcome).errorType ?? 'Runtime.Unknown'
  }
}

function bodyOf(outcome: Outcome, context: AnswerContext): InvokeAnswer {
  const { dialect, id, timeoutSeconds } = context
  switch (outcome.kind) {
    case 'response':
      return {
        status: 200,
        body: outcome.payload,
        contentType: outcome.contentType ?? json,
        functionError: false,
      }
    case 'error':
      return functionError(200, outcome.payload)
    case 'oversize': {
      const size = dialect === 'rie' ? ` (${outcome.bytes} bytes)` : ''
      const message = `Response payload size${size} exceeded maximum allowed payload size (${outcome.limit ?? maxResponseBytes} bytes).`
      return functionError(200, document('Function.ResponseSizeTooLarge', message))
    }
    case 'broken-stream': {
      if (outcome.document !== null) return functionError(200, outcome.document)
      // only where trailers cannot be read
      if (outcome.payload !== null) {
        return { ...functionError(200, outcome.payload), contentType: outcome.contentType ?? json }
      }
      const message = `RequestId: ${id} Error: The response stream ended in an error before its first byte`
      return functionError(200, document('Function.ResponseStreamError', message))
    }
    case 'timeout': {
      const text = `Task timed out after ${timeoutSeconds}.00 seconds`
      return dialect === 'rie'
        ? { ...functionError(200, text), contentType: plain }
        : functionError(200, document('Sandbox.Timedout', `RequestId: ${id} Error: ${text}`))
    }
    case 'fault':
      return functionError(dialect === 'rie' ? 502 : 200, faultBody(outcome.fault, id))
    case 'throttled':
      return outcome.noSlot === true && dialect === 'rie' ? unavailable(id) : throttled
    case 'shutdown':
      return stopping
  }
}

function faultBody({ errorType, text, document: posted }: Fault, id: RequestId): Payload | string {
  // an empty document would make an empty answer, which says nothing
  if (posted !== undefined && posted.size > 0) return posted
  return document(errorType, `RequestId: ${id} Error: ${text}`)
}

function functionError(status: number, body: Payload | string): InvokeAnswer {
  return { status, body, contentType: json, functionError: true }
}

const document = (errorType: string, errorMessage: string): string =>
  JSON.stringify({ errorType, errorMessage })

/** An error of the service itself: type in a header, no function error. */
export function serviceError(
  status: number,
  type: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): InvokeAnswer {
  return {
    status,
    body: JSON.stringify(body),
    contentType: json,
    functionError: false,
    headers: { 'x-amzn-ErrorType': type, ...headers },
  }
}

/** The words that the reference has for it, and what can be done. */
const unavailable = (id: RequestId): InvokeAnswer => ({
  status: 400,
  body: document(
    'Runtime.Unavailable',
    `RequestId: ${id} Error: No worker of the runtime was free, and no more invocations may wait (--max-queue)`,
  ),
  contentType: json,
  functionError: false,
})

const throttled = serviceError(
  429,
  'TooManyRequestsException',
  {
    Type: 'User',
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    message: 'Rate Exceeded.',
  },
  { 'Retry-After': '1' },
)

const stopping = serviceError(503, 'ServiceUnavailableException', {
  Type: 'Service',
  Message: 'The emulator is shutting down; this invocation was not finished.',
})

/** An event is not taken, as its caller is told. */
export const notAccepted = (why: 'full' | 'stopping'): InvokeAnswer => (why === 'full' ? throttled : stopping)

/** One byte over the limit is too much; both dialects get the service's document. */
export const requestTooLarge = (limit: number, operation = 'InvokeFunction'): InvokeAnswer =>
  serviceError(413, 'RequestEntityTooLargeException', {
    Message: `Request must be smaller than ${limit} bytes for the ${operation} operation`,
  })

export const invalidContent = (message: string): InvokeAnswer =>
  serviceError(400, 'InvalidRequestContentException', { Type: 'User', message })
