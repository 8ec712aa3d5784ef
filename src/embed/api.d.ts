/**
 * What programs see that embed the emulator. It stands alone, so that a program of any strictness can be checked
 * without checking the emulator's own source.
 */

/** Where the log of the function goes: kept for `output`, to this program's stdout, or to a function of yours. */
export type OutputOption =
  | 'collect'
  | 'inherit'
  | ((lines: string, environment: number, functionName: string) => void)

/** One of `command`, `handler` and `functions` is needed, all else may be left out. An error that a function of yours throws is uncaught. */
export interface EmulatorOptions {
  /** the runtime: a program and its arguments; a name without a slash is looked up in `PATH` */
  readonly command?: readonly string[]
  /** `file.export`: a JavaScript or TypeScript function to serve, or `_HANDLER` of the command */
  readonly handler?: string
  /** several functions by their names, in place of `command` and `handler` */
  readonly functions?: Readonly<Record<string, FunctionOptions>>
  /** where the runtime runs and a relative handler is looked up; default: the working directory */
  readonly cwd?: string
  /**
   * Variables of the function, on top of this program's own; `undefined` takes one away. Those that the service sets,
   * as `AWS_LAMBDA_FUNCTION_NAME`, mean to the emulator what they mean to the program.
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** whole seconds, from 1; default 300 */
  readonly functionTimeoutSeconds?: number
  /** whole seconds; 0 is no limit; default 10 */
  readonly initTimeoutSeconds?: number
  /** SnapStart: initialise at once, restore with the first invocation; default false */
  readonly snapStart?: boolean
  /** of a restore and the hooks after it; whole seconds; 0 is no limit; default 10 */
  readonly restoreTimeoutSeconds?: number
  /** how long `stop` lets running invocations go on; whole seconds; default 5 */
  readonly drainSeconds?: number
  /** how long an environment beyond the first may be idle; whole seconds; default 60 */
  readonly environmentTtlSeconds?: number
  /** where external extensions are found; rejected if it does not exist; default `/opt/extensions`, if it exists */
  readonly extensionsDirectory?: string
  /** 1 to 1000, or 0, which throttles every invocation; default 1 */
  readonly maxEnvironments?: number
  /** Managed Instances: invocations at a time in one environment, 1 to 1600; default: on demand, one at a time */
  readonly maxConcurrency?: number
  /** invocations after which an environment is started anew; default 0, which is never */
  readonly recycleAfter?: number
  /** how often an `Event` that failed is tried again, 0 to 2; default 2 */
  readonly asyncMaxRetries?: number
  /** how long it waits before that, with fractions; the last one serves for all that are missing; default `[60, 120]` */
  readonly asyncRetryDelaysSeconds?: readonly number[]
  /** an `Event` that is older is not run; whole seconds from 1 to 21600, which is the default */
  readonly asyncMaxAgeSeconds?: number
  /** where the record of an `Event` that succeeded goes: `file:PATH`, relative to `cwd`, or an http address */
  readonly onSuccess?: string
  /** the same of one that failed for good */
  readonly onFailure?: string
  /** the function is a durable one: an invocation starts a durable execution; default false */
  readonly durable?: boolean
  /** 1…31622400; callers wait for executions of at most 900, which is the default */
  readonly durableExecutionTimeoutSeconds?: number
  /** how long executions that have ended are kept, 1…90; default 14 */
  readonly durableRetentionDays?: number
  /** how long a failed invocation waits before it is made again; after the last the execution fails; default `[1, 2, 4, 8]` */
  readonly durableRetryDelaysSeconds?: readonly number[]
  /** waits and delays of retries pass at once; default false */
  readonly durableSkipTime?: boolean
  /** a file (SQLite); default: executions live as long as the emulator */
  readonly durableStore?: string
  /** how many invocations may wait; 0 throttles at once; default 1000 */
  readonly maxQueue?: number
  /** initialise at once, not at the first invocation; default false */
  readonly eagerInit?: boolean
  /** whose answers callers get: of AWS's emulator or of the service; default `auto`, by the request */
  readonly dialect?: 'auto' | 'rie' | 'lambda'
  /** opens a Function URL, on a free port of this machine or at `host:port`; default false */
  readonly functionUrl?: boolean | string
  /** how it answers: when the function has ended, or as it goes; default `BUFFERED` */
  readonly functionUrlInvokeMode?: 'BUFFERED' | 'RESPONSE_STREAM'
  /** its cross-origin configuration, as the service has it; default: the function sets such headers itself */
  readonly functionUrlCors?: FunctionUrlCors
  /** origins of web pages that may invoke, as `http://localhost:3000`, or `*`; default: those of `url` alone */
  readonly cors?: readonly string[]
  /** what the emulator itself tells; default `warn` */
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /** takes the emulator's own log, one line of JSON at a time; default: stderr */
  readonly log?: (line: string) => void
  /** default `collect` */
  readonly output?: OutputOption
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html */
export interface FunctionUrlCors {
  readonly AllowCredentials?: boolean
  readonly AllowHeaders?: readonly string[]
  readonly AllowMethods?: readonly string[]
  readonly AllowOrigins?: readonly string[]
  readonly ExposeHeaders?: readonly string[]
  /** seconds, 0 to 86400 */
  readonly MaxAge?: number
}

/**
 * One of several functions. What is absent comes from the options of all. Names of functions are destinations of the
 * others, and each reaches the others by `AWS_ENDPOINT_URL_LAMBDA`.
 */
export interface FunctionOptions
  extends Pick<
    EmulatorOptions,
    | 'command'
    | 'handler'
    | 'functionTimeoutSeconds'
    | 'initTimeoutSeconds'
    | 'environmentTtlSeconds'
    | 'extensionsDirectory'
    | 'maxEnvironments'
    | 'recycleAfter'
    | 'maxQueue'
    | 'functionUrl'
    | 'functionUrlInvokeMode'
    | 'functionUrlCors'
    | 'asyncMaxRetries'
    | 'asyncRetryDelaysSeconds'
    | 'asyncMaxAgeSeconds'
    | 'onSuccess'
    | 'onFailure'
  > {
  /** its folder, relative to that of all */
  readonly cwd?: string
  /** on top of the variables of all */
  readonly env?: Readonly<Record<string, string>>
  /** folders of unpacked layers, the last one goes before the others */
  readonly layers?: readonly string[]
}

export interface InvokeOptions {
  /** of several functions the one that is meant; also its ARN */
  readonly functionName?: string
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

/** Why an invocation failed, as far as the answer says it. */
export interface InvokeError {
  /** as `TypeError` or `Runtime.ExitError`; null where the answer names none */
  readonly type: string | null
  readonly message: string
  /** the stack as the runtime sent it; empty where it sent none */
  readonly trace: readonly string[]
}

/** What came back. A function that failed is no exception; look at `functionError` and `statusCode`. */
export interface InvokeResult {
  readonly statusCode: number
  readonly payload: Uint8Array
  /** null for a success */
  readonly functionError: string | null
  /** what the function failed with, or why it was not run; null for a success */
  readonly error: InvokeError | null
  readonly executedVersion: string | null
  readonly requestId: string
  /** decoded; null unless `logType` was `Tail` */
  readonly logResult: string | null
  readonly headers: Headers
  text(): string
  /** Throws `SyntaxError`, with what came instead, if the payload is no JSON. */
  json<T = unknown>(): T
}

/**
 * The pieces of a response as they come. Iterating throws `InvokeStreamError` where the function failed, before its first
 * byte or later. What came can be read once.
 */
export interface InvokeStream extends AsyncIterable<Uint8Array> {
  /** All pieces, joined, as text. */
  text(): Promise<string>
}

/** What a stream ended in that was no success. */
export declare class InvokeStreamError extends Error {
  override readonly name: 'InvokeStreamError'
  readonly error: InvokeError
}

export interface EnvironmentState {
  readonly id: number
  /**
   * `cold`: nothing runs; `starting`: it initialises; `idle`: it could take an invocation; `busy`: one runs, or those
   * who owe a poll after it have not asked yet; `stopping`: its processes are ending.
   */
  readonly state: 'cold' | 'starting' | 'idle' | 'busy' | 'stopping'
  readonly phase: string
  readonly free: boolean
  /** request ids of the invocation that runs here or that this start is for */
  readonly invocations: readonly string[]
  /** those of them whose response goes to its caller as it comes, and has begun */
  readonly streaming: readonly string[]
  /** how often its processes have been started */
  readonly starts: number
  readonly extensions: readonly { readonly name: string; readonly state: string }[]
  /** process ids by name */
  readonly processes: Readonly<Record<string, number>>
  readonly tenant: string | null
  readonly memoryBytes: number
  /** milliseconds since its last invocation; 0 unless it is idle */
  readonly idleMs: number
}

export interface PoolState {
  /** invocations that wait for an environment */
  readonly queued: number
  /** of the one that waits longest; 0 when none does */
  readonly longestWaitMs: number
  readonly environments: readonly EnvironmentState[]
  /** events of the type `Event` that wait for an environment or for another try, and the bytes of their payloads */
  readonly asyncEvents: { readonly waiting: number; readonly waitingBytes: number }
}

/** One of several functions that run; the same as of the emulator, which means the first. */
export interface EmulatedFunction
  extends Pick<Emulator, 'functionUrl' | 'invoke' | 'output' | 'ready' | 'state'> {
  readonly name: string
}

export interface Emulator extends AsyncDisposable {
  /** by name; of one function that was given none, it is empty */
  readonly functions: Readonly<Record<string, EmulatedFunction>>
  /** `http://127.0.0.1:PORT`: the endpoint for an AWS SDK or any HTTP client */
  readonly url: string
  /** `host:port` of the first environment's Runtime API */
  readonly runtimeApi: string
  /** `http://127.0.0.1:PORT` of the Function URL; null when there is none */
  readonly functionUrl: string | null
  /**
   * Invokes the function. Bytes go out as they are, nothing as an empty body (which functions see as `{}`), all else as
   * JSON. At most 256 of these are on their way at a time, as of all of Bun's `fetch`; more wait for their turn. Rejects
   * when the signal fires or the emulator has been stopped, not for a function that fails.
   */
  invoke(payload: unknown, options: InvokeOptions & { readonly stream: true }): InvokeStream
  invoke(payload?: unknown, options?: InvokeOptions & { readonly stream?: false }): Promise<InvokeResult>
  /** What the function, its extensions and START, END, REPORT wrote so far, the last 16 MiB, of one environment or of all. */
  output(environment?: number): string
  /**
   * Initialises the function unless it is initialised, and resolves when an environment could take an invocation. Rejects
   * with the reason when the init fails, or when the emulator is stopped.
   */
  ready(): Promise<void>
  /**
   * Resolves when no invocation waits or runs any more: all that they wrote is in `output` then. An `Event` that failed
   * is waited for through its other tries, three minutes by default, and the record for its destination too.
   */
  idle(): Promise<void>
  /** What the environments are doing; the same as `GET /_rie/state` tells. */
  state(): PoolState
  /** Lets running invocations finish for the drain time, then ends all processes. May be called more than once. */
  stop(): Promise<void>
}

/** An option is wrong; the message names it and what is allowed. */
export declare class ConfigError extends Error {
  override readonly name: 'ConfigError'
}

/**
 * Starts an emulator on free ports of this machine; it listens when the promise resolves. Rejects with `ConfigError`
 * for options that are wrong.
 */
export declare function startEmulator(options: EmulatorOptions): Promise<Emulator>
