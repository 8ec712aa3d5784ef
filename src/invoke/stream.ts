/**
 * Reads the answer of InvokeWithResponseStream: messages of AWS's event stream encoding, the payload in pieces and one
 * that says how it ended (https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html).
 */

import { messages } from '../http/messages.ts'
import { endLine, print, printError, printLog } from './print.ts'
import type { Writer } from './streams.ts'

const text = new TextDecoder()

/** What `InvokeComplete` says. */
interface Completion {
  readonly ErrorCode?: string
  readonly ErrorDetails?: string
  readonly LogResult?: string
}

/**
 * Writes the payload to stdout as it comes, then log and error to stderr. Returns whether the function failed. Throws
 * when the stream breaks off. `begun` is called before anything is written.
 */
export async function printStream(
  response: Response,
  tail: boolean,
  stdout: Writer,
  stderr: Writer,
  begun: () => void,
): Promise<boolean> {
  let completion: Completion | undefined
  let last: number | undefined
  for await (const message of messages(response.body ?? [])) {
    const type = message.headers[':event-type']?.value
    begun()
    if (type === 'PayloadChunk') {
      await print(stdout, message.body)
      last = message.body.at(-1) ?? last
    } else if (type === 'InvokeComplete') {
      completion = JSON.parse(text.decode(message.body)) as Completion
    } else {
      completion = {
        ErrorCode: String(message.headers[':exception-type']?.value),
        ErrorDetails: text.decode(message.body),
      }
    }
  }
  await endLine(stdout, last)
  if (completion === undefined) throw new Error('the answer broke off before its end')
  if (tail) await printLog(completion.LogResult, stderr)
  const { ErrorCode, ErrorDetails } = completion
  if (ErrorCode === undefined) return false
  await printError(response.status, ErrorDetails || JSON.stringify({ errorType: ErrorCode }), stderr)
  return true
}
