/**
 * The global `awslambda` of AWS's Node.js runtimes, by which functions say that they stream.
 */

import { RuntimeError } from './errors.ts'
import type { Handler } from './load.ts'
import type { ResponseStream } from './stream.ts'

// Registered symbols: libraries mark handlers with them as well.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')

const PRELUDE_TYPE = 'application/vnd.awslambda.http-integration-response'

const streamifyResponse = (handler: Handler, options?: { highWaterMark?: number }): Handler =>
  Object.assign(handler, {
    [STREAMING]: 'response',
    ...(typeof options?.highWaterMark === 'number' && {
      [HIGH_WATER_MARK]: Math.trunc(options.highWaterMark),
    }),
  })

const HttpResponseStream = {
  /** Makes a stream begin with the status and headers of an HTTP answer and eight zero bytes. */
  from(stream: ResponseStream, prelude: unknown): ResponseStream {
    stream.setContentType(PRELUDE_TYPE)
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
  scope.awslambda = { ...scope.awslambda, streamifyResponse, HttpResponseStream }
}

/** Says whether a handler streams, and with what buffer. */
export const streamingOf = (handler: Handler): { highWaterMark: number | undefined } | undefined => {
  const mode = handler[STREAMING]
  if (!mode) return undefined
  if (mode !== 'response') {
    throw new RuntimeError('MalformedStreamingHandler', 'Only response streaming is supported.')
  }
  return { highWaterMark: Number(handler[HIGH_WATER_MARK]) || undefined }
}
