/**
 * The trailers with which a runtime ends a response stream that failed (behaviour.md 3.8): the type of the error, and
 * base64 of its document.
 */

import type { Payload } from '../core/failure.ts'
import { encoded } from '../http/collect.ts'
import type { Fields } from '../http/exchange.ts'
import { firstField } from '../http/fields.ts'
import { jsonProblem } from '../http/json.ts'
import { errorType } from './wire.ts'

/** Both are null when this version of Bun cannot read trailers. */
export interface StreamError {
  /** normalised, as of `/error` */
  readonly errorType: string | null
  readonly sentType?: string
  /** what the caller gets */
  readonly document: Payload | null
}

/** The error in the trailers of a response; null when there is none. Clients announce them with every answer. */
export function streamError(trailers: Fields | null): StreamError | null {
  if (trailers === null) return { errorType: null, document: null }
  if (trailers.length === 0) return null
  const type = firstField(trailers, 'lambda-runtime-function-error-type') || null
  const body = firstField(trailers, 'lambda-runtime-function-error-body') || null
  if (type === null && body === null) return null
  const sent = type === null ? {} : { sentType: type }
  return { errorType: errorType(type), ...sent, document: documentOf(body) ?? replacement(type, body) }
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/

/** The bytes of the document; null when there is none that could be one. */
function documentOf(body: string | null): Payload | null {
  if (body === null || !base64.test(body)) return null
  const bytes = Buffer.from(body, 'base64')
  return jsonProblem(bytes) === null ? { size: bytes.byteLength, chunks: [bytes] } : null
}

/** A document of the type, which is handed on as it was sent, and of what is missing. */
function replacement(type: string | null, body: string | null): Payload {
  const errorMessage =
    body === null
      ? 'The response stream ended in an error without a document'
      : 'The response stream ended in an error whose document is not base64 of JSON'
  return encoded(JSON.stringify({ errorType: type ?? 'Function.ResponseStreamError', errorMessage }))
}
