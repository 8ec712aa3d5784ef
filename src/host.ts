/** One function: its environments, each with a Runtime API listener of its own, and what its processes are started with. */

import { openRuntimeApi, type RuntimeApi } from './api/server.ts'
import type { FunctionConfig } from './config/config.ts'
import type { Address } from './config/options.ts'
import type { EnvironmentId } from './core/ids.ts'
import { diagnostics } from './engine/diagnostics.ts'
import { Environment } from './engine/environment.ts'
import { Pool } from './engine/pool.ts'
import type { Clock, Log, Processes, ProcessSpec } from './engine/ports.ts'
import { handlerCommand } from './handler/command.ts'
import { listen } from './listen.ts'
import { extensionsDisabled, listExtensions } from './process/bootstrap.ts'
import { childAddress, extensionEnvironment, runtimeEnvironment } from './process/environ.ts'
import { splitLines } from './process/lines.ts'
import type { Metrics } from './telemetry/metrics.ts'
import type { Sink } from './telemetry/sink.ts'
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
  /** the address of the first environment's Runtime API; the others take free ports */
  readonly runtimeApi: Address
}

/** In a compiled program all modules live in a file system of its own. */
export const isCompiled = import.meta.url.includes('/$bunfs/')
const mainPath = `${import.meta.dir}/main.ts`

export class FunctionHost {
  readonly pool: Pool
  readonly #config: FunctionConfig
  readonly #parts: HostParts
  readonly #apis = new Map<EnvironmentId, RuntimeApi>()
  /** the environment that has the configured address */
  #primary: EnvironmentId | null = null
  /** decided when the first environment looks for extensions, and kept (behaviour.md 4.2) */
  #extensionsOff: boolean | null = null

  constructor(config: FunctionConfig, parts: HostParts) {
    this.#config = config
    this.#parts = parts
    this.pool = new Pool({
      clock: parts.clock,
      observer: parts.metrics,
      maxEnvironments: config.maxEnvironments,
      maxQueue: config.maxQueue,
      environmentTtlMs: config.environmentTtlMs,
      create: (id, changed) => this.#create(id, changed),
      release: (environment) => this.#release(environment),
    })
  }

  /** `arn:aws:lambda:…` without a qualifier. */
  get arn(): string {
    const { region, accountId, name } = this.#config
    return `arn:aws:lambda:${region}:${accountId}:function:${name}`
  }

  /**
   * Makes the first environment and opens its listener, before anything starts. Returns the address that was bound.
   * Throws `ListenError`.
   */
  open(): { readonly first: Environment; readonly runtimeApi: string } {
    const first = this.pool.open(false)
    return { first, runtimeApi: childAddress(this.#apis.get(first.id) as RuntimeApi) }
  }

  #create(id: EnvironmentId, changed: (environment: Environment) => void): Environment {
    const { processes, clock, metrics } = this.#parts
    const config = this.#config
    const log = config.maxEnvironments > 1 ? this.#parts.log.child({ environment: id }) : this.#parts.log
    const tail = createTail(this.#parts.sinkOf(id))
    let address = ''
    const environment = new Environment({
      id,
      processes,
      clock,
      listeners: [
        textLog({ functionVersion: config.version, memorySize: config.memorySize, write: tail.write }),
        metrics.listener,
        diagnostics(log),
      ],
      cutter: splitLines,
      tail,
      log,
      functionTimeoutMs: config.timeoutMs,
      initTimeoutMs: config.initTimeoutMs,
      discover: () => this.#discover(log),
      specify: (process) => specify(config, process, address),
      changed,
    })
    const api = this.#listen(environment, log)
    this.#apis.set(id, api)
    this.#primary ??= id
    address = childAddress(api)
    return environment
  }

  #listen(environment: Environment, log: Log): RuntimeApi {
    const { runtimeApi } = this.#parts
    const { name, version, handler = '', accountId } = this.#config
    const { hostname } = runtimeApi
    const port = this.#primary === null ? runtimeApi.port : 0
    try {
      return listen('--runtime-api-address', hostname, port, () =>
        openRuntimeApi(environment, {
          hostname,
          port,
          facts: { functionName: name, functionVersion: version, handler, accountId },
          extensionsDisabled: () => this.#extensionsOff === true,
          log,
        }),
      )
    } catch (error) {
      // That the first one cannot be made is told by the program, which ends.
      if (environment.id > 1) {
        log.error({ reason: String(error) }, 'an execution environment could not be made')
      }
      throw error
    }
  }

  #release(environment: Environment): void {
    environment[Symbol.dispose]()
    void this.#apis.get(environment.id)?.stop()
    this.#apis.delete(environment.id)
    if (this.#primary === environment.id) this.#primary = null
  }

  #discover(log: Log): readonly string[] {
    this.#extensionsOff ??= extensionsDisabled()
    if (this.#extensionsOff) {
      log.info({}, 'extensions are disabled by /opt/disable-extensions-jwigqn8j')
      return []
    }
    const directory = this.#config.extensionsDirectory
    const found = listExtensions(directory)
    if ('error' in found) {
      log.error({ directory, reason: found.error }, 'extensions cannot be listed')
      return []
    }
    return found.names
  }
}

/** The command, directory and variables of a process. */
function specify(
  config: FunctionConfig,
  process: 'runtime' | `extension:${string}`,
  api: string,
): ProcessSpec {
  if (process !== 'runtime') {
    const path = `${config.extensionsDirectory}/${process.slice('extension:'.length)}`
    const env = extensionEnvironment(config, api)
    return { name: process, argv: [path], cwd: globalThis.process.cwd(), env }
  }
  const env = runtimeEnvironment(config, api)
  const { launch } = config
  if (launch.kind === 'command') return { name: process, argv: launch.argv, cwd: launch.cwd, env }
  const { execPath } = globalThis.process
  const command = handlerCommand(execPath, isCompiled, mainPath, launch.handler, launch.cwd)
  return { name: process, argv: command.argv, cwd: launch.cwd, env: { ...env, ...command.env } }
}
