/** One invocation from inside a program whose response is read as it comes: InvokeWithResponseStream. */

import type { InvokeError, InvokeOptions, InvokeStream } from './api.d.ts'
import { bodyOf, errorOf, headersOf, nameOf, queryOf } from './invoke.ts'

/** What a stream ends in that is no success. */
export class InvokeStreamError extends Error {
  override readonly name = 'InvokeStreamError'
  readonly error: InvokeError

  constructor(error: InvokeError) {
    super(error.type === null ? error.message : `${error.type}: ${error.message}`)
    this.error = error
  }
}

/** Asks at once; the pieces can be read once. */
export function invokeStream(url: string, payload: unknown, options: InvokeOptions): InvokeStream {
  const asked = fetch(
    `${url}/2021-11-15/functions/${nameOf(options)}/response-streaming-invocations${queryOf(options)}`,
    {
      method: 'POST',
      headers: headersOf(options),
      body: bodyOf(payload),
      // the emulator has the limits
      timeout: false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    } as RequestInit,
  )
  // if the caller never reads it, the rejection must not count as unhandled
  asked.catch(() => {})
  const pieces = read(asked)
  return {
    [Symbol.asyncIterator]: () => pieces,
    async text() {
      const decoder = new TextDecoder()
      let text = ''
      for await (const piece of pieces) text += decoder.decode(piece, { stream: true })
      return text + decoder.decode()
    },
  }
}

async function* read(asked: Promise<Response>): AsyncGenerator<Uint8Array> {
  const { messages } = await import('../http/messages.ts')
  const response = await asked
  if (response.status !== 200) {
    const error = errorOf(await response.text())
    throw new InvokeStreamError({ ...error, type: response.headers.get('x-amzn-errortype') ?? error.type })
  }
  for await (const { headers, body } of messages(response.body ?? [])) {
    if (headers[':event-type']?.value === 'PayloadChunk') {
      yield body
      continue
    }
    const { ErrorCode, ErrorDetails } = JSON.parse(new TextDecoder().decode(body))
    if (ErrorCode === undefined) return
    throw new InvokeStreamError({ ...errorOf(ErrorDetails ?? ''), type: ErrorCode })
  }
  throw new Error('the answer broke off before its end')
}
