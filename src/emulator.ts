/**
 * The composition root: makes the parts and ties them together. `main` and programs that embed the emulator use it.
 */

import type { Config } from './config/config.ts'
import type { Fault } from './core/failure.ts'
import type { EnvironmentId } from './core/ids.ts'
import type { WaitingEvents } from './engine/async-events.ts'
import type { Pool } from './engine/pool.ts'
import type { Clock, Log, Processes } from './engine/ports.ts'
import { type Gateway, openGateway } from './gateway/server.ts'
import { FunctionHost, type Recorder } from './host.ts'
import type { Listener } from './http/exchange.ts'
import type { RequestTrace } from './http/traced.ts'
import { listen } from './listen.ts'
import type { Durable } from './open-durable.ts'
import { boundAddress, childAddress, reachable } from './process/environ.ts'
import { Metrics } from './telemetry/metrics.ts'
import type { Sink } from './telemetry/sink.ts'

export interface EmulatorParts {
  readonly processes: Processes & Partial<Disposable>
  readonly clock: Clock
  readonly sink: Sink
  /** where the log lines of one environment go; default: `sink`, where those of all follow each other */
  readonly sinkOf?: (id: EnvironmentId) => Sink
  /** counts what happens, beside the metrics */
  readonly recorder?: Recorder | undefined
  /** a logger of which `child` makes one per environment */
  readonly log: Log & { child(fields: object): Log }
}

export interface RunningEmulator extends AsyncDisposable {
  /** `http://HOST:PORT`, where callers of this machine post to */
  readonly url: string
  /** `host:port` that was really bound: `[::]` for every address of the machine */
  readonly gateway: string
  /** `host:port` of the first environment's Runtime API */
  readonly runtimeApi: string
  /** `http://HOST:PORT` of the Function URL; null when it is off */
  readonly functionUrl: string | null
  readonly pool: Pool
  /** events without a waiting caller that wait for an environment or for another try */
  readonly asyncEvents: WaitingEvents
  /** Resolves when no invocation waits or runs, no event waits for another try, and no record is under way. */
  idle(): Promise<void>
  /** Initialises the function unless it is. Resolves when an environment is free; rejects with why there will be none. */
  ready(): Promise<void>
  /** Resolves when a process has ended by itself or an init has failed, and that is to be the end of all. */
  readonly crashed: Promise<Fault>
  /**
   * Stops accepting, lets running invocations finish for the drain time or until `hurry` resolves, and ends all
   * processes. May be called more than once.
   */
  stop(hurry?: Promise<void>): Promise<void>
}

function prometheus(): typeof import('./telemetry/prometheus.ts') {
  return require('./telemetry/prometheus.ts')
}

function dashboard(): typeof import('./telemetry/dashboard.ts') {
  return require('./telemetry/dashboard.ts')
}

function consoleOf(): typeof import('./open-console.ts') {
  return require('./open-console.ts')
}

function reloader(): typeof import('./reload.ts') {
  return require('./reload.ts')
}

/** Opens all listeners, then starts what is to start eagerly. Throws `ListenError`. */
export function composeEmulator(config: Config, parts: EmulatorParts): RunningEmulator {
  const { emulator } = config
  const { processes, clock, sink, log } = parts
  const metrics = new Metrics()
  const crashed = Promise.withResolvers<Fault>()
  const host = new FunctionHost(config.function, {
    processes,
    clock,
    sinkOf: parts.sinkOf ?? (() => sink),
    log,
    metrics,
    recorder: parts.recorder,
    runtimeApi: emulator.runtimeApi,
    anyRuntimeApi: emulator.anyRuntimeApi,
    // there is no other function, and the configuration names none
    toFunction: () => 'stopping',
    crashed: emulator.exitOnCrash ? crashed.resolve : null,
  })
  const { pool } = host
  const durable = openRuns(config, host, parts)
  // first, because who waits for the gateway expects all to be there
  const functionUrl = openUrl(config, host, parts)
  const listeners: { stop(): Promise<void> }[] = functionUrl === null ? [] : [functionUrl]
  let gateway: Gateway
  let opened: ReturnType<FunctionHost['open']>
  try {
    gateway = openFront(config, host, metrics, parts, urlOf(config, functionUrl), durable)
    listeners.push(gateway)
    if (durable !== null) host.endpoint = `http://${childAddress(reachable(emulator.gateway, gateway))}`
    opened = host.open()
  } catch (error) {
    for (const listener of listeners) void listener.stop()
    durable?.[Symbol.dispose]()
    throw error
  }
  durable?.restore()
  // a runtime that somebody else starts is expected from the beginning
  const attached = config.function.launch.kind === 'attach'
  if (emulator.eagerInit || attached) opened.first.dispatch({ type: 'start' })
  const reload =
    emulator.watch === null || attached ? null : reloader().reloadOnChange(config, host, log, clock.epoch)

  let stopping: Promise<void> | null = null
  function stop(hurry: Promise<void> = new Promise(() => {})): Promise<void> {
    stopping ??= (async () => {
      gateway.close()
      void reload?.[Symbol.asyncDispose]()
      functionUrl?.close()
      if (pool.waiting > 0) log.warn({ invocations: pool.waiting }, 'invocations that wait are refused')
      durable?.stop()
      await host.drain(emulator.drainMs, hurry)
      durable?.[Symbol.dispose]()
      // answers that are on their way are written before the sockets close
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all(listeners.map((listener) => listener.stop()))
      processes[Symbol.dispose]?.()
      sink.flush(true)
    })()
    return stopping
  }
  async function ready(): Promise<void> {
    const before = host.lastFailure.value
    const failed = (): boolean => {
      const failure = host.lastFailure.value
      return failure !== null && failure !== before && pool.snapshot().every(({ state }) => state === 'cold')
    }
    pool.warmUp()
    await pool.untilReady(failed)
    if (pool.ready) return
    const failure = host.lastFailure.value
    if (pool.draining || failure === null) throw new Error('the emulator has been stopped')
    throw new Error(`${failure.during} failed: ${failure.errorType}: ${failure.errorMessage}`)
  }
  return {
    url: `http://${childAddress(reachable(emulator.gateway, gateway))}`,
    gateway: boundAddress(gateway),
    runtimeApi: opened.runtimeApi,
    functionUrl: urlOf(config, functionUrl),
    pool,
    get asyncEvents() {
      return host.asyncEvents
    },
    idle: () => host.idle(),
    crashed: crashed.promise,
    ready,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** Durable executions, if the function is a durable one; null: nothing of them is loaded. Throws `ConfigError` for its store. */
function openRuns(config: Config, host: FunctionHost, { clock, log }: EmulatorParts): Durable | null {
  const { function: of, emulator } = config
  if (of.durable === null) return null
  const unit = { config: of, arn: host.arn, pool: host.pool }
  const { openDurable } = require('./open-durable.ts') as typeof import('./open-durable.ts')
  const durable = openDurable({
    clock,
    log,
    store: emulator.durableStore,
    debug: emulator.debug,
    // every name of callers means this function; to itself it has its own
    find: (name) => (name === of.name || name === 'function' ? unit : null),
    arnOf: (name) => `${host.arn.slice(0, host.arn.lastIndexOf(':'))}:${name}`,
  })
  host.durable = durable.functionOf(unit)
  return durable
}

/** Opens the listener for callers. Throws `ListenError`. */
function openFront(
  config: Config,
  host: FunctionHost,
  metrics: Metrics,
  parts: EmulatorParts,
  functionUrl: string | null,
  durable: Durable | null,
): Gateway {
  const { maxEnvironments, maxQueue } = config.function
  const address = config.emulator.gateway
  const { pool } = host
  return listen('--runtime-interface-emulator-address', address, () =>
    openGateway(host, {
      ...address,
      dialect: config.emulator.dialect,
      origins: config.emulator.origins,
      metrics: () =>
        prometheus().createExposition(metrics, () => ({
          waiting: pool.waiting,
          waitingEvents: host.asyncEvents.waiting,
          environments: pool.snapshot(),
          limits: { maxEnvironments, maxQueue },
        })),
      durable: durable?.api ?? null,
      dashboard: () => dashboard().dashboard(),
      limits: { maxEnvironments, maxQueue },
      console:
        config.emulator.console === null
          ? null
          : () => consoleOf().openConsole(config, host, parts.clock, functionUrl),
      asyncEvents: () => host.asyncEvents,
      lastFailure: () => host.lastFailure.value,
      managed: config.function.maxConcurrency !== null,
      epoch: parts.clock.epoch,
      log: parts.log,
      trace: traceOf(config, parts, 'request answered'),
    }),
  )
}

/** Where each request is told of, if the level of the log lets it through. */
function traceOf({ emulator: { logLevel } }: Config, { log, clock }: EmulatorParts, message: string) {
  if (logLevel !== 'debug' && logLevel !== 'trace') return undefined
  return { now: clock.now, tell: (trace: RequestTrace) => log.debug(trace, message) }
}

/** Opens the listener of the Function URL, if there is to be one. Throws `ListenError`. */
function openUrl(config: Config, host: FunctionHost, parts: EmulatorParts): Listener | null {
  const { clock, log } = parts
  const { url, region } = config.function
  if (url === null) return null
  const { openFunctionUrl } = functionUrlServer()
  return listen('--function-url-address', url.address, () =>
    openFunctionUrl(host, url.address, {
      invokeMode: url.invokeMode,
      cors: url.cors,
      region,
      epoch: clock.epoch,
      log,
      trace: traceOf(config, parts, 'request of the Function URL answered'),
    }),
  )
}

function urlOf({ function: { url } }: Config, listener: Listener | null): string | null {
  return url === null || listener === null ? null : `http://${childAddress(reachable(url.address, listener))}`
}

/** Not loaded by those who have none. */
function functionUrlServer(): typeof import('./gateway/url/server.ts') {
  return require('./gateway/url/server.ts')
}
