/** One invocation from inside a program, over HTTP as any other caller's. */

export interface InvokeOptions {
  /** what the runtime gets as its client context, as JSON */
  readonly clientContext?: object
  /** 1 to 256 characters; environments are never shared between tenants */
  readonly tenantId?: string
  /** version or alias; it appears in the ARN and as executed version */
  readonly qualifier?: string
  /** default `RequestResponse`; `Event` is answered at once, and runs behind the answer */
  readonly invocationType?: 'RequestResponse' | 'Event' | 'DryRun'
  /** `Tail` waits for REPORT and gives the last 4 KB of the log as `logResult` */
  readonly logType?: 'None' | 'Tail'
  /** gives up waiting: the promise is rejected, and the invocation runs to its end all the same */
  readonly signal?: AbortSignal
}

/** What came back. A function that failed is no exception; look at `functionError` and `statusCode`. */
export interface InvokeResult {
  readonly statusCode: number
  readonly payload: Uint8Array
  /** null for a success */
  readonly functionError: string | null
  readonly executedVersion: string | null
  readonly requestId: string
  /** decoded; null unless `logType` was `Tail` */
  readonly logResult: string | null
  readonly headers: Headers
  text(): string
  /** Throws `SyntaxError`, with what came instead, if the payload is no JSON. */
  json<T = unknown>(): T
}

/** Bytes go out as they are, nothing as an empty body (which functions see as `{}`), all else as JSON. */
export async function invoke(url: string, payload: unknown, options: InvokeOptions): Promise<InvokeResult> {
  const { clientContext, tenantId, qualifier, invocationType, logType, signal } = options
  const headers = new Headers({ 'Content-Type': 'application/json' })
  if (clientContext !== undefined) {
    headers.set('X-Amz-Client-Context', Buffer.from(JSON.stringify(clientContext)).toString('base64'))
  }
  if (tenantId !== undefined) headers.set('X-Amz-Tenant-Id', tenantId)
  if (invocationType !== undefined) headers.set('X-Amz-Invocation-Type', invocationType)
  if (logType !== undefined) headers.set('X-Amz-Log-Type', logType)
  const query = qualifier === undefined ? '' : `?Qualifier=${encodeURIComponent(qualifier)}`
  const response = await fetch(`${url}/2015-03-31/functions/function/invocations${query}`, {
    method: 'POST',
    headers,
    body: bodyOf(payload),
    // the emulator knows the limits
    timeout: false,
    ...(signal === undefined ? {} : { signal }),
  } as RequestInit)
  return resultOf(response, await response.bytes())
}

type Body = NonNullable<RequestInit['body']>

function bodyOf(payload: unknown): Body | null {
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
