/** One function: its environments, each with a Runtime API listener of its own, and what tells of them. */

import type { CredentialsOptions } from './api/credentials.ts'
import { openRuntimeApi, type RuntimeApi } from './api/server.ts'
import type { FunctionConfig } from './config/config.ts'
import type { Address } from './config/kinds.ts'
import type { Fault } from './core/failure.ts'
import type { EnvironmentId, RequestId } from './core/ids.ts'
import { type Mode, managedInstances, onDemand, withoutRetry } from './core/mode.ts'
import type { Acceptance, EventRequest, WaitingEvents } from './engine/async-events.ts'
import { diagnostics } from './engine/diagnostics.ts'
import type { DurableFunction } from './engine/durable.ts'
import { Environment } from './engine/environment.ts'
import { LastFailure } from './engine/last-failure.ts'
import type { PlatformListener } from './engine/platform-event.ts'
import { Pool, type PoolCalls } from './engine/pool.ts'
import type { Clock, Log, PoolObserver, Processes, TelemetryPort } from './engine/ports.ts'
import { FunctionProcesses } from './function-processes.ts'
import { ListenError, listen } from './listen.ts'
import type { EventsParts, FunctionEvents } from './open-events.ts'
import { withAttachedRuntime } from './process/attached.ts'
import { childAddress, reachable } from './process/environ.ts'
import { splitOutput } from './process/frames.ts'
import type { LogSocket } from './process/log-socket.ts'
import { reportedError } from './telemetry/code-frame.ts'
import { FunctionTelemetry } from './telemetry/function-telemetry.ts'
import type { Metrics } from './telemetry/metrics.ts'
import type { RecordFacts } from './telemetry/records.ts'
import type { Lines, Sink } from './telemetry/sink.ts'
import { createTail } from './telemetry/tail.ts'
import { textLog } from './telemetry/text-log.ts'

/** What a function shares with the rest of the emulator. */
export interface HostParts {
  readonly processes: Processes
  readonly clock: Clock
  /** where the log lines of one environment go */
  readonly sinkOf: (id: EnvironmentId) => Sink
  /** a logger of which `child` makes one per environment */
  readonly log: Log & { child(fields: object): Log }
  readonly metrics: Metrics
  /** is told of what happens, beside the metrics */
  readonly recorder?: Recorder | undefined
  /** the address of the first environment's Runtime API; the others take free ports */
  readonly runtimeApi: Address
  /** where that address is taken, a free port will do */
  readonly anyRuntimeApi: boolean
  /** whether to do without what is Linux's own */
  readonly portable: boolean
  /** Gives the record of an event to another function of this emulator, see `EventsParts`. */
  readonly toFunction: EventsParts['toFunction']
  /**
   * Called when a process ends that nobody asked to end, or an init fails, which is not tried again then. Null: the next
   * invocation starts the function anew.
   */
  readonly crashed: ((fault: Fault) => void) | null
  /** The address of the Function URL of another function, by name or alias; null: it has none. */
  readonly urlOf: (functionName: string) => string | null
  /** `AWS_ENDPOINT_URL_LAMBDA` of its processes, where functions call each other; undefined: none is given */
  readonly endpoint: () => string | undefined
}

/** A build after a change of the code that failed; `at` is in Unix milliseconds. */
export interface BuildFailure {
  readonly at: number
  readonly during: 'build'
  readonly errorMessage: string
  /** what it wrote */
  readonly stack: string
}

/** Counts what happens to all invocations. */
export interface Recorder extends PoolObserver {
  readonly listener: PlatformListener
}

/** What the Runtime API of one environment has of its own. */
interface ApiParts {
  readonly telemetry: TelemetryPort
  readonly metadataToken: string
  readonly credentials: CredentialsOptions | null
}

/** How long records of events may be delivered after the last process has ended, in milliseconds. */
const recordsMs = 2000

/** Loaded with the first event. */
function eventsModule(): typeof import('./open-events.ts') {
  return require('./open-events.ts')
}

export class FunctionHost {
  readonly pool: Pool
  readonly lastFailure = new LastFailure()
  /** how callers start its durable executions; null: it is an ordinary function */
  durable: DurableFunction | null = null
  /** where it reaches the API of durable executions; null: it is an ordinary function */
  endpoint: string | null = null
  readonly #config: FunctionConfig
  readonly #parts: HostParts
  /** null before the first event */
  #events: FunctionEvents | null = null
  readonly #mode: Mode
  /** those of each environment; some come later */
  readonly #listeners = new Map<EnvironmentId, PlatformListener[]>()
  /** why the code could not be built after a change; null while it could */
  buildFailure: BuildFailure | null = null
  /** told of files of the code that have changed, when the environments know */
  onCodeChange: ((files: readonly string[]) => void) | null = null
  #observe: ((id: EnvironmentId) => PlatformListener) | null = null
  readonly #apis = new Map<EnvironmentId, RuntimeApi>()
  /** of environments that run several at a time */
  readonly #logSockets = new Map<EnvironmentId, LogSocket>()
  readonly #facts: RecordFacts
  readonly #processes: FunctionProcesses
  readonly #telemetry: FunctionTelemetry
  /** the environment that has the configured address */
  #primary: EnvironmentId | null = null

  constructor(config: FunctionConfig, parts: HostParts) {
    this.#config = config
    this.#processes = new FunctionProcesses(config, parts.urlOf)
    this.#parts = parts
    const mode = config.maxConcurrency === null ? onDemand : managedInstances(config.maxConcurrency)
    this.#mode = parts.crashed === null ? mode : withoutRetry(mode)
    this.#facts = factsOf(config)
    this.#telemetry = new FunctionTelemetry({
      clock: parts.clock,
      metrics: parts.metrics,
      facts: this.#facts,
      // subscribers of Managed Instances get lines as texts, whatever the format
      json: config.logFormat === 'JSON' && config.maxConcurrency === null,
    })
    this.pool = new Pool({
      clock: parts.clock,
      observer: parts.recorder === undefined ? parts.metrics : both(parts.metrics, parts.recorder),
      maxEnvironments: config.maxEnvironments,
      maxQueue: config.maxQueue,
      environmentTtlMs: config.environmentTtlMs,
      slots:
        config.maxConcurrency === null
          ? null
          : { patienceMs: config.timeoutMs, stalled: ({ id }) => this.#stalled(id) },
      create: (id, calls) => this.#create(id, calls),
      release: (environment) => this.#release(environment),
    })
  }

  get name(): string {
    return this.#config.name
  }

  /** Those of the pool. */
  get limits(): { readonly maxEnvironments: number; readonly maxQueue: number } {
    const { maxEnvironments, maxQueue } = this.#config
    return { maxEnvironments, maxQueue }
  }

  get version(): string {
    return this.#config.version
  }

  get timeoutMs(): number {
    return this.#config.timeoutMs
  }

  /** Its environments run several invocations at a time. */
  get managed(): boolean {
    return this.#config.maxConcurrency !== null
  }

  /** An invocation of this id waits, runs, or is an event that has not ended. */
  has(id: RequestId): boolean {
    return this.pool.has(id) || this.#events?.has(id) === true
  }

  /** Takes an event whose caller does not wait. */
  accept(event: EventRequest): Acceptance {
    if (this.#events === null) {
      if (this.pool.draining) return 'stopping'
      const { clock, log, metrics, toFunction } = this.#parts
      const { async: config, version, timeoutMs } = this.#config
      const { openEvents } = eventsModule()
      this.#events = openEvents({
        config,
        version,
        timeoutMs,
        pool: this.pool,
        clock,
        log,
        metrics,
        toFunction,
      })
    }
    return this.#events.accept(event)
  }

  /** The same for the record of another function's event, as JSON. */
  acceptRecord(record: Uint8Array, traceId: string): Acceptance {
    return this.accept({
      id: crypto.randomUUID() as string as RequestId,
      payload: { size: record.byteLength, chunks: [record] },
      arn: this.arn,
      traceId,
      clientContext: null,
      cognitoIdentity: null,
      tenant: null,
    })
  }

  get asyncEvents(): WaitingEvents {
    return this.#events?.state ?? { waiting: 0, waitingBytes: 0 }
  }

  /** What `idle` waits for is so. */
  get isIdle(): boolean {
    return this.pool.isIdle && this.#events?.isIdle !== false
  }

  /** Resolves when no invocation waits or runs, no event waits for another try, and no record is under way. */
  async idle(): Promise<void> {
    await this.#events?.idle()
    await this.pool.idle()
  }

  /**
   * Refuses callers, lets what runs finish within the drain time, or until `hurry` resolves, and ends all processes.
   * Events that never ran are run as far as that time allows; records of events have two seconds more.
   */
  async drain(drainMs: number, hurry: Promise<void>): Promise<void> {
    this.pool.close()
    this.#events?.stop()
    await this.pool.drain(drainMs, hurry)
    await Promise.all([this.#telemetry.ended(), this.#events?.drain(recordsMs, hurry)])
  }

  /** `arn:aws:lambda:…` without a qualifier. */
  get arn(): string {
    return arnOf(this.#config)
  }

  /**
   * Makes the first environment and opens its listener, before anything starts. Returns the address that was bound.
   * Throws `ListenError`.
   */
  open(): string {
    const { id } = this.pool.open(false)
    return this.#addressOf(this.#apis.get(id) as RuntimeApi)
  }

  /** Initialises the function unless it is. Resolves when an environment is free; rejects with why there will be none. */
  async ready(): Promise<void> {
    const { pool, lastFailure } = this
    const before = lastFailure.value
    const failed = (): boolean => {
      const failure = lastFailure.value
      return failure !== null && failure !== before && pool.snapshot().every(({ state }) => state === 'cold')
    }
    pool.warmUp()
    await pool.untilReady(failed)
    if (pool.ready) return
    const failure = lastFailure.value
    if (pool.draining || failure === null) throw new Error('the emulator has been stopped')
    throw new Error(`${failure.during} failed: ${failure.errorType}: ${failure.errorMessage}`)
  }

  /** Adds a listener to every environment, those that are there and those to come. At most once. */
  observe(listener: (id: EnvironmentId) => PlatformListener): void {
    this.#observe = listener
    for (const [id, listeners] of this.#listeners) listeners.push(listener(id))
  }

  /** For the lines of its workers. Without it they share the pipe. */
  #openLogSocket(environment: Environment, log: Log): void {
    const { openLogSocket } = require('./process/log-socket.ts') as typeof import('./process/log-socket.ts')
    try {
      this.#logSockets.set(
        environment.id,
        openLogSocket(() => environment.workerOutput()),
      )
    } catch (error) {
      log.warn(
        { reason: String(error) },
        'lines of parallel workers may mix: there can be no socket for them',
      )
    }
  }

  /** An invocation has waited in vain. */
  #stalled(requestId: RequestId): void {
    const waitedSeconds = this.#config.timeoutMs / 1000
    this.#parts.log.warn(
      { requestId, waitedSeconds },
      'no worker of the runtime has asked for an event for the function timeout: an invocation that waited is refused',
    )
  }

  #create(id: EnvironmentId, calls: PoolCalls): Environment {
    const { clock, metrics } = this.#parts
    const config = this.#config
    const attached = config.launch.kind === 'attach'
    let runtimeApi = ''
    const port = (): number => Number(runtimeApi.replace(/^.*:/, ''))
    const processes = processesFor(config, this.#parts, port)
    const log = config.maxEnvironments > 1 ? this.#parts.log.child({ environment: id }) : this.#parts.log
    const tail = createTail(this.#parts.sinkOf(id))
    const subscriptions = this.#telemetry.open(id, log)
    const metadataToken: string = crypto.randomUUID()
    const credentials = credentialsOf(config, clock)
    const credentialsToken = credentials?.token ?? null
    const listeners: PlatformListener[] = [
      this.#logOf(tail.write),
      subscriptions.listener,
      metrics.listener,
      diagnostics(log, {
        attached,
        functionTimeoutMs: config.timeoutMs,
        initTimeoutMs: config.initTimeoutMs,
        explain: reportedError,
      }),
      this.lastFailure.listener(id, clock.epoch),
    ]
    const { crashed } = this.#parts
    if (crashed !== null) listeners.push((event) => event.type === 'fault' && crashed(event.fault))
    if (this.#parts.recorder !== undefined) listeners.push(this.#parts.recorder.listener)
    if (this.#observe !== null) listeners.push(this.#observe(id))
    this.#listeners.set(id, listeners)
    const environment = new Environment({
      ...calls,
      id,
      attached,
      mode: this.#mode,
      processes,
      clock,
      listeners,
      details: subscriptions,
      flush: (ms) => subscriptions.flush(ms),
      cutter: splitOutput,
      tail,
      log,
      functionTimeoutMs: config.timeoutMs,
      initTimeoutMs: config.initTimeoutMs,
      restoreTimeoutMs: config.snapStart?.restoreTimeoutMs ?? 0,
      recycleAfter: config.recycleAfter,
      discover: () => this.#processes.discover(log),
      specify: (process) =>
        this.#processes.specify(
          process,
          {
            runtimeApi,
            metadataToken,
            credentialsToken,
            logSocket: this.#logSockets.get(id)?.path,
            endpoint: this.#parts.endpoint(),
          },
          this.endpoint,
        ),
    })
    const own = { telemetry: subscriptions, metadataToken, credentials }
    const api = this.#listen(environment, own, log)
    this.#apis.set(id, api)
    if (config.maxConcurrency !== null && config.logFd) this.#openLogSocket(environment, log)
    this.#primary ??= id
    runtimeApi = this.#addressOf(api)
    return environment
  }

  /** What writes the log, in the format that was asked for. */
  #logOf(write: (lines: Lines) => void): PlatformListener {
    const { version, memorySize, logFormat, applicationLogLevel, systemLogLevel } = this.#config
    if (logFormat === 'Text') {
      return textLog({
        functionVersion: version,
        memorySize,
        managed: this.#facts.managed,
        snapStart: this.#config.snapStart !== null,
        write,
      })
    }
    const { jsonLog } = require('./telemetry/json-log.ts') as typeof import('./telemetry/json-log.ts')
    const facts = this.#facts
    return jsonLog({
      facts,
      clock: this.#parts.clock,
      applicationLevel: applicationLogLevel,
      systemLevel: systemLogLevel,
      write,
    })
  }

  #addressOf(api: RuntimeApi): string {
    return childAddress(reachable(this.#parts.runtimeApi, api))
  }

  #listen(environment: Environment, own: ApiParts, log: Log): RuntimeApi {
    const { runtimeApi, anyRuntimeApi } = this.#parts
    const { hostname } = runtimeApi
    // Their address is told to their own processes alone, which need no name for it.
    const open = (): RuntimeApi =>
      this.#open(environment, own, log, {
        hostname: hostname === 'localhost' ? '127.0.0.1' : hostname,
        port: 0,
      })
    try {
      return this.#primary === null ? this.#open(environment, own, log, runtimeApi) : open()
    } catch (error) {
      if (this.#primary === null && anyRuntimeApi && error instanceof ListenError && error.inUse) {
        const api = open()
        log.warn(
          { runtimeApi: this.#addressOf(api) },
          `port ${runtimeApi.port} is in use, the Runtime API has a free one (--runtime-api-address)`,
        )
        return api
      }
      // That the first one cannot be made is told by the program, which ends.
      if (environment.id > 1) {
        log.error({ reason: String(error) }, 'an execution environment could not be made')
      }
      throw error
    }
  }

  #open(environment: Environment, own: ApiParts, log: Log, address: Address): RuntimeApi {
    const { telemetry, metadataToken, credentials } = own
    const { name, version, handler = '', accountId, availabilityZoneId } = this.#config
    return listen('--runtime-api-address', address, () =>
      openRuntimeApi(environment, {
        ...address,
        facts: { functionName: name, functionVersion: version, handler, accountId },
        telemetry,
        logsApi: !this.#facts.managed,
        snapStart: this.#config.snapStart === null ? null : { credentials },
        metadata: { token: metadataToken, availabilityZoneId },
        extensionsDisabled: () => this.#processes.extensionsOff,
        log,
      }),
    )
  }

  #release(environment: Environment): void {
    this.#telemetry.close(environment.id, environment.shutdownDeadline - this.#parts.clock.epoch())
    environment[Symbol.dispose]()
    void this.#apis.get(environment.id)?.stop()
    this.#apis.delete(environment.id)
    this.#logSockets.get(environment.id)?.[Symbol.dispose]()
    this.#logSockets.delete(environment.id)
    this.#listeners.delete(environment.id)
    if (this.#primary === environment.id) this.#primary = null
  }
}

/** Without a qualifier; of this function, or of another one of its account by name. */
export function arnOf({
  region,
  accountId,
  name,
}: Pick<FunctionConfig, 'region' | 'accountId' | 'name'>): string {
  return `arn:aws:lambda:${region}:${accountId}:function:${name}`
}

function both(one: PoolObserver, other: PoolObserver): PoolObserver {
  return {
    placed(waitMs) {
      one.placed(waitMs)
      other.placed(waitMs)
    },
    refused(outcome) {
      one.refused(outcome)
      other.refused(outcome)
    },
  }
}

/** What the credentials endpoint of one environment tells; null without SnapStart, or without credentials. */
function credentialsOf(
  { snapStart, environment }: FunctionConfig,
  { epoch }: Clock,
): CredentialsOptions | null {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN = '' } = environment
  if (snapStart === null || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return null
  const credentials = {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    sessionToken: AWS_SESSION_TOKEN,
  }
  return { token: crypto.randomUUID(), credentials, epoch }
}

/** What telemetry says of the function. */
function factsOf(config: FunctionConfig): RecordFacts {
  const { name, version, memorySize, maxConcurrency, environment } = config
  return {
    managed: maxConcurrency !== null,
    functionName: name,
    functionVersion: version,
    functionArn: arnOf(config),
    memorySizeMb: Number(memorySize),
    instanceId: environment.AWS_LAMBDA_LOG_STREAM_NAME || '$LATEST',
    initializationType: environment.AWS_LAMBDA_INITIALIZATION_TYPE ?? 'on-demand',
  }
}

/** `port` is that of the Runtime API, when it is open. */
function processesFor(
  { launch }: FunctionConfig,
  { processes, portable }: HostParts,
  port: () => number,
): Processes {
  if (launch.kind === 'attach') return withAttachedRuntime(processes, port, portable)
  if (launch.kind !== 'broken') return processes
  const { withBrokenRuntime } = require('./process/broken.ts') as typeof import('./process/broken.ts')
  return withBrokenRuntime(processes, launch.reason)
}
