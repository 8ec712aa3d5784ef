/**
 * Our own runtime client: serves a JavaScript or TypeScript handler over the Runtime API, as AWS's client for
 * Node.js does, in a child of the emulator that is the emulator's own program.
 *
 *   load the handler ─► poll ─► run it ─► post its answer ─► poll …
 *
 * In a Managed Instance (`AWS_LAMBDA_MAX_CONCURRENCY`) it does so that many times at once, each on a connection of its
 * own, in this one process.
 *
 * An error while loading is posted to `/init/error` and ends the process with 1; a rejection that nobody handles
 * ends it with 128, an uncaught exception with 129, both posted first. When the emulator is gone the process ends
 * with 0.
 */

import { runBuffered } from './buffered.ts'
import { prepareForChildren } from './children.ts'
import { breakMarker, handlerRootVariable, serveMarker } from './command.ts'
import { type HttpResponse, parseAddress } from './connection.ts'
import { type FunctionLog, type LogScope, patchConsole } from './console.ts'
import { type Context, createContext } from './context.ts'
import { RuntimeError, unhandledRejection } from './errors.ts'
import { installGlobals, streamingOf } from './globals.ts'
import { onIdle, watchEventLoop } from './idle.ts'
import type { Invocations } from './invoke-store.ts'
import { type Handler, loadHandler } from './load.ts'
import { repairWhenRequired } from './node-http.ts'
import { typeTextBodies } from './response.ts'
import { RuntimeApiClient, RuntimeApiGone } from './runtime-api-client.ts'

/** Whether `process.execPath` is the emulator's program, which is the bun CLI only when it is told to be. */
const isCompiled = Bun.main.startsWith('/$bunfs/') || process.env.BUN_BE_BUN === '1'

const idHeader = 'lambda-runtime-aws-request-id'
const traceHeader = 'lambda-runtime-trace-id'

/** The longest time that a timer takes, in milliseconds. */
const longestTimer = 2 ** 31 - 1

/** Everything that one serving process holds on to. */
interface Runtime {
  readonly api: RuntimeApiClient
  readonly env: NodeJS.ProcessEnv
  readonly log: FunctionLog
  /** The newest invocation, which the last words of a dying process are about. */
  requestId: string | undefined
}

/** What one loop of polls needs. */
type Poller = Pick<Runtime, 'api' | 'env' | 'log'>

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
    const requestId = runtime.log.current?.()?.requestId ?? runtime.requestId
    void runtime.api.lastWords(requestId, error).finally(() => process.exit(code))
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

const fail = async ({ api, log }: Poller, requestId: string, error: unknown) => {
  log.error('Invoke Error', error)
  await api.fail(requestId, error)
}

type Run = (api: RuntimeApiClient, event: unknown, context: Context) => Promise<void>

const buffered = (handler: Handler, alone: boolean): Run => {
  return async (api, event, context) => {
    const result = await runBuffered(handler, event, context, alone)
    if (!result.ok) throw result.error
    logRefusal(await api.respond(context.awsRequestId, stringify(result.value)))
  }
}

const streaming = async (
  runtime: Runtime,
  handler: Handler,
  highWaterMark: number | undefined,
): Promise<Run> => {
  const { runStreaming } = await import('./stream.ts')
  return async (api, event, context) => {
    const result = await runStreaming(api, handler, event, context, highWaterMark)
    if (result.state === 'answered') return logRefusal(result.reply)
    runtime.log.error('Invoke Error', result.error)
  }
}

const load = async (runtime: Runtime, roots: string[], alone: boolean): Promise<Run> => {
  const name = runtime.env._HANDLER ?? ''
  try {
    const handler = await loadHandler(name, roots)
    const stream = streamingOf(handler)
    return stream ? await streaming(runtime, handler, stream.highWaterMark) : buffered(handler, alone)
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

const handle = async (poller: Poller, run: Run, { headers, body }: HttpResponse) => {
  try {
    await run(poller.api, parseEvent(body), createContext(poller.env, headers))
  } catch (error) {
    onIdle(undefined)
    if (error instanceof RuntimeApiGone) throw error
    await fail(poller, headers.get(idHeader) ?? '', error)
  }
}

const scopeOf = ({ headers }: HttpResponse): LogScope => ({
  requestId: headers.get(idHeader) ?? '',
  tenantId: headers.get('lambda-runtime-aws-tenant-id'),
})

const serveOne = async (runtime: Runtime, run: Run) => {
  for (;;) {
    const event = await runtime.api.next()
    runtime.log.scope = scopeOf(event)
    runtime.requestId = runtime.log.scope.requestId
    setTrace(runtime.env, event.headers.get(traceHeader))
    await handle(runtime, run, event)
  }
}

/** The trace is in the context and the store alone: one variable cannot be that of several. */
const serveSeveral = async (runtime: Runtime, run: Run, invocations: Invocations, count: number) => {
  // While no poll is parked, handlers that wait for nothing that keeps the event loop alive would end the process.
  setInterval(() => {}, longestTimer)
  const { env, log } = runtime
  const pollOn = async (api: RuntimeApiClient) => {
    for (;;) {
      const event = await api.next()
      const scope = scopeOf(event)
      runtime.requestId = scope.requestId
      await invocations.run(scope, event.headers.get(traceHeader), () =>
        handle({ api, env, log }, run, event),
      )
    }
  }
  const clients = Array.from({ length: count }, (_, n) => (n === 0 ? runtime.api : runtime.api.another()))
  await Promise.all(clients.map(pollOn))
}

const serve = async (runtime: Runtime, roots: string[], stops: boolean) => {
  const several = runtime.env.AWS_LAMBDA_MAX_CONCURRENCY
  const invocations = several ? (await import('./invoke-store.ts')).openInvokeStore(runtime.env) : undefined
  if (invocations) runtime.log.current = invocations.current
  // What --inspect-brk stops at: the function's file is run next, where breakpoints are set by now.
  // biome-ignore lint/suspicious/noDebugger: it is what was asked for
  if (stops) debugger
  const run = await load(runtime, roots, invocations === undefined)
  await (invocations ? serveSeveral(runtime, run, invocations, Number(several)) : serveOne(runtime, run))
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
