/** One environment of a function with what belongs to it alone: its Runtime API listener, its log, its subscriptions. */

import type { CredentialsOptions } from './api/credentials.ts'
import { openRuntimeApi, type RuntimeApi } from './api/server.ts'
import type { FunctionConfig } from './config/config.ts'
import type { Address } from './config/kinds.ts'
import type { EnvironmentId } from './core/ids.ts'
import type { Mode } from './core/mode.ts'
import { Environment } from './engine/environment.ts'
import type { PlatformListener } from './engine/platform-event.ts'
import type { PoolCalls } from './engine/pool.ts'
import type { Clock, Log, Processes, TelemetryPort } from './engine/ports.ts'
import type { FunctionProcesses } from './function-processes.ts'
import { ListenError, listen } from './listen.ts'
import { withAttachedRuntime } from './process/attached.ts'
import { childAddress, reachable } from './process/environ.ts'
import { splitOutput } from './process/frames.ts'
import type { LogSocket } from './process/log-socket.ts'
import type { FunctionTelemetry } from './telemetry/function-telemetry.ts'
import type { RecordFacts } from './telemetry/records.ts'
import type { Lines, Sink } from './telemetry/sink.ts'
import { createTail } from './telemetry/tail.ts'
import { textLog } from './telemetry/text-log.ts'

/** What all environments of a function share. */
export interface HostedParts {
  readonly config: FunctionConfig
  readonly mode: Mode
  readonly facts: RecordFacts
  readonly processes: Processes
  readonly clock: Clock
  readonly functionProcesses: FunctionProcesses
  readonly telemetry: FunctionTelemetry
  /** a logger of which `child` makes one per environment */
  readonly log: Log & { child(fields: object): Log }
  /** where the log lines of one environment go */
  readonly sinkOf: (id: EnvironmentId) => Sink
  /** Makes the listeners of an environment that are the function's; its log and its subscriptions come before them. */
  readonly listenersOf: (id: EnvironmentId, log: Log) => readonly PlatformListener[]
  /** Called when the first invocation of an environment is over, in a turn of the event loop of its own. */
  readonly served: () => void
  /** the address of the first environment's Runtime API; the others take free ports */
  readonly runtimeApi: Address
  /** where that address is taken, a free port will do */
  readonly anyRuntimeApi: boolean
  /** whether to do without what is Linux's own */
  readonly portable: boolean
  /** `AWS_ENDPOINT_URL_LAMBDA` of its processes, where functions call each other; undefined: none is given */
  readonly endpoint: () => string | undefined
  /** where the function reaches the API of durable executions; null: it is an ordinary function */
  readonly durableEndpoint: () => string | null
}

/** What the Runtime API of one environment has of its own. */
interface ApiParts {
  readonly telemetry: TelemetryPort
  readonly metadataToken: string
  readonly credentials: CredentialsOptions | null
}

export class HostedEnvironment {
  readonly environment: Environment
  /** `host:port` of its Runtime API, as its processes reach it; empty while its parts are made */
  readonly runtimeApi: string = ''
  readonly #parts: HostedParts
  readonly #listeners: PlatformListener[]
  readonly #api: RuntimeApi
  /** for the lines of parallel workers; null: there are none, or they share the pipe */
  readonly #logSocket: LogSocket | null

  /**
   * Opens its listener; nothing is started. `primary` is the one that has the configured address. Throws `ListenError`,
   * which is logged of all but the first environment: the program tells of that one, and ends.
   */
  constructor(id: EnvironmentId, primary: boolean, calls: PoolCalls, parts: HostedParts) {
    this.#parts = parts
    const { clock, config, functionProcesses } = parts
    const attached = config.launch.kind === 'attach'
    const port = (): number => Number(this.runtimeApi.replace(/^.*:/, ''))
    const log = config.maxEnvironments > 1 ? parts.log.child({ environment: id }) : parts.log
    const tail = createTail(parts.sinkOf(id))
    const subscriptions = parts.telemetry.open(id, log)
    const metadataToken: string = crypto.randomUUID()
    const credentials = credentialsOf(config, clock)
    const credentialsToken = credentials?.token ?? null
    this.#listeners = [logOf(parts, tail.write), subscriptions.listener, ...parts.listenersOf(id, log)]
    this.#listeners.push(onceServed(this.#listeners, parts.served))
    this.environment = new Environment({
      ...calls,
      id,
      attached,
      mode: parts.mode,
      processes: processesFor(parts, port),
      clock,
      listeners: this.#listeners,
      details: subscriptions,
      flush: (ms) => subscriptions.flush(ms),
      cutter: splitOutput,
      tail,
      log,
      functionTimeoutMs: config.timeoutMs,
      initTimeoutMs: config.initTimeoutMs,
      restoreTimeoutMs: config.snapStart?.restoreTimeoutMs ?? 0,
      recycleAfter: config.recycleAfter,
      discover: () => functionProcesses.discover(log),
      specify: (process) =>
        functionProcesses.specify(
          process,
          {
            runtimeApi: this.runtimeApi,
            metadataToken,
            credentialsToken,
            logSocket: this.#logSocket?.path,
            endpoint: parts.endpoint(),
          },
          parts.durableEndpoint(),
        ),
    })
    this.#api = this.#listen(primary, { telemetry: subscriptions, metadataToken, credentials }, log)
    this.#logSocket =
      config.maxConcurrency !== null && config.logFd ? openLogSocket(this.environment, log) : null
    this.runtimeApi = addressOf(this.#api, parts)
  }

  /** Adds a listener. */
  observe(listener: PlatformListener): void {
    this.#listeners.push(listener)
  }

  /** After its last process has ended: lets go of everything but its last records, which are still delivered. */
  [Symbol.dispose](): void {
    const { environment } = this
    const { telemetry, clock } = this.#parts
    telemetry.close(environment.id, environment.shutdownDeadline - clock.epoch())
    environment[Symbol.dispose]()
    void this.#api.stop()
    this.#logSocket?.[Symbol.dispose]()
  }

  #listen(primary: boolean, own: ApiParts, log: Log): RuntimeApi {
    const { runtimeApi, anyRuntimeApi } = this.#parts
    const { hostname } = runtimeApi
    // Their address is told to their own processes alone, which need no name for it.
    const open = (): RuntimeApi =>
      this.#open(own, log, { hostname: hostname === 'localhost' ? '127.0.0.1' : hostname, port: 0 })
    try {
      return primary ? this.#open(own, log, runtimeApi) : open()
    } catch (error) {
      if (primary && anyRuntimeApi && error instanceof ListenError && error.inUse) {
        const api = open()
        log.warn(
          { runtimeApi: addressOf(api, this.#parts) },
          `port ${runtimeApi.port} is in use, the Runtime API has a free one (--runtime-api-address)`,
        )
        return api
      }
      if (this.environment.id > 1) {
        log.error({ reason: String(error) }, 'an execution environment could not be made')
      }
      throw error
    }
  }

  #open({ telemetry, metadataToken, credentials }: ApiParts, log: Log, address: Address): RuntimeApi {
    const { config, facts, functionProcesses } = this.#parts
    const { name, version, handler = '', accountId, availabilityZoneId } = config
    return listen('--runtime-api-address', address, () =>
      openRuntimeApi(this.environment, {
        ...address,
        facts: { functionName: name, functionVersion: version, handler, accountId },
        telemetry,
        logsApi: !facts.managed,
        snapStart: config.snapStart === null ? null : { credentials },
        metadata: { token: metadataToken, availabilityZoneId },
        extensionsDisabled: () => functionProcesses.extensionsOff,
        log,
      }),
    )
  }
}

/** What the processes reach the listener by. */
function addressOf(api: RuntimeApi, { runtimeApi }: HostedParts): string {
  return childAddress(reachable(runtimeApi, api))
}

/** For the lines of its workers. Null: there can be none, which is told; they share the pipe then. */
function openLogSocket(environment: Environment, log: Log): LogSocket | null {
  const module = require('./process/log-socket.ts') as typeof import('./process/log-socket.ts')
  try {
    return module.openLogSocket(() => environment.workerOutput())
  } catch (error) {
    log.warn({ reason: String(error) }, 'lines of parallel workers may mix: there can be no socket for them')
    return null
  }
}

/** What writes the log, in the format that was asked for. */
function logOf({ config, facts, clock }: HostedParts, write: (lines: Lines) => void): PlatformListener {
  const { version, memorySize, logFormat, applicationLogLevel, systemLogLevel, snapStart } = config
  if (logFormat === 'Text') {
    const { managed } = facts
    return textLog({ functionVersion: version, memorySize, managed, snapStart: snapStart !== null, write })
  }
  const { jsonLog } = require('./telemetry/json-log.ts') as typeof import('./telemetry/json-log.ts')
  return jsonLog({ facts, clock, applicationLevel: applicationLogLevel, systemLevel: systemLogLevel, write })
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

/** `port` is that of the Runtime API, when it is open. */
function processesFor(
  { config: { launch }, processes, portable }: HostedParts,
  port: () => number,
): Processes {
  if (launch.kind === 'attach') return withAttachedRuntime(processes, port, portable)
  if (launch.kind !== 'broken') return processes
  const { withBrokenRuntime } = require('./process/broken.ts') as typeof import('./process/broken.ts')
  return withBrokenRuntime(processes, launch.reason)
}

/** A listener that takes itself out of the list when the first invocation is over. */
function onceServed(listeners: PlatformListener[], served: () => void): PlatformListener {
  let over = false
  const listener: PlatformListener = (event) => {
    if (event.type !== 'report' || over) return
    over = true
    // later, because the list is gone through now
    setImmediate(() => {
      listeners.splice(listeners.indexOf(listener), 1)
      served()
    })
  }
  return listener
}
