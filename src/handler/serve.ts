/**
 * Our own runtime client: serves a JavaScript or TypeScript handler over the Runtime API, as AWS's client for
 * Node.js does, in a child of the emulator that is the emulator's own program.
 *
 *   load the handler ─► poll ─► run it ─► post its answer ─► poll …
 *
 * An error while loading is posted to `/init/error` and ends the process with 1; a rejection that nobody handles
 * ends it with 128, an uncaught exception with 129, both posted first. When the emulator is gone the process ends
 * with 0.
 */

import { runBuffered } from './buffered.ts'
import { prepareForChildren } from './children.ts'
import { breakMarker, handlerRootVariable, serveMarker } from './command.ts'
import { type HttpResponse, parseAddress } from './connection.ts'
import { type FunctionLog, patchConsole } from './console.ts'
import { type Context, createContext } from './context.ts'
import { RuntimeError, unhandledRejection } from './errors.ts'
import { installGlobals, streamingOf } from './globals.ts'
import { onIdle, watchEventLoop } from './idle.ts'
import { type Handler, loadHandler } from './load.ts'
import { repairWhenRequired } from './node-http.ts'
import { typeTextBodies } from './response.ts'
import { RuntimeApiClient, RuntimeApiGone } from './runtime-api-client.ts'

/** Whether `process.execPath` is the emulator's program, which is the bun CLI only when it is told to be. */
const isCompiled = Bun.main.startsWith('/$bunfs/') || process.env.BUN_BE_BUN === '1'

/** Everything that one serving process holds on to. */
interface Runtime {
  readonly api: RuntimeApiClient
  readonly env: NodeJS.ProcessEnv
  readonly log: FunctionLog
  /** The newest invocation, which the last words of a dying process are about. */
  requestId: string | undefined
}

/** Ends the process. Without the API there is nothing to serve. */
const end = (error: unknown): never => {
  if (error instanceof RuntimeApiGone) process.exit(0)
  process.stderr.write(`The Runtime API cannot be used: ${(error as Error)?.message ?? error}\n`)
  process.exit(1)
}

const watchFailures = (runtime: Runtime) => {
  let dying = false
  const die = (title: string, error: unknown, code: number) => {
    // What fails while the last words are on their way is a consequence.
    if (dying) return
    dying = true
    runtime.log.error(title, error)
    void runtime.api.lastWords(runtime.requestId, error).finally(() => process.exit(code))
  }
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129))
  process.on('unhandledRejection', (reason) =>
    die('Unhandled Promise Rejection', unhandledRejection(reason), 128),
  )
}

/** `JSON.stringify` with the error that callers know; what JSON has no word for is `null`. */
const stringify = (value: unknown) => {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    throw new RuntimeError('JSONStringifyError', 'Unable to stringify response body')
  }
}

/** The event of an invocation. */
const parseEvent = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString())
  } catch (error) {
    const reason = (error as Error).message.replace(/^JSON Parse error: /, '')
    throw new RuntimeError('UnmarshalError', `The event is not JSON: ${reason}`)
  }
}

const logRefusal = (reply: HttpResponse | undefined) => {
  if (reply && reply.status < 300) return
  const answer = reply ? `${reply.status} ${reply.body.toString().trim()}` : 'connection lost'
  console.error(`The response was not accepted: ${answer}`)
}

const fail = async (runtime: Runtime, requestId: string, error: unknown) => {
  runtime.log.error('Invoke Error', error)
  await runtime.api.fail(requestId, error)
}

type Run = (event: unknown, context: Context) => Promise<void>

const buffered = (runtime: Runtime, handler: Handler): Run => {
  return async (event, context) => {
    const result = await runBuffered(handler, event, context)
    if (!result.ok) throw result.error
    logRefusal(await runtime.api.respond(context.awsRequestId, stringify(result.value)))
  }
}

const streaming = async (
  runtime: Runtime,
  handler: Handler,
  highWaterMark: number | undefined,
): Promise<Run> => {
  const { runStreaming } = await import('./stream.ts')
  return async (event, context) => {
    const result = await runStreaming(runtime.api, handler, event, context, highWaterMark)
    if (result.state === 'answered') return logRefusal(result.reply)
    runtime.log.error('Invoke Error', result.error)
  }
}

const load = async (runtime: Runtime, roots: string[]): Promise<Run> => {
  const name = runtime.env._HANDLER ?? ''
  try {
    const handler = await loadHandler(name, roots)
    const stream = streamingOf(handler)
    return stream ? await streaming(runtime, handler, stream.highWaterMark) : buffered(runtime, handler)
  } catch (error) {
    runtime.log.error('Init Error', error)
    await runtime.api.lastWords(undefined, error)
    process.exit(1)
  }
}

const setTrace = (env: NodeJS.ProcessEnv, trace: string | undefined) => {
  if (trace) env._X_AMZN_TRACE_ID = trace
  else delete env._X_AMZN_TRACE_ID
}

const handle = async (runtime: Runtime, run: Run, { headers, body }: HttpResponse) => {
  const requestId = headers.get('lambda-runtime-aws-request-id') ?? ''
  runtime.requestId = requestId
  runtime.log.scope = { requestId, tenantId: headers.get('lambda-runtime-aws-tenant-id') }
  setTrace(runtime.env, headers.get('lambda-runtime-trace-id'))
  try {
    await run(parseEvent(body), createContext(runtime.env, headers))
  } catch (error) {
    onIdle(undefined)
    if (error instanceof RuntimeApiGone) throw error
    await fail(runtime, requestId, error)
  }
}

const serve = async (runtime: Runtime, roots: string[], stops: boolean) => {
  // What --inspect-brk stops at: the function's file is run next, where breakpoints are set by now.
  // biome-ignore lint/suspicious/noDebugger: it is what was asked for
  if (stops) debugger
  const run = await load(runtime, roots)
  for (;;) await handle(runtime, run, await runtime.api.next())
}

/**
 * Turns this process into the runtime of the handler that `env._HANDLER` names. `env` must be `process.env`.
 *
 * Resolves as soon as serving has begun, and the caller should then return without waiting for anything: the process
 * lives until it is stopped, and an entry module that waited would hide an empty event loop from us.
 */
export const serveHandler = async (env: NodeJS.ProcessEnv): Promise<void> => {
  const roots = [env[handlerRootVariable] ?? process.cwd(), env.LAMBDA_TASK_ROOT].filter(
    (root) => root !== undefined,
  )
  // The function's own children must not take themselves for handlers.
  delete env[serveMarker]
  delete env[handlerRootVariable]
  delete env.BUN_BE_BUN
  // Nor must they take the address of the function's debugger.
  for (const name of ['BUN_INSPECT', 'BUN_INSPECT_CONNECT_TO', 'BUN_INSPECT_NOTIFY']) delete env[name]
  const stops = env[breakMarker] === '1'
  delete env[breakMarker]
  // The program that we are a part of may have asked for these; a function dies of them unless it asks itself.
  for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal)
  const api = new RuntimeApiClient(parseAddress(env.AWS_LAMBDA_RUNTIME_API ?? ''))
  const runtime: Runtime = { api, env, log: patchConsole(env), requestId: undefined }
  installGlobals(env)
  prepareForChildren(isCompiled)
  repairWhenRequired()
  typeTextBodies()
  watchFailures(runtime)
  watchEventLoop()
  serve(runtime, roots, stops).catch(end)
}
