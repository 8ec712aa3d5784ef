/**
 * What a caller asks for: the facts in path and headers of an invoke request, checked.
 */

import type { RequestId } from '../core/ids.ts'
import type { Exchange, Sent } from '../http/exchange.ts'
import { queryOf } from '../http/path.ts'
import { clientContext, cognitoIdentity } from './caller.ts'
import { type InvokeAnswer, type SpokenDialect, serviceError } from './dialect.ts'

export interface FunctionTarget {
  readonly name: string
  readonly qualifier: string | null
}

/** What a caller can ask a function for. */
export type InvokeOperation = 'Invoke' | 'InvokeWithResponseStream' | 'InvokeAsync'

const operations: readonly (readonly [InvokeOperation, prefix: string, suffix: string])[] = [
  ['Invoke', '/2015-03-31/functions/', '/invocations'],
  ['InvokeWithResponseStream', '/2021-11-15/functions/', '/response-streaming-invocations'],
  ['InvokeAsync', '/2014-11-13/functions/', '/invoke-async'],
  // in older models
  ['InvokeAsync', '/2014-11-13/functions/', '/invoke-async/'],
]

const noOperation = [null, ''] as const

/** The operation of a path, and the segment that names the function, still encoded; null for any other path. */
export function operationOf(path: string): readonly [InvokeOperation | null, segment: string] {
  for (const [operation, prefix, suffix] of operations) {
    if (!path.startsWith(prefix) || !path.endsWith(suffix)) continue
    const segment = path.slice(prefix.length, path.length - suffix.length)
    if (segment !== '' && !segment.includes('/')) return [operation, segment]
  }
  return noOperation
}

/**
 * The patterns of the API model; the name part is as loose as in the model, because the emulator serves every name.
 * Without an account, `function:prod` is a function of that name, which is the one of every example, with a qualifier.
 */
const functionPattern =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:[a-z]{2,4}(?:-[a-z]+)+-\d:)?(?:\d{12}:(?:function:)?|function:(?=[^:]+:))?([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$/

const qualifierPattern = /^(?:\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]{1,128})$/

/**
 * Any name, partial or full ARN, with or without a qualifier, percent-encoded or not. What is none of these is
 * refused with the pattern that it should match.
 */
export function parseTarget(segment: string, queryQualifier: string | null): FunctionTarget | InvokeAnswer {
  let name: string
  try {
    name = decodeURIComponent(segment)
  } catch {
    name = segment
  }
  const match = name.length <= 256 ? functionPattern.exec(name) : null
  if (match === null) {
    return serviceError(400, 'InvalidParameterValueException', {
      Type: 'User',
      message: `'${name}' is not a function name, partial ARN or ARN; any valid name such as 'function' is served`,
    })
  }
  // it is sent on in headers, where not every character may stand
  if (queryQualifier && !qualifierPattern.test(queryQualifier)) {
    return serviceError(400, 'InvalidParameterValueException', {
      Type: 'User',
      message: `Qualifier '${queryQualifier.slice(0, 64)}' must be $LATEST, a version or the name of an alias`,
    })
  }
  const [, own, derived = null] = match
  if (derived !== null && queryQualifier && derived !== queryQualifier) {
    return serviceError(400, 'InvalidParameterValueException', {
      Type: 'User',
      message: 'The derived qualifier from the function name does not match the specified qualifier.',
    })
  }
  return { name: own as string, qualifier: derived ?? (queryQualifier || null) }
}

/** The version that runs: an alias stands for the only one that there is. */
export function executedVersion(qualifier: string | null, configured: string): string {
  return qualifier !== null && /^(?:\d+|\$LATEST)$/.test(qualifier) ? qualifier : configured
}

/** Signed requests and those of SDKs expect the service; everything else is a person with curl. */
export function dialectOf(request: Sent, forced: 'auto' | SpokenDialect): SpokenDialect {
  if (forced !== 'auto') return forced
  if (request.header('amz-sdk-invocation-id') !== null) return 'lambda'
  return request.header('authorization')?.startsWith('AWS4-HMAC-SHA256') ? 'lambda' : 'rie'
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The caller's own id; null if it sent none, or one that is no UUID. */
export function ownRequestId(request: Sent): RequestId | null {
  const sent = request.header('x-amzn-requestid')
  return sent !== null && uuid.test(sent) ? (sent.toLowerCase() as RequestId) : null
}

export const newRequestId = (): RequestId => crypto.randomUUID() as string as RequestId

const tenantPattern = /^[a-zA-Z0-9._:/=+\-@ ]{1,256}$/

export function tenantId(request: Sent): string | null | InvokeAnswer {
  const sent = request.header('x-amz-tenant-id')
  if (sent === null || sent === '') return null
  if (tenantPattern.test(sent)) return sent
  return serviceError(400, 'InvalidParameterValueException', {
    Type: 'User',
    message: `X-Amz-Tenant-Id '${sent.slice(0, 64)}' must be 1 to 256 characters of letters, digits and . _ : / = + - @ and space`,
  })
}

export type InvocationType = 'RequestResponse' | 'Event' | 'DryRun'

export function invocationType(request: Sent): InvocationType | InvokeAnswer {
  const sent = request.header('x-amz-invocation-type')
  if (sent === null || sent === '' || sent === 'RequestResponse') return 'RequestResponse'
  if (sent === 'Event' || sent === 'DryRun') return sent
  return serviceError(400, 'InvalidParameterValueException', {
    Type: 'User',
    message: `X-Amz-Invocation-Type '${sent.slice(0, 64)}' must be RequestResponse, Event or DryRun`,
  })
}

export function wantsTail(request: Sent): boolean | InvokeAnswer {
  const sent = request.header('x-amz-log-type')
  if (sent === null || sent === '' || sent === 'None') return false
  if (sent === 'Tail') return true
  return serviceError(400, 'InvalidParameterValueException', {
    Type: 'User',
    message: `X-Amz-Log-Type '${sent.slice(0, 64)}' must be None or Tail`,
  })
}

/** All that a caller asks for, but for the event. */
export interface InvokeParameters {
  readonly dialect: SpokenDialect
  readonly type: InvocationType
  readonly qualifier: string | null
  readonly tail: boolean
  readonly tenant: string | null
  readonly clientContext: string | null
  readonly cognitoIdentity: string | null
}

/**
 * What a request asks for, or the answer to one that asks for what there is not. `segment` names the function as it
 * stands in the path; null for the usual path, which has no qualifier. `managed`: environments run several at a time.
 */
export function parseInvoke(
  request: Pick<Exchange, 'header' | 'target'>,
  segment: string | null,
  forced: 'auto' | SpokenDialect,
  managed = false,
): InvokeParameters | InvokeAnswer {
  const dialect = dialectOf(request, forced)
  let qualifier: string | null = null
  if (segment !== null) {
    const query = queryOf(request.target)
    const sent = query === '' ? null : new URLSearchParams(query).get('Qualifier')
    const target = parseTarget(segment, sent)
    if ('status' in target) return target
    qualifier = target.qualifier
  }
  const type = invocationType(request)
  if (typeof type === 'object') return type
  const wanted = wantsTail(request)
  if (typeof wanted === 'object') return wanted
  // nobody waits for the log of an Event, and lines of invocations at a time cannot be told apart
  const tail = wanted && type !== 'Event' && !managed
  const tenant = tenantId(request)
  if (tenant !== null && typeof tenant === 'object') return tenant
  const context = clientContext(request, dialect)
  if (context !== null && typeof context === 'object') return context
  const identity = cognitoIdentity(request)
  if (identity !== null && typeof identity === 'object') return identity
  return { dialect, type, qualifier, tail, tenant, clientContext: context, cognitoIdentity: identity }
}
