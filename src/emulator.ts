/**
 * The composition root: makes the parts and ties them together. `main` and programs that embed the emulator use it.
 */

import type { Config, FunctionConfig, SystemConfig } from './config/config.ts'
import type { Fault } from './core/failure.ts'
import type { EnvironmentId } from './core/ids.ts'
import type { Acceptance } from './engine/async-events.ts'
import type { Clock, Log, Processes } from './engine/ports.ts'
import { openFront } from './front.ts'
import { parseTarget } from './gateway/request.ts'
import type { Gateway } from './gateway/server.ts'
import { arnOf, FunctionHost, type Recorder } from './host.ts'
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
  /** called when the first invocation is over, in a turn of the event loop of its own */
  readonly served?: () => void
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

function reloader(): typeof import('./reload.ts') {
  return require('./reload.ts')
}

function compiler(): typeof import('./compiler.ts') {
  return require('./compiler.ts')
}

/** Not loaded by those who log text. */
function jsonLog(): typeof import('./telemetry/json-log.ts') {
  return require('./telemetry/json-log.ts')
}

/** Not loaded by those who have none. */
function functionUrls(): typeof import('./open-urls.ts') {
  return require('./open-urls.ts')
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
  let spared = false
  function spareCompiler(): void {
    if (spared) return
    spared = true
    const url = urls === null ? [] : functionUrls().urlCode
    const json = configs.some(({ logFormat }) => logFormat === 'JSON') ? jsonLog().jsonLogCode() : []
    compiler().spareCompiler([sink.write, ...url, ...json])
    parts.served?.()
  }
  const hosts = configs.map(hostOf)
  const [firstHost] = hosts as [FunctionHost, ...FunctionHost[]]
  const find = finderOf(hosts)

  function hostOf(each: FunctionConfig, index: number): FunctionHost {
    const { runtimeApi } = emulator
    const { name } = each
    return new FunctionHost(each, {
      processes,
      clock: parts.clock,
      sinkOf: parts.sinkOf === undefined ? () => sink : (id) => parts.sinkOf?.(id, name) ?? sink,
      log: named ? log.child({ function: name }) : log,
      metrics: new Metrics(),
      recorder: parts.recorder,
      runtimeApi: index === 0 ? runtimeApi : { hostname: runtimeApi.hostname, port: 0 },
      anyRuntimeApi: emulator.anyRuntimeApi,
      portable: emulator.portable,
      endpoint: () => endpoint,
      urlOf: (other) => urls?.urlOf(find(other)?.name ?? other) ?? null,
      crashed: emulator.exitOnCrash ? crashed.resolve : null,
      served: spareCompiler,
      toFunction: (target, record, traceId) => toFunction(find, target, record, traceId),
    })
  }

  const durable = openRuns(config, hosts, find, parts)
  // first, because who waits for the gateway expects all to be there
  const hasUrls = configs.some(({ url }) => url !== null)
  urls = hasUrls ? functionUrls().openUrls(emulator, hosts, parts) : null
  let gateway: Gateway
  let url: string
  let runtimeApi: string
  try {
    gateway = openFront(config, {
      ...parts,
      hosts,
      find,
      urlOf: (name) => urls?.urlOf(name) ?? null,
      durable,
    })
    url = `http://${childAddress(reachable(emulator.gateway, gateway))}`
    if (named) endpoint = url
    for (const host of hosts) if (host.durable !== null) host.endpoint = url
    try {
      runtimeApi = firstHost.open()
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
  const functions = hosts.map((host): RunningFunction => {
    const { name, config: each } = host
    // a runtime that somebody else starts is expected from the beginning
    if (emulator.eagerInit || each.launch.kind === 'attach') host.pool.warmUp()
    const functionUrl = urls?.urlOf(name) ?? null
    return { name, config: each, host, functionUrl, ready: () => host.ready() }
  })
  const { watch } = emulator
  const watched = hosts.filter(({ config: { launch } }) => launch.kind !== 'attach')
  const reload =
    watch === null
      ? null
      : reloader().reloadOnChange(
          { ...emulator, watch },
          watched.map((host) => ({ host, log: named ? log.child({ function: host.name }) : log })),
          log,
          parts.clock.epoch,
        )

  let stopping: Promise<void> | null = null
  function stop(hurry: Promise<void> = new Promise(() => {})): Promise<void> {
    stopping ??= (async () => {
      gateway.close()
      void reload?.[Symbol.asyncDispose]()
      urls?.close()
      const waiting = hosts.reduce((sum, { pool }) => sum + pool.waiting, 0)
      if (waiting > 0) log.warn({ invocations: waiting }, 'invocations that wait are refused')
      durable?.stop()
      await Promise.all(hosts.map((host) => host.drain(emulator.drainMs, hurry)))
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
      const found = find(name)
      return found === null ? null : (functions[hosts.indexOf(found)] as RunningFunction)
    },
    async idle() {
      // what one has ended in may be an event of another
      do await Promise.all(hosts.map((host) => host.idle()))
      while (hosts.some(({ isIdle }) => !isIdle))
    },
    crashed: crashed.promise,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** Durable executions, if a function is a durable one; null: nothing of them is loaded. Throws `ConfigError` for their store. */
function openRuns(
  config: Config | SystemConfig,
  hosts: readonly FunctionHost[],
  find: (name: string) => FunctionHost | null,
  { clock, log }: EmulatorParts,
): Durable | null {
  if (hosts.every((host) => host.config.durable === null)) return null
  const { emulator } = config
  const [first] = hosts as [FunctionHost, ...FunctionHost[]]
  const { region, accountId } = first.config
  const { openDurable } = require('./open-durable.ts') as typeof import('./open-durable.ts')
  const durable = openDurable({
    clock,
    log,
    store: emulator.durableStore,
    debug: emulator.debug,
    // of one function every name of callers means it; to itself it has its own
    find: (name) => (name === 'function' && !('functions' in config) ? first : find(name)),
    arnOf: (name) => arnOf({ region, accountId, name }),
  })
  for (const host of hosts) host.durable = durable.functionOf(host)
  return durable
}

/** Finds a function by name or alias. */
function finderOf(hosts: readonly FunctionHost[]): (name: string) => FunctionHost | null {
  const byName = new Map(
    hosts.flatMap((host) => [host.name, ...host.config.aliases].map((name) => [name, host])),
  )
  return (name) => byName.get(name) ?? null
}

/** Gives the record of an event to another function, as an event with an id of its own. `target` may be its ARN. */
function toFunction(
  find: (name: string) => FunctionHost | null,
  target: string,
  record: string,
  traceId: string,
): Acceptance {
  const parsed = parseTarget(target, null)
  const host = 'name' in parsed ? find(parsed.name) : null
  if (host === null) return 'stopping'
  return host.acceptRecord(new TextEncoder().encode(record), traceId)
}
