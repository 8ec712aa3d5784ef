/**
 * The composition root: makes the parts and ties them together. `main` and programs that embed the emulator use it.
 */

import type { Config, FunctionConfig, SystemConfig } from './config/config.ts'
import type { Fault } from './core/failure.ts'
import type { EnvironmentId } from './core/ids.ts'
import type { Acceptance } from './engine/async-events.ts'
import { Deadline } from './engine/deadline.ts'
import type { Clock, Log, Processes } from './engine/ports.ts'
import { parseTarget } from './gateway/request.ts'
import type { ServedFunctions } from './gateway/served.ts'
import { type Gateway, openGateway } from './gateway/server.ts'
import { arnOf, FunctionHost, type Recorder } from './host.ts'
import type { RequestTrace } from './http/traced.ts'
import { listen } from './listen.ts'
import type { Durable } from './open-durable.ts'
import type { FunctionUrls } from './open-urls.ts'
import { boundAddress, childAddress, reachable } from './process/environ.ts'
import { Metrics } from './telemetry/metrics.ts'
import type { Sink } from './telemetry/sink.ts'

export interface EmulatorParts {
  readonly processes: Processes & Partial<Disposable>
  readonly clock: Clock
  readonly sink: Sink
  /** where the log lines of one environment of a function go; default: `sink`, where those of all follow each other */
  readonly sinkOf?: (id: EnvironmentId, functionName: string) => Sink
  /** counts what happens, beside the metrics */
  readonly recorder?: Recorder | undefined
  /** a logger of which `child` makes one per function and per environment */
  readonly log: Log & { child(fields: object): Log & { child(fields: object): Log } }
}

/** One of the functions that an emulator runs. */
export interface RunningFunction {
  readonly name: string
  readonly config: FunctionConfig
  readonly host: FunctionHost
  /** `http://HOST:PORT` and a path if it has one, without a slash at its end; null when it is off */
  readonly functionUrl: string | null
  /** Initialises the function unless it is. Resolves when an environment is free; rejects with why there will be none. */
  ready(): Promise<void>
}

export interface RunningEmulator extends AsyncDisposable {
  /** `http://HOST:PORT`, where callers of this machine post to */
  readonly url: string
  /** `host:port` that was really bound: `[::]` for every address of the machine */
  readonly gateway: string
  /** `host:port` of the Runtime API of the first function's first environment */
  readonly runtimeApi: string
  readonly first: RunningFunction
  /** with the first */
  readonly functions: readonly RunningFunction[]
  /** By name or alias; null: there is none. */
  find(name: string): RunningFunction | null
  /** Resolves when no invocation waits or runs, no event waits for another try, and no record is under way. */
  idle(): Promise<void>
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

function compiler(): typeof import('./compiler.ts') {
  return require('./compiler.ts')
}

/** Milliseconds after the start: a cold start is over by then, and nothing has been compiled for the last time. */
const spareCompilerMs = 250

/** Not loaded by those who have none. */
function functionUrls(): typeof import('./open-urls.ts') {
  return require('./open-urls.ts')
}

/** A function while the emulator is put together. */
interface Unit {
  readonly config: FunctionConfig
  readonly metrics: Metrics
  readonly host: FunctionHost
}

/** Opens all listeners, then starts what is to start eagerly. Throws `ListenError`. */
export function composeEmulator(config: Config | SystemConfig, parts: EmulatorParts): RunningEmulator {
  const { emulator } = config
  const { processes, sink, log } = parts
  const crashed = Promise.withResolvers<Fault>()
  const named = 'functions' in config
  const configs = named ? config.functions : [config.function]
  /** where functions of several reach each other; known when the gateway listens, before any of them starts */
  let endpoint: string | undefined
  let urls: FunctionUrls | null = null
  const units = configs.map((each, index) => unitOf(each, index))
  const [firstUnit] = units as [Unit, ...Unit[]]
  const find = finderOf(units)

  function unitOf(each: FunctionConfig, index: number): Unit {
    const metrics = new Metrics()
    const { runtimeApi } = emulator
    const { name } = each
    const host = new FunctionHost(each, {
      processes,
      clock: parts.clock,
      sinkOf: parts.sinkOf === undefined ? () => sink : (id) => parts.sinkOf?.(id, name) ?? sink,
      log: named ? log.child({ function: name }) : log,
      metrics,
      recorder: parts.recorder,
      runtimeApi: index === 0 ? runtimeApi : { hostname: runtimeApi.hostname, port: 0 },
      anyRuntimeApi: emulator.anyRuntimeApi,
      portable: emulator.portable,
      endpoint: () => endpoint,
      urlOf: (other) => urls?.urlOf(find(other)?.config.name ?? other) ?? null,
      crashed: emulator.exitOnCrash ? crashed.resolve : null,
      toFunction: (target, record, traceId) => toFunction(find, target, record, traceId),
    })
    return { config: each, metrics, host }
  }

  const durable = openRuns(config, units, find, parts)
  // first, because who waits for the gateway expects all to be there
  const hasUrls = configs.some(({ url }) => url !== null)
  urls = hasUrls ? functionUrls().openUrls(emulator, units, parts) : null
  let gateway: Gateway
  let url: string
  let runtimeApi: string
  try {
    gateway = openFront(config, units, find, parts, (name) => urls?.urlOf(name) ?? null, durable)
    url = `http://${childAddress(reachable(emulator.gateway, gateway))}`
    if (named) endpoint = url
    for (const { host } of units) if (host.durable !== null) host.endpoint = url
    try {
      runtimeApi = firstUnit.host.open()
    } catch (error) {
      void gateway.stop()
      throw error
    }
  } catch (error) {
    void urls?.stop()
    durable?.[Symbol.dispose]()
    throw error
  }
  durable?.restore()
  const spare = new Deadline(parts.clock.now, () =>
    compiler().spareCompiler(urls === null ? [] : functionUrls().urlCode),
  )
  spare.arm(spareCompilerMs)
  const functions = units.map(({ config: each, host }): RunningFunction => {
    // a runtime that somebody else starts is expected from the beginning
    if (emulator.eagerInit || each.launch.kind === 'attach') host.pool.warmUp()
    const functionUrl = urls?.urlOf(each.name) ?? null
    return { name: each.name, config: each, host, functionUrl, ready: () => host.ready() }
  })
  const { watch } = emulator
  const watched = units.filter(({ config: each }) => each.launch.kind !== 'attach')
  const reload =
    watch === null
      ? null
      : reloader().reloadOnChange(
          { ...emulator, watch },
          watched.map(({ config: each, host }) => ({
            config: each,
            host,
            log: named ? log.child({ function: each.name }) : log,
          })),
          log,
          parts.clock.epoch,
        )

  let stopping: Promise<void> | null = null
  function stop(hurry: Promise<void> = new Promise(() => {})): Promise<void> {
    stopping ??= (async () => {
      spare[Symbol.dispose]()
      gateway.close()
      void reload?.[Symbol.asyncDispose]()
      urls?.close()
      const waiting = units.reduce((sum, { host }) => sum + host.pool.waiting, 0)
      if (waiting > 0) log.warn({ invocations: waiting }, 'invocations that wait are refused')
      durable?.stop()
      await Promise.all(units.map(({ host }) => host.drain(emulator.drainMs, hurry)))
      durable?.[Symbol.dispose]()
      // answers that are on their way are written before the sockets close
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([urls?.stop(), gateway.stop()])
      processes[Symbol.dispose]?.()
      sink.flush(true)
    })()
    return stopping
  }
  return {
    url,
    gateway: boundAddress(gateway),
    runtimeApi,
    first: functions[0] as RunningFunction,
    functions,
    find(name) {
      const unit = find(name)
      return unit === null ? null : (functions[units.indexOf(unit)] as RunningFunction)
    },
    async idle() {
      // what one has ended in may be an event of another
      do await Promise.all(units.map(({ host }) => host.idle()))
      while (units.some(({ host }) => !host.isIdle))
    },
    crashed: crashed.promise,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** Durable executions, if a function is a durable one; null: nothing of them is loaded. Throws `ConfigError` for their store. */
function openRuns(
  config: Config | SystemConfig,
  units: readonly Unit[],
  find: (name: string) => Unit | null,
  { clock, log }: EmulatorParts,
): Durable | null {
  if (units.every((unit) => unit.config.durable === null)) return null
  const { emulator } = config
  const [first] = units as [Unit, ...Unit[]]
  const { region, accountId } = first.config
  const runUnits = new Map(
    units.map((unit) => [unit, { config: unit.config, arn: unit.host.arn, pool: unit.host.pool }]),
  )
  const { openDurable } = require('./open-durable.ts') as typeof import('./open-durable.ts')
  const durable = openDurable({
    clock,
    log,
    store: emulator.durableStore,
    debug: emulator.debug,
    find(name) {
      // of one function every name of callers means it; to itself it has its own
      const unit = name === 'function' && !('functions' in config) ? first : find(name)
      return unit === null ? null : (runUnits.get(unit) ?? null)
    },
    arnOf: (name) => arnOf({ region, accountId, name }),
  })
  for (const [{ host }, unit] of runUnits) host.durable = durable.functionOf(unit)
  return durable
}

/** Finds a function by name or alias. */
function finderOf(units: readonly Unit[]): (name: string) => Unit | null {
  const byName = new Map(
    units.flatMap((unit) => [unit.config.name, ...unit.config.aliases].map((name) => [name, unit])),
  )
  return (name) => byName.get(name) ?? null
}

/** Gives the record of an event to another function, as an event with an id of its own. `target` may be its ARN. */
function toFunction(
  find: (name: string) => Unit | null,
  target: string,
  record: string,
  traceId: string,
): Acceptance {
  const parsed = parseTarget(target, null)
  const unit = 'name' in parsed ? find(parsed.name) : null
  if (unit === null) return 'stopping'
  const payload = new TextEncoder().encode(record)
  return unit.host.acceptRecord(payload, traceId)
}

/** Opens the listener for callers. Throws `ListenError`. */
function openFront(
  config: Config | SystemConfig,
  units: readonly Unit[],
  find: (name: string) => Unit | null,
  parts: EmulatorParts,
  urlOf: (name: string) => string | null,
  durable: Durable | null,
): Gateway {
  const { emulator } = config
  const address = emulator.gateway
  const named = 'functions' in config
  return listen('--runtime-interface-emulator-address', address, () =>
    openGateway(servedBy(units, find, named), {
      ...address,
      dialect: emulator.dialect,
      origins: emulator.origins,
      metrics: () => prometheus().createExposition(units.map(measured), named),
      durable: durable?.api ?? null,
      dashboard: () => dashboard().dashboard(),
      console:
        emulator.console === null
          ? null
          : () => consoleOf().openConsole(emulator, { units, named, urlOf }, parts.clock),
      epoch: parts.clock.epoch,
      log: parts.log,
      trace: traceOf(emulator, parts, 'request answered'),
    }),
  )
}

function servedBy(
  units: readonly Unit[],
  find: (name: string) => Unit | null,
  named: boolean,
): ServedFunctions {
  const [first] = units as [Unit, ...Unit[]]
  if (!named) return { only: first.host }
  const { region, accountId } = first.config
  return {
    only: null,
    all: units.map(({ host }) => host),
    find: (name) => find(name)?.host ?? null,
    arnOf: (name) => arnOf({ region, accountId, name }),
  }
}

function measured({ config, metrics, host }: Unit) {
  const { pool } = host
  return {
    name: config.name,
    metrics,
    situation: () => ({
      waiting: pool.waiting,
      waitingEvents: host.asyncEvents.waiting,
      durable: host.durable?.counts ?? null,
      environments: pool.snapshot(),
      limits: host.limits,
    }),
  }
}

/** Where each request is told of, if the level of the log lets it through. */
export function traceOf(
  { logLevel }: Config['emulator'],
  { log, clock }: Pick<EmulatorParts, 'log' | 'clock'>,
  message: string,
) {
  if (logLevel !== 'debug' && logLevel !== 'trace') return undefined
  return { now: clock.now, tell: (trace: RequestTrace) => log.debug(trace, message) }
}
