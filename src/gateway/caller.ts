/** What the runtime is told of the caller: its client context, and its Cognito identity. */

import type { Sent } from '../http/exchange.ts'
import { contentProblem } from './content.ts'
import { type InvokeAnswer, invalidContent, type SpokenDialect } from './dialect.ts'

/** Longest client context of the service, in base64 characters; the reference has no limit. */
const maxClientContext = 3583
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The client context as ASCII JSON, null when there is none, or the answer to a bad one. Other characters than ASCII
 * are escaped, because raw bytes in a header end Rust's client and cut Java's.
 */
export function clientContext(request: Sent, dialect: SpokenDialect): string | null | InvokeAnswer {
  const sent = request.header('x-amz-client-context')
  return sent ? contextOf(sent, dialect) : null
}

function contextOf(sent: string, dialect: SpokenDialect): string | InvokeAnswer {
  if (dialect === 'lambda' && sent.length > maxClientContext) {
    return invalidContent(
      `X-Amz-Client-Context is ${sent.length} characters long; at most ${maxClientContext} are allowed`,
    )
  }
  const bad = (why: string): InvokeAnswer =>
    invalidContent(`X-Amz-Client-Context must be base64 of a JSON object: ${why}`)
  if (!base64.test(sent)) return bad(`'${sent.slice(0, 64)}' is not base64`)
  const bytes = Buffer.from(sent, 'base64')
  const problem = contentProblem(bytes)
  if (problem !== null) return bad(problem)
  const text = new TextDecoder().decode(bytes).trim()
  return text.startsWith('{') ? asciiHeader(text) : bad('it is no object')
}

/** JSON text that can stand in a header: no line breaks between tokens, nothing beyond ASCII. */
function asciiHeader(text: string): string {
  return text
    .replace(/[\r\n\t]/g, ' ')
    .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const identityHeader = 'X-Amz-Cognito-Identity'

/**
 * The identity of Cognito as the runtime is told it, null when there is none, or the answer to a bad one (behaviour.md
 * 2.9). Names count in any letters, null is nothing, other fields are left out.
 */
export function cognitoIdentity(request: Sent): string | null | InvokeAnswer {
  const sent = request.header('x-amz-cognito-identity')
  return sent ? identityOf(sent) : null
}

function identityOf(sent: string): string | null | InvokeAnswer {
  const bytes = Buffer.from(sent, 'latin1')
  const problem = contentProblem(bytes)
  const parsed: unknown = problem === null ? JSON.parse(new TextDecoder().decode(bytes)) : null
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return invalidContent(`${identityHeader} must be a JSON object: ${problem ?? 'it is none'}`)
  }
  const told = { cognitoIdentityId: '', cognitoIdentityPoolId: '' }
  for (const [name, value] of Object.entries(parsed)) {
    const field = identityFields.find((known) => known.toLowerCase() === name.toLowerCase())
    if (field === undefined || value === null) continue
    if (typeof value !== 'string') return invalidContent(`${identityHeader} must have a string for ${field}`)
    told[field] = value
  }
  return told.cognitoIdentityId === '' && told.cognitoIdentityPoolId === ''
    ? null
    : asciiHeader(JSON.stringify(told))
}

const identityFields = ['cognitoIdentityId', 'cognitoIdentityPoolId'] as const
