/** The headers of an answer: those of the service, which the reference leaves out. */

import type { Exchange, Fields } from '../http/exchange.ts'
import type { InvokeAnswer } from './dialect.ts'

/** What an answer tells besides the outcome; each is null where the service, or the reference, sends none. */
export interface ResponseMetadata {
  readonly version: string | null
  readonly log: Uint8Array | null
  readonly trace: string | null
}

export const noMetadata: ResponseMetadata = { version: null, log: null, trace: null }

export function respond(
  exchange: Exchange,
  answer: InvokeAnswer,
  id: string,
  metadata: ResponseMetadata = noMetadata,
): void {
  const { status, body } = answer
  const headers = headersOf(answer, id, metadata)
  exchange.respond(status, headers, typeof body === 'object' ? (body?.chunks ?? []) : body)
}

/** All headers of an answer, as they are sent. */
export function headersOf(
  answer: InvokeAnswer,
  id: string,
  { version, log, trace }: ResponseMetadata,
): string[] {
  const headers = ['x-amzn-RequestId', id]
  if (answer.contentType !== '') headers.push('Content-Type', answer.contentType)
  if (version !== null) headers.push('X-Amz-Executed-Version', version)
  if (answer.functionError) headers.push('X-Amz-Function-Error', 'Unhandled')
  if (log !== null) headers.push('X-Amz-Log-Result', Buffer.from(log).toString('base64'))
  if (trace !== null) headers.push('X-Amzn-Trace-Id', trace)
  if (answer.headers !== undefined) for (const field of Object.entries(answer.headers)) headers.push(...field)
  return headers
}

/** An answer of the emulator itself, to a request that is no invocation. */
export interface Problem {
  readonly status: number
  readonly headers: Fields
  readonly body: string
}

/** SDKs take the name of their exception from such an answer. */
export function problem(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Problem {
  const ours = status >= 500
  const all = [
    'Content-Type',
    'application/json',
    'x-amzn-RequestId',
    crypto.randomUUID(),
    'x-amzn-ErrorType',
    ours ? 'ServiceException' : 'UnknownOperationException',
    ...Object.entries(headers).flat(),
  ]
  return { status, headers: all, body: JSON.stringify({ Type: ours ? 'Service' : 'User', Message: message }) }
}
