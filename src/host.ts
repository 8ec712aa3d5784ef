/** One function: its environments, the events that wait for it, and what tells of them. */

import type { FunctionConfig } from './config/config.ts'
import type { Fault } from './core/failure.ts'
import type { EnvironmentId, RequestId } from './core/ids.ts'
import { managedInstances, onDemand, withoutRetry } from './core/mode.ts'
import type { Acceptance, WaitingEvents } from './engine/async-events.ts'
import { diagnostics } from './engine/diagnostics.ts'
import type { DurableFunction } from './engine/durable.ts'
import type { EventRequest } from './engine/event-invocation.ts'
import { LastFailure } from './engine/last-failure.ts'
import type { PlatformListener } from './engine/platform-event.ts'
import { Pool } from './engine/pool.ts'
import type { Log, PoolObserver } from './engine/ports.ts'
import { FunctionProcesses } from './function-processes.ts'
import { HostedEnvironment, type HostedParts } from './hosted-environment.ts'
import type { EventsParts, FunctionEvents } from './open-events.ts'
import { reportedError } from './telemetry/code-frame.ts'
import { FunctionTelemetry } from './telemetry/function-telemetry.ts'
import type { Metrics } from './telemetry/metrics.ts'
import type { RecordFacts } from './telemetry/records.ts'

/** What a function shares with the rest of the emulator. */
export interface HostParts
  extends Pick<
    HostedParts,
    'processes' | 'clock' | 'sinkOf' | 'log' | 'runtimeApi' | 'anyRuntimeApi' | 'portable' | 'endpoint'
  > {
  readonly metrics: Metrics
  /** is told of what happens, beside the metrics */
  readonly recorder?: Recorder | undefined
  /** Gives the record of an event to another function of this emulator, see `EventsParts`. */
  readonly toFunction: EventsParts['toFunction']
  /**
   * Called when a process ends that nobody asked to end, or an init fails, which is not tried again then. Null: the next
   * invocation starts the function anew.
   */
  readonly crashed: ((fault: Fault) => void) | null
  /** Called when the first invocation of an environment is over, in a turn of the event loop of its own. */
  readonly served: () => void
  /** The address of the Function URL of another function, by name or alias; null: it has none. */
  readonly urlOf: (functionName: string) => string | null
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

/** How long records of events may be delivered after the last process has ended, in milliseconds. */
const recordsMs = 2000

/** Loaded with the first event. */
function eventsModule(): typeof import('./open-events.ts') {
  return require('./open-events.ts')
}

export class FunctionHost {
  readonly config: FunctionConfig
  readonly metrics: Metrics
  readonly pool: Pool
  readonly lastFailure = new LastFailure()
  /** how callers start its durable executions; null: it is an ordinary function */
  durable: DurableFunction | null = null
  /** where it reaches the API of durable executions; null: it is an ordinary function */
  endpoint: string | null = null
  readonly #parts: HostParts
  /** null before the first event */
  #events: FunctionEvents | null = null
  /** why the code could not be built after a change; null while it could */
  buildFailure: BuildFailure | null = null
  /** told of files of the code that have changed, when the environments know */
  onCodeChange: ((files: readonly string[]) => void) | null = null
  #observe: ((id: EnvironmentId) => PlatformListener) | null = null
  readonly #environments = new Map<EnvironmentId, HostedEnvironment>()
  readonly #hosted: HostedParts
  readonly #telemetry: FunctionTelemetry
  /** the environment that has the configured address */
  #primary: EnvironmentId | null = null

  constructor(config: FunctionConfig, parts: HostParts) {
    this.config = config
    this.#parts = parts
    this.metrics = parts.metrics
    const mode = config.maxConcurrency === null ? onDemand : managedInstances(config.maxConcurrency)
    const facts = factsOf(config)
    this.#telemetry = new FunctionTelemetry({
      clock: parts.clock,
      metrics: parts.metrics,
      facts,
      // subscribers of Managed Instances get lines as texts, whatever the format
      json: config.logFormat === 'JSON' && config.maxConcurrency === null,
    })
    this.#hosted = {
      ...parts,
      config,
      mode: parts.crashed === null ? mode : withoutRetry(mode),
      facts,
      functionProcesses: new FunctionProcesses(config, parts.urlOf),
      telemetry: this.#telemetry,
      listenersOf: (id, log) => this.#listenersOf(id, log),
      durableEndpoint: () => this.endpoint,
    }
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
      create: (id, calls) => {
        const hosted = new HostedEnvironment(id, this.#primary === null, calls, this.#hosted)
        this.#environments.set(id, hosted)
        this.#primary ??= id
        return hosted.environment
      },
      release: ({ id }) => {
        this.#environments.get(id)?.[Symbol.dispose]()
        this.#environments.delete(id)
        if (this.#primary === id) this.#primary = null
      },
    })
  }

  get name(): string {
    return this.config.name
  }

  /** Those of the pool. */
  get limits(): { readonly maxEnvironments: number; readonly maxQueue: number } {
    const { maxEnvironments, maxQueue } = this.config
    return { maxEnvironments, maxQueue }
  }

  get version(): string {
    return this.config.version
  }

  get timeoutMs(): number {
    return this.config.timeoutMs
  }

  /** Its environments run several invocations at a time. */
  get managed(): boolean {
    return this.config.maxConcurrency !== null
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
      const { async: config, version, timeoutMs } = this.config
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
    return arnOf(this.config)
  }

  /**
   * Makes the first environment and opens its listener, before anything starts. Returns the address that was bound.
   * Throws `ListenError`.
   */
  open(): string {
    const { id } = this.pool.open(false)
    return (this.#environments.get(id) as HostedEnvironment).runtimeApi
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
    for (const [id, hosted] of this.#environments) hosted.observe(listener(id))
  }

  /** An invocation has waited in vain. */
  #stalled(requestId: RequestId): void {
    const waitedSeconds = this.config.timeoutMs / 1000
    this.#parts.log.warn(
      { requestId, waitedSeconds },
      'no worker of the runtime has asked for an event for the function timeout: an invocation that waited is refused',
    )
  }

  /** Those of one environment, beside its log and its subscriptions. */
  #listenersOf(id: EnvironmentId, log: Log): PlatformListener[] {
    const { metrics, clock, crashed, recorder } = this.#parts
    const { launch, timeoutMs, initTimeoutMs } = this.config
    const listeners: PlatformListener[] = [
      metrics.listener,
      diagnostics(log, {
        attached: launch.kind === 'attach',
        functionTimeoutMs: timeoutMs,
        initTimeoutMs,
        explain: reportedError,
      }),
      this.lastFailure.listener(id, clock.epoch),
    ]
    if (crashed !== null) listeners.push((event) => event.type === 'fault' && crashed(event.fault))
    if (recorder !== undefined) listeners.push(recorder.listener)
    if (this.#observe !== null) listeners.push(this.#observe(id))
    return listeners
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
