/**
 * The composition root: makes the parts and ties them together. `main` and programs that embed the emulator use it.
 */

import { openRuntimeApi, type RuntimeApi } from './api/server.ts'
import type { Config } from './config.ts'
import type { EnvironmentId } from './core/ids.ts'
import { Environment } from './engine/environment.ts'
import { Pool } from './engine/pool.ts'
import type { Clock, Log, Processes, ProcessSpec } from './engine/ports.ts'
import { type Gateway, openGateway } from './gateway/server.ts'
import { handlerCommand } from './handler/command.ts'
import { extensionsDisabled, listExtensions } from './process/bootstrap.ts'
import { childAddress, extensionEnvironment, runtimeEnvironment } from './process/environ.ts'
import { createLines } from './process/lines.ts'
import { createJournal } from './telemetry/journal.ts'
import { Metrics } from './telemetry/metrics.ts'
import type { Sink } from './telemetry/sink.ts'

export interface EmulatorParts {
  readonly processes: Processes & Partial<Disposable>
  readonly clock: Clock
  readonly sink: Sink
  /** where the log lines of one environment go; default: `sink`, where those of all follow each other */
  readonly sinkOf?: (id: EnvironmentId) => Sink
  /** a logger of which `child` makes one per environment */
  readonly log: Log & { child(fields: object): Log }
}

export interface Emulator extends AsyncDisposable {
  /** `http://HOST:PORT`, where callers post to */
  readonly url: string
  /** `host:port` that was really bound */
  readonly gateway: string
  /** `host:port` of the first environment's Runtime API */
  readonly runtimeApi: string
  readonly pool: Pool
  /**
   * Stops accepting, lets running invocations finish for the drain time or until `hurry` resolves, and ends all
   * processes. May be called more than once.
   */
  stop(hurry?: Promise<void>): Promise<void>
}

const prometheus = () => require('./telemetry/prometheus.ts') as typeof import('./telemetry/prometheus.ts')

/** A listen address that cannot be had. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly exitCode = 2
}

/** Opens both listeners, then starts what is to start eagerly. Throws `ListenError`. */
export function composeEmulator(config: Config, parts: EmulatorParts): Emulator {
  const { processes, clock, sink, log } = parts
  const apis = new Map<EnvironmentId, RuntimeApi>()
  const metrics = new Metrics()
  /** the environment that has the configured address; the others have free ports */
  let primary: EnvironmentId | null = null
  /** decided when the first environment looks for extensions, and kept (behaviour.md 4.2) */
  let extensionsOff: boolean | null = null

  const discover = (log: Log): readonly string[] => {
    extensionsOff ??= extensionsDisabled()
    if (extensionsOff) {
      log.info({}, 'extensions are disabled by /opt/disable-extensions-jwigqn8j')
      return []
    }
    const found = listExtensions(config.extensionsDirectory)
    if ('error' in found) {
      log.error({ directory: config.extensionsDirectory, reason: found.error }, 'extensions cannot be listed')
      return []
    }
    return found.names
  }

  const create = (id: EnvironmentId, changed: (environment: Environment) => void): Environment => {
    const named = config.maxEnvironments > 1 ? log.child({ environment: id }) : log
    const journal = createJournal({
      sink: parts.sinkOf?.(id) ?? sink,
      functionVersion: config.functionVersion,
      memorySize: config.memorySize,
      cutter: createLines,
    })
    let address = ''
    const environment = new Environment({
      id,
      processes,
      clock,
      journal,
      log: named,
      functionTimeoutMs: config.functionTimeoutMs,
      initTimeoutMs: config.initTimeoutMs,
      discover: () => discover(named),
      observer: metrics,
      specify: (process) => specify(config, process, address),
      changed,
    })
    const { hostname } = config.runtimeApi
    const port = primary === null ? config.runtimeApi.port : 0
    const open = (): RuntimeApi =>
      openRuntimeApi(environment, {
        hostname,
        port,
        facts: {
          functionName: config.functionName,
          functionVersion: config.functionVersion,
          handler: config.handler ?? '',
          accountId: config.accountId,
        },
        extensionsDisabled: () => extensionsOff === true,
        log: named,
      })
    let api: RuntimeApi
    try {
      api = listen('--runtime-api-address', hostname, port, open)
    } catch (error) {
      // of the first one the program tells, and ends
      if (id > 1) named.error({ reason: String(error) }, 'an execution environment could not be made')
      throw error
    }
    apis.set(id, api)
    primary ??= id
    address = childAddress(api)
    return environment
  }

  const pool = new Pool({
    clock,
    observer: metrics,
    maxEnvironments: config.maxEnvironments,
    maxQueue: config.maxQueue,
    environmentTtlMs: config.environmentTtlMs,
    create,
    release(environment) {
      environment[Symbol.dispose]()
      void apis.get(environment.id)?.stop()
      apis.delete(environment.id)
      if (primary === environment.id) primary = null
    },
  })

  const { hostname, port } = config.gateway
  const gateway: Gateway = listen('--runtime-interface-emulator-address', hostname, port, () =>
    openGateway(pool, {
      hostname,
      port,
      dialect: config.dialect,
      metrics: () =>
        prometheus().createExposition(metrics, () => ({
          waiting: pool.waiting,
          environments: pool.snapshot(),
        })),
      limits: { maxEnvironments: config.maxEnvironments, maxQueue: config.maxQueue },
      functionTimeoutMs: config.functionTimeoutMs,
      functionVersion: config.functionVersion,
      functionArn: `arn:aws:lambda:${config.region}:${config.accountId}:function:${config.functionName}`,
      epoch: clock.epoch,
      log,
    }),
  )
  let first: Environment
  try {
    first = pool.open(false)
  } catch (error) {
    void gateway.stop()
    throw error
  }
  const runtimeApi = childAddress(apis.get(first.id) as RuntimeApi)
  if (config.eagerInit) first.dispatch({ type: 'start' })

  let stopping: Promise<void> | null = null
  const stop = (hurry: Promise<void> = new Promise(() => {})): Promise<void> => {
    stopping ??= (async () => {
      gateway.close()
      if (pool.waiting > 0) log.warn({ invocations: pool.waiting }, 'invocations that wait are refused')
      await pool.drain(config.drainMs, hurry)
      // answers that are on their way are written before the sockets close
      await new Promise((resolve) => setImmediate(resolve))
      await gateway.stop()
      processes[Symbol.dispose]?.()
      sink.flush(true)
    })()
    return stopping
  }
  return {
    url: `http://${childAddress(gateway)}`,
    gateway: childAddress(gateway),
    runtimeApi,
    pool,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

function listen<T>(option: string, hostname: string, port: number, open: () => T): T {
  try {
    return open()
  } catch (error) {
    // Bun's word for a name that nobody knows
    const unknown = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const why = unknown ? 'there is no such host' : error instanceof Error ? error.message : String(error)
    throw new ListenError(`${option}: cannot listen on ${childAddress({ hostname, port })}: ${why}`)
  }
}

/** In a compiled program all modules live in a file system of its own. */
export const isCompiled = import.meta.url.includes('/$bunfs/')
const mainPath = `${import.meta.dir}/main.ts`

/** The command, directory and variables of a process. */
function specify(config: Config, process: 'runtime' | `extension:${string}`, api: string): ProcessSpec {
  if (process !== 'runtime') {
    const path = `${config.extensionsDirectory}/${process.slice('extension:'.length)}`
    return {
      name: process,
      argv: [path],
      cwd: globalThis.process.cwd(),
      env: extensionEnvironment(config, api),
    }
  }
  const env = runtimeEnvironment(config, api)
  const { launch } = config
  if (launch.kind === 'command') return { name: process, argv: launch.argv, cwd: launch.cwd, env }
  const command = handlerCommand(
    globalThis.process.execPath,
    isCompiled,
    mainPath,
    launch.handler,
    launch.cwd,
  )
  return { name: process, argv: command.argv, cwd: launch.cwd, env: { ...env, ...command.env } }
}
