/** What each process of a function is started with: its program, its folder, its variables; and which extensions there are. */

import { extname } from 'node:path'
import type { FunctionConfig } from './config/config.ts'
import type { Launch } from './config/launch.ts'
import type { Log, ProcessName, ProcessSpec } from './engine/ports.ts'
import { type HandlerCommand, handlerCommand } from './handler/command.ts'
import { disablingFile, extensionsDisabled, listExtensions, whyNotRunnable } from './process/bootstrap.ts'
import {
  type EnvironmentVariables,
  extensionEnvironment,
  giveDurable,
  runtimeEnvironment,
} from './process/environ.ts'

/** In a compiled program all modules live in a file system of its own. */
export const isCompiled = import.meta.url.includes('/$bunfs/')
/** `main.ts` here, `main.js` in the package. */
const mainPath = `${import.meta.dir}/main${extname(import.meta.path)}`

/** The command of this program. From source it is the bun CLI, which would read the function's .env and bunfig.toml. */
export const selfCommand: readonly string[] = isCompiled
  ? [process.execPath]
  : [process.execPath, '--no-env-file', '--config=/dev/null', '--no-install', mainPath]

export class FunctionProcesses {
  readonly #config: FunctionConfig
  readonly #urlOf: (functionName: string) => string | null
  /** what switches extensions off; a layer does from when the first environment looks for them (behaviour.md 4.2) */
  #off: string | undefined
  #lookedForLayer = false
  /** names of extensions that have been looked at */
  readonly #examined = new Set<string>()
  /** paths of those that lie in layers; null: there are no layers */
  #layerExtensions: ReadonlyMap<string, string> | null = null

  /** `urlOf` gives the address of the Function URL of another function, by name or alias; null: it has none. */
  constructor(config: FunctionConfig, urlOf: (functionName: string) => string | null) {
    this.#config = config
    this.#urlOf = urlOf
    this.#off = config.extensionsOff
  }

  /** Extensions are neither started nor answered. */
  get extensionsOff(): boolean {
    return this.#off !== undefined
  }

  /** The names of the external extensions, in the order in which they are started; none where they cannot be listed. */
  discover(log: Log): readonly string[] {
    if (!this.#lookedForLayer && extensionsDisabled()) this.#off ??= disablingFile
    this.#lookedForLayer = true
    if (this.#off !== undefined) {
      log.info({}, `extensions are disabled by ${this.#off}`)
      return []
    }
    const directory = this.#config.extensionsDirectory
    const found = listExtensions(directory)
    if ('error' in found) {
      log.error({ directory, reason: found.error }, 'extensions cannot be listed')
      return []
    }
    const { layers } = this.#config
    const ofLayers = layers.length === 0 ? null : layersModule().layerExtensions(layers, log)
    this.#layerExtensions = ofLayers
    const names = ofLayers === null ? found.names : [...new Set([...found.names, ...ofLayers.keys()])].sort()
    for (const name of names) this.#examine(name, ofLayers?.get(name) ?? `${directory}/${name}`, log)
    return names
  }

  /**
   * The command, directory and variables of a process. `durable` is where it reaches the API of durable executions; null:
   * it is an ordinary function.
   */
  specify(process: ProcessName, own: EnvironmentVariables, durable: string | null): ProcessSpec {
    const path = this.#layerExtensions?.get(process.slice('extension:'.length))
    const spec = specify(this.#config, process, own, durable)
    const { layers, namesUrls } = this.#config
    if (layers.length === 0 && !namesUrls) return spec
    const argv = process === 'runtime' || path === undefined ? spec.argv : ([path] as const)
    const { withLayers, withUrls } = layersModule()
    const env = namesUrls ? withUrls(spec.env, this.#urlOf) : spec.env
    return { ...spec, argv, env: withLayers(env, layers) }
  }

  /** Says once of an extension why it cannot be run. */
  #examine(name: string, path: string, log: Log): void {
    if (this.#examined.has(name)) return
    this.#examined.add(name)
    const reason = whyNotRunnable(path, process.cwd(), undefined)
    if (reason !== null)
      log.error({ extension: name, reason }, 'an extension cannot be run, so init will fail')
  }
}

function layersModule(): typeof import('./process/layers.ts') {
  return require('./process/layers.ts')
}

/** The descriptor on which a runtime client hands over the records of its logger. */
const logFd = { _LAMBDA_TELEMETRY_LOG_FD: '3' } as const

/** The command, directory and variables of a process. */
function specify(
  config: FunctionConfig,
  process: 'runtime' | `extension:${string}`,
  api: EnvironmentVariables,
  endpoint: string | null,
): ProcessSpec {
  if (process !== 'runtime') {
    const path = `${config.extensionsDirectory}/${process.slice('extension:'.length)}`
    const env = extensionEnvironment(config, api)
    return { name: process, argv: [path], cwd: globalThis.process.cwd(), env }
  }
  const env = runtimeEnvironment(config, api)
  if (endpoint !== null) giveDurable(env, endpoint)
  const { launch } = config
  if (launch.kind === 'attach') return { name: process, argv: ['attached'], cwd: launch.cwd, env: {} }
  // not started
  if (launch.kind === 'broken') return { name: process, argv: ['none'], cwd: launch.cwd, env }
  const { argv, env: own } =
    launch.kind === 'command' ? { argv: launch.argv, env: {} } : servedBy(config, launch, env)
  const spec = { name: process, argv, cwd: launch.cwd }
  return config.logFd
    ? { ...spec, env: { ...env, ...own, ...logFd }, logFd: true }
    : { ...spec, env: { ...env, ...own } }
}

/** Our own runtime client with a handler. */
function servedBy(
  { inspect }: FunctionConfig,
  { handler, cwd }: Extract<Launch, { kind: 'handler' }>,
  env: Readonly<Record<string, string>>,
): HandlerCommand {
  const { execPath } = globalThis.process
  const taskRoot = env.LAMBDA_TASK_ROOT
  return handlerCommand({ execPath, isCompiled, mainPath, handler, cwd, taskRoot, inspect })
}
