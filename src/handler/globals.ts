/**
 * The global `awslambda` of AWS's Node.js runtimes, by which functions say that they stream.
 */

import { RuntimeError } from './errors.ts'
import type { Handler } from './load.ts'
import type { HandlerResponseStream } from './stream.ts'

// Registered symbols: libraries mark handlers with them as well.
const streamingSymbol = Symbol.for('aws.lambda.runtime.handler.streaming')
const highWaterMarkSymbol = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

const preludeType = 'application/vnd.awslambda.http-integration-response'

const streamifyResponse = (handler: Handler, options?: { highWaterMark?: number }): Handler =>
  Object.assign(handler, {
    [streamingSymbol]: 'response',
    ...(typeof options?.highWaterMark === 'number' && {
      [highWaterMarkSymbol]: Math.trunc(options.highWaterMark),
    }),
  })

const httpResponseStream = {
  /** Makes a stream begin with the status and headers of an HTTP answer and eight zero bytes. */
  from(stream: HandlerResponseStream, prelude: unknown): HandlerResponseStream {
    stream.setContentType(preludeType)
    stream._onBeforeFirstWrite = (write) => {
      write(JSON.stringify(prelude))
      write(new Uint8Array(8))
    }
    return stream
  },
}

/** Installs the global, unless the environment says that there should be none. */
export const installGlobals = (env: NodeJS.ProcessEnv): void => {
  if (['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? '')) return
  const scope = globalThis as { awslambda?: object }
  scope.awslambda = { ...scope.awslambda, streamifyResponse, HttpResponseStream: httpResponseStream }
}

/** Says whether a handler streams, and with what buffer. */
export const streamingOf = (handler: Handler): { highWaterMark: number | undefined } | undefined => {
  const mode = handler[streamingSymbol]
  if (!mode) return undefined
  if (mode !== 'response') {
    throw new RuntimeError('MalformedStreamingHandler', 'Only response streaming is supported.')
  }
  return { highWaterMark: Number(handler[highWaterMarkSymbol]) || undefined }
}
