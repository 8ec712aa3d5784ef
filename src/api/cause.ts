/**
 * Errors with a cause for X-Ray: what is handed on is the error without it, written anew (behaviour.md 3.6). Sent
 * documents are read as Go's decoder reads them: names in any case, null for nothing, a document of null for an empty
 * one; what it cannot read becomes a JSON string that says so.
 */

import type { Payload } from '../core/failure.ts'
import { encoded, joined } from '../http/collect.ts'
import { jsonProblem } from '../http/json.ts'
import { goJson } from './wire.ts'

/** Content type of such an error, which has to be exactly this. */
export const causeType = 'application/vnd.aws.lambda.error.cause+json'

/** The document for the caller. */
export function withoutCause({ chunks }: Payload): Payload {
  const bytes = joined(chunks)
  const sent: unknown = jsonProblem(bytes) === null ? JSON.parse(new TextDecoder().decode(bytes)) : undefined
  return encoded(goJson(decode(sent) ?? 'Invalid error body'))
}

function decode(sent: unknown): object | null {
  if (typeof sent !== 'object' || Array.isArray(sent)) return null
  const texts = { errorMessage: '', errorType: '' }
  let stackTrace: string[] = []
  for (const [name, value] of Object.entries(sent ?? {})) {
    if (value === null) continue
    const field = fields.find((known) => known.toLowerCase() === name.toLowerCase())
    if (field === 'stackTrace') {
      if (!Array.isArray(value) || !value.every(isLine)) return null
      stackTrace = value.map((line) => (line ?? '').toWellFormed())
    } else if (field !== undefined) {
      if (typeof value !== 'string') return null
      texts[field] = value.toWellFormed()
    }
  }
  return stackTrace.length > 0 ? { ...texts, stackTrace } : texts
}

const fields = ['errorMessage', 'errorType', 'stackTrace'] as const

const isLine = (line: unknown): line is string | null => line === null || typeof line === 'string'
