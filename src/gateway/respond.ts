/** The headers of an answer: those of the service, which the reference leaves out. */

import type { Answer } from './dialect.ts'

/** What an answer tells besides the outcome; each is null where the service, or the reference, sends none. */
export interface Extras {
  readonly version: string | null
  readonly log: Uint8Array | null
  readonly trace: string | null
}

export const nothing: Extras = { version: null, log: null, trace: null }

/** Filled anew for each plain success: a Response copies its headers, and copying costs half of making them anew. */
const plainHeaders = new Headers({ 'Content-Type': 'application/json' })
const plain = { headers: plainHeaders }
/** of the answer before, which is nearly always that of the next one */
let lastVersion = ''

/** The answer to a plain success in the dialect of the reference, made with the least that will do. */
export function respondPlainly(body: Blob, id: string, version: string): Response {
  plainHeaders.set('x-amzn-RequestId', id)
  if (version !== lastVersion) {
    lastVersion = version
    plainHeaders.set('X-Amz-Executed-Version', version)
  }
  return new Response(body, plain)
}

export function respond(answer: Answer, id: string, { version, log, trace }: Extras = nothing): Response {
  const headers: Record<string, string> = { 'x-amzn-RequestId': id }
  if (answer.contentType !== '') headers['Content-Type'] = answer.contentType
  if (version !== null) headers['X-Amz-Executed-Version'] = version
  if (answer.functionError) headers['X-Amz-Function-Error'] = 'Unhandled'
  if (log !== null) headers['X-Amz-Log-Result'] = Buffer.from(log).toString('base64')
  if (trace !== null) headers['X-Amzn-Trace-Id'] = trace
  if (answer.headers !== undefined) Object.assign(headers, answer.headers)
  return new Response(answer.body, { status: answer.status, headers })
}

/** An answer of ours that is no outcome of an invocation; SDKs take the name of their exception from it. */
export function problem(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const ours = status >= 500
  const all = {
    // `Response.json` would add a charset, which AWS does not
    'Content-Type': 'application/json',
    'x-amzn-RequestId': crypto.randomUUID(),
    'x-amzn-ErrorType': ours ? 'ServiceException' : 'UnknownOperationException',
    ...headers,
  }
  const document = { Type: ours ? 'Service' : 'User', Message: message }
  return new Response(JSON.stringify(document), { status, headers: all })
}
