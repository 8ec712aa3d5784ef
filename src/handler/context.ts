/**
 * What a handler is told about its invocation.
 */

import type { HttpResponse } from './connection.ts'

/** The second argument of every handler. */
export interface Context {
  callbackWaitsForEmptyEventLoop: boolean
  readonly functionName: string | undefined
  readonly functionVersion: string | undefined
  readonly memoryLimitInMB: string | undefined
  readonly logGroupName: string | undefined
  readonly logStreamName: string | undefined
  readonly invokedFunctionArn: string | undefined
  readonly awsRequestId: string
  readonly clientContext: unknown
  readonly identity: unknown
  readonly tenantId: string | undefined
  readonly xRayTraceId: string | undefined
  getRemainingTimeInMillis(): number
  /** The three functions of the oldest API, only for handlers that do not stream. */
  done?(error?: unknown, result?: unknown): void
  succeed?(result?: unknown): void
  fail?(error?: unknown): void
}

const json = (text: string | undefined): unknown => (text ? JSON.parse(text) : undefined)

/** Builds the context from the headers of `/next`; throws when one that holds JSON does not parse. */
export const createContext = (env: NodeJS.ProcessEnv, headers: HttpResponse['headers']): Context => {
  const deadline = Number(headers.get('lambda-runtime-deadline-ms'))
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn'),
    awsRequestId: headers.get('lambda-runtime-aws-request-id') ?? '',
    clientContext: json(headers.get('lambda-runtime-client-context')),
    identity: json(headers.get('lambda-runtime-cognito-identity')),
    tenantId: headers.get('lambda-runtime-aws-tenant-id'),
    xRayTraceId: headers.get('lambda-runtime-trace-id'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}
