/** Sends the event, prints what comes back, and says how it ended. */

import { endLine, print, printError, printLog } from './print.ts'
import { showProgress } from './progress.ts'
import type { InvokeCommand } from './request.ts'
import type { Streams, Writer } from './streams.ts'

/** Exit statuses of the program; the usage text describes them. */
const succeeded = 0
const failed = 1
const nobodyListens = 3

/** Of what `fetch` rejects with when there is no connection, or it ends before an answer. */
const unreachable = /^(ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EPIPE)$/

export async function send(
  request: InvokeCommand,
  event: string | Uint8Array<ArrayBuffer>,
  { stdout, stderr }: Streams,
): Promise<number> {
  const progress = showProgress(stderr)
  try {
    const response = await post(request, event)
    if (request.mode === 'stream' && isEventStream(response)) {
      const { printStream } = await import('./stream.ts')
      const error = await printStream(response, request.tail, stdout, stderr, () => progress.stop())
      return error ? failed : succeeded
    }
    const good = response.ok && !response.headers.has('x-amz-function-error')
    if (good && request.mode === 'stream') {
      await copy(response, stdout, () => progress.stop())
      return succeeded
    }
    const body = await response.bytes()
    progress.stop()
    await printLog(response.headers.get('x-amz-log-result'), stderr)
    if (!good) {
      await printError(response.status, new TextDecoder().decode(body), stderr)
    } else if (body.length > 0) {
      await print(stdout, body)
      await endLine(stdout, body.at(-1))
    }
    return good ? succeeded : failed
  } catch (error) {
    progress.stop()
    return await explain(error as NodeJS.ErrnoException, request.endpoint, stderr)
  } finally {
    progress.stop()
  }
}

/** The call that `--stream` makes where it is served, else Invoke, whose answer may be a stream too. */
async function post(request: InvokeCommand, event: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  if (request.mode !== 'stream') return await call(request, '2015-03-31', 'invocations', event)
  const streamed = await call(request, '2021-11-15', 'response-streaming-invocations', event)
  // an emulator without that call, as AWS's own, names no function in its 404
  if (streamed.status !== 404 || streamed.headers.get('x-amzn-errortype')?.startsWith('ResourceNotFound'))
    return streamed
  await streamed.body?.cancel()
  return await call(request, '2015-03-31', 'invocations', event)
}

function call(
  { endpoint, name, mode, tail }: InvokeCommand,
  version: string,
  operation: string,
  event: string | Uint8Array<ArrayBuffer>,
): Promise<Response> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-amz-invocation-type': mode === 'async' ? 'Event' : 'RequestResponse',
  }
  // asks for the service's answers: errors are documents, and an event that is not JSON is refused with the reason
  headers['amz-sdk-invocation-id'] = crypto.randomUUID()
  if (tail) headers['x-amz-log-type'] = 'Tail'
  const url = `${endpoint}/${version}/functions/${encodeURIComponent(name)}/${operation}`
  // an invocation may take longer than the five minutes that `fetch` waits on its own
  const options = { method: 'POST', headers, body: event, redirect: 'manual', timeout: false } as const
  return fetch(url, options as RequestInit)
}

const isEventStream = (response: Response): boolean =>
  response.headers.get('content-type')?.startsWith('application/vnd.amazon.eventstream') === true

async function copy(response: Response, stdout: Writer, begun: () => void): Promise<void> {
  let last: number | undefined
  for await (const chunk of response.body ?? []) {
    begun()
    await print(stdout, chunk)
    last = chunk.at(-1)
  }
  await endLine(stdout, last)
}

/** Says on stderr that nobody listens, or throws what is something else. Returns the exit status. */
export async function explain(
  error: NodeJS.ErrnoException,
  endpoint: string,
  stderr: Writer,
  program = 'invoke',
): Promise<number> {
  const { code = '', message } = error
  if (!unreachable.test(code)) {
    await print(stderr, `aws-lambda-rie ${program}: ${message}\n`)
    return failed
  }
  const why = /^(ECONNRESET|EPIPE)$/.test(code)
    ? `the connection to ${endpoint} ended before the answer was complete`
    : `nobody listens at ${endpoint} (${code})`
  await print(
    stderr,
    `aws-lambda-rie ${program}: ${why}. Start the emulator, or name its address with --endpoint-url or AWS_ENDPOINT_URL_LAMBDA.\n`,
  )
  return nobodyListens
}
