/**
 * All that the emulator is told from outside, read once: by the command line and the environment, or by a program that
 * embeds it. Everything else in the program receives values from here.
 */

import { version } from '../../package.json'
import { findBootstrap, type Probe, systemProbe, taskDirectory } from '../process/bootstrap.ts'
import { scan } from './command-line.ts'
import { ConfigError } from './kinds.ts'
import {
  type Address,
  type Dialect,
  type LogLevel,
  type Option,
  ownOptions,
  sharedOptions,
  type Variable,
  variableOptions,
} from './options.ts'
import { usage } from './usage.ts'

export { ConfigError }

/** What runs as the runtime. */
export type Launch =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly cwd: string }
  /** a JavaScript or TypeScript handler (`file.export`) served by our own runtime client in a child of this program */
  | { readonly kind: 'handler'; readonly handler: string; readonly cwd: string }

/** What one emulator has, however many functions it runs. Times are milliseconds. */
export interface EmulatorConfig {
  readonly gateway: Address
  /** of the first environment; the others take free ports */
  readonly runtimeApi: Address
  readonly logLevel: LogLevel
  readonly dialect: Dialect
  readonly drainMs: number
  readonly eagerInit: boolean
}

/** What belongs to one function. Times are milliseconds. */
export interface FunctionConfig {
  readonly name: string
  readonly version: string
  readonly accountId: string
  readonly region: string
  readonly launch: Launch
  /** `_HANDLER` of the runtime and `handler` of the register answer; undefined when nothing provides one. */
  readonly handler: string | undefined
  readonly timeoutMs: number
  /** 0 means no limit */
  readonly initTimeoutMs: number
  /** as configured, in MB, printed as it is */
  readonly memorySize: string
  readonly maxEnvironments: number
  readonly maxQueue: number
  readonly environmentTtlMs: number
  readonly extensionsDirectory: string
  /** `LAMBDA_TASK_ROOT` of the runtime when the environment has none: `/var/task` if it exists, else our directory */
  readonly taskRoot: string
  /** the emulator's own environment, unfiltered, as every child is to inherit it */
  readonly environment: Readonly<Record<string, string>>
}

/** Everything that the emulator is told from outside; read once, never changed. */
export interface Config {
  readonly emulator: EmulatorConfig
  readonly function: FunctionConfig
  /** what was odd but not wrong; logged as warnings at start-up */
  readonly warnings: readonly string[]
}

/** The user asked for text; it is printed on stdout and the program ends with 0. */
export type Notice =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version'; readonly text: string }

/** What was given for an option: a text from the command line or a variable, or the value of an embedding program. */
export type Given = { readonly name: string } & ({ readonly text: string } | { readonly value: unknown })

/** Where the value of an option comes from; undefined when nobody gave one. */
export type Source = (option: Variable<unknown>) => Given | undefined

/** What remains to be said when each option has its source. */
export interface Outside {
  readonly source: Source
  /** empty when there is none */
  readonly command: readonly string[]
  /** the function to serve where there is no command, and the name of the option that says so */
  readonly served: { readonly name: string; readonly handler: string } | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly probe: Probe
  /** the function to serve when nothing else is given */
  readonly sample?: string | undefined
}

/** Flags first, then variables. */
function sourceOf(flags: ReadonlyMap<string, string>, environment: Readonly<Record<string, string>>): Source {
  return (option) => {
    const flag = 'flag' in option ? (option as Option<unknown>).flag : ''
    const text = flags.get(flag)
    return text === undefined ? variableOf(option, environment) : { name: flag, text }
  }
}

/** What the environment says of an option; an empty variable counts as absent. */
export function variableOf(
  option: Variable<unknown>,
  environment: Readonly<Record<string, string>>,
): Given | undefined {
  const name = option.variables.find((variable) => environment[variable])
  return name === undefined ? undefined : { name, text: environment[name]! }
}

/** The value of an option. Throws `ConfigError` when it is none of those that are allowed. */
function read<T>(option: Variable<T>, source: Source): T {
  const given = source(option) ?? { name: 'the default', text: option.fallback }
  const { kind } = option
  const value = 'text' in given ? kind.read(given.text) : kind.accept(given.value)
  if (value !== undefined) return value
  throw wrongValue(given, 'value' in given ? (kind.accepted ?? kind.allowed) : kind.allowed)
}

/** The error that names an option, what was given, and what is allowed. */
export function wrongValue(given: Given, allowed: string): ConfigError {
  const shown = 'text' in given ? JSON.stringify(given.text) : Bun.inspect(given.value)
  return new ConfigError(`${given.name} is ${shown}; allowed is ${allowed}`)
}

function launchOf({ command, served, probe, sample }: Outside, warnings: string[]): Launch {
  const [first, ...rest] = command
  if (first !== undefined) return { kind: 'command', argv: [first, ...rest], cwd: probe.cwd() }
  if (served !== undefined) {
    const { name, handler } = served
    if (/[^/]\.[^./]+$/.test(handler)) return { kind: 'handler', handler, cwd: probe.cwd() }
    throw wrongValue({ name, text: handler }, 'file.export, as index.handler')
  }
  const { path, rejected } = findBootstrap(probe)
  warnings.push(...rejected.map((reason) => `bootstrap skipped: ${reason}`))
  if (path !== undefined) return { kind: 'command', argv: [path], cwd: taskDirectory }
  if (sample !== undefined) return { kind: 'handler', handler: sample, cwd: probe.cwd() }
  const reasons = rejected.length === 0 ? '' : ` (${rejected.join('; ')})`
  throw new ConfigError(
    `nothing to run: no bootstrap in /var/task, /opt or /var/runtime${reasons}. Give a command, or --handler file.export, or put an executable file at /var/task/bootstrap. --help tells more.`,
  )
}

function handlerOf({ source, command }: Outside): string | undefined {
  return source(ownOptions.handler) === undefined
    ? command.length > 1
      ? command.at(-1)
      : undefined
    : read(ownOptions.handler, source)
}

/** Makes the configuration, whoever it was that gave the values. Throws `ConfigError`, and nothing else. */
export function configure(outside: Outside): Config {
  const { source, environment, probe } = outside
  const warnings: string[] = []
  if (read(sharedOptions.initCaching, source)) warnings.push('--enable-init-caching has no effect yet')
  if (environment.AWS_LAMBDA_MAX_CONCURRENCY !== undefined) {
    warnings.push('AWS_LAMBDA_MAX_CONCURRENCY is ignored: managed-instances mode is not built yet')
  }
  return {
    emulator: {
      gateway: read(sharedOptions.gateway, source),
      runtimeApi: read(sharedOptions.runtimeApi, source),
      logLevel: read(sharedOptions.logLevel, source),
      dialect: read(ownOptions.dialect, source),
      drainMs: read(ownOptions.drainMs, source),
      eagerInit: read(ownOptions.eagerInit, source),
    },
    function: {
      name: read(variableOptions.functionName, source),
      version: read(variableOptions.functionVersion, source),
      accountId: read(variableOptions.accountId, source),
      region: read(variableOptions.region, source),
      launch: launchOf(outside, warnings),
      handler: handlerOf(outside),
      timeoutMs: read(variableOptions.functionTimeoutMs, source),
      initTimeoutMs: read(ownOptions.initTimeoutMs, source),
      memorySize: read(variableOptions.memorySize, source),
      maxEnvironments: read(ownOptions.maxEnvironments, source),
      maxQueue: read(ownOptions.maxQueue, source),
      environmentTtlMs: read(ownOptions.environmentTtlMs, source),
      extensionsDirectory: read(ownOptions.extensionsDirectory, source),
      taskRoot: probe.look(taskDirectory) === 'directory' ? taskDirectory : probe.cwd(),
      environment,
    },
    warnings,
  }
}

/** Variables that are set. */
export function definedOnly(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) defined[name] = value
  return defined
}

/**
 * Reads the command line (without the program's name) and the environment.
 *
 * Throws `ConfigError`, and nothing else, for what the user got wrong. A command that cannot run is not wrong here: it
 * is reported at the start and by each invocation (behaviour.md 1.6). `sample` is the handler to serve when nothing else is given.
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  probe: Probe = systemProbe,
  sample?: string,
): Config | Notice {
  const line = scan(argv)
  if (line === 'help') return { kind: 'help', text: usage() }
  if (line === 'version') return { kind: 'version', text: `aws-lambda-rie ${version}\n` }
  const environment = definedOnly(env)
  const name = ownOptions.handler.flag
  const handler = line.flags.get(name)
  return configure({
    source: sourceOf(line.flags, environment),
    command: line.command,
    served: handler === undefined ? undefined : { name, handler },
    environment,
    probe,
    sample,
  })
}
