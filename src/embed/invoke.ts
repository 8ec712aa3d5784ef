/** One invocation from inside a program, over HTTP as any other caller's. */

import type { InvokeError, InvokeOptions, InvokeResult } from './api.d.ts'

/** Bytes go out as they are, nothing as an empty body (which functions see as `{}`), all else as JSON. */
export async function invoke(url: string, payload: unknown, options: InvokeOptions): Promise<InvokeResult> {
  const { signal } = options
  const response = await fetch(
    `${url}/2015-03-31/functions/${nameOf(options)}/invocations${queryOf(options)}`,
    {
      method: 'POST',
      headers: headersOf(options),
      body: bodyOf(payload),
      // the emulator has the limits
      timeout: false,
      ...(signal === undefined ? {} : { signal }),
    } as RequestInit,
  )
  return resultOf(response, await response.bytes())
}

export function headersOf({ clientContext, tenantId, invocationType, logType }: InvokeOptions): Headers {
  const headers = new Headers({ 'Content-Type': 'application/json' })
  if (clientContext !== undefined) {
    headers.set('X-Amz-Client-Context', Buffer.from(JSON.stringify(clientContext)).toString('base64'))
  }
  if (tenantId !== undefined) headers.set('X-Amz-Tenant-Id', tenantId)
  if (invocationType !== undefined) headers.set('X-Amz-Invocation-Type', invocationType)
  if (logType !== undefined) headers.set('X-Amz-Log-Type', logType)
  return headers
}

/** One function is reached by any name. */
export const nameOf = ({ functionName = 'function' }: InvokeOptions): string =>
  encodeURIComponent(functionName)

export const queryOf = ({ qualifier }: InvokeOptions): string =>
  qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(qualifier)}`

type Body = NonNullable<RequestInit['body']>

export function bodyOf(payload: unknown): Body | null {
  if (payload === undefined) return null
  if (payload instanceof Blob || payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)) {
    return payload as Body
  }
  const text = JSON.stringify(payload)
  if (text === undefined) throw new TypeError(`a ${typeof payload} cannot be sent as JSON`)
  return text
}

function resultOf({ status, headers }: Response, payload: Uint8Array): InvokeResult {
  const log = headers.get('x-amz-log-result')
  const text = (): string => new TextDecoder().decode(payload)
  return {
    statusCode: status,
    payload,
    functionError: headers.get('x-amz-function-error'),
    error: headers.has('x-amz-function-error') || status >= 400 ? errorOf(text()) : null,
    executedVersion: headers.get('x-amz-executed-version'),
    requestId: headers.get('x-amzn-requestid') ?? '',
    logResult: log === null ? null : Buffer.from(log, 'base64').toString(),
    headers,
    text,
    json<T>() {
      const answer = text()
      try {
        return JSON.parse(answer) as T
      } catch {
        throw new SyntaxError(
          `the answer (status ${status}) is not JSON: ${JSON.stringify(answer.slice(0, 200))}`,
        )
      }
    },
  }
}

/** The function's errors name their type `errorType`, the service's `Type` or not at all; a time-out is a text alone. */
export function errorOf(answer: string): InvokeError {
  const document = parsed(answer)
  if (document === null) return { type: null, message: answer, trace: [] }
  const { errorType, Type, errorMessage, message, Message, stackTrace, trace } = document
  const lines = Array.isArray(stackTrace) ? stackTrace : Array.isArray(trace) ? trace : []
  return {
    type: firstText(errorType, Type) ?? null,
    message: firstText(errorMessage, message, Message) ?? answer,
    trace: lines.map(String),
  }
}

function parsed(answer: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(answer)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function firstText(...values: unknown[]): string | undefined {
  return values.find((value) => typeof value === 'string')
}
