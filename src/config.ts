/**
 * All that the emulator is told from outside, read once. Everything else in the program receives values from here.
 *
 * The command line is read as the reference reads it (behaviour.md 1.1 to 1.5). Options of this emulator stand before the command.
 */

import { closest } from 'fastest-levenshtein'
import { version } from '../package.json'
import {
  ConfigError,
  type Option,
  ownOptions,
  sharedOptions,
  usage,
  type Variable,
  variableOptions,
} from './options.ts'
import { findBootstrap, type Probe, systemProbe, taskDirectory } from './process/bootstrap.ts'

export { ConfigError }

/** Whose answers callers get; `auto` decides by the request (DECISIONS.md, "Two dialects"). */
export type Dialect = 'auto' | 'rie' | 'lambda'
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** A listen address. Port 0 asks the system for a free one; `hostname` is without brackets. */
export interface Address {
  readonly hostname: string
  readonly port: number
}

/** What runs as the runtime. */
export type Launch =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly cwd: string }
  /** a JavaScript or TypeScript handler (`file.export`) served by our own runtime client in a child of this program */
  | { readonly kind: 'handler'; readonly handler: string; readonly cwd: string }

/** Everything that the emulator is told from outside; read once, never changed. Times are milliseconds. */
export interface Config {
  readonly launch: Launch
  /** `_HANDLER` of the runtime and `handler` of the register answer; undefined when nothing provides one. */
  readonly handler: string | undefined
  readonly gateway: Address
  readonly runtimeApi: Address
  readonly logLevel: LogLevel
  readonly dialect: Dialect
  readonly functionTimeoutMs: number
  /** 0 means no limit */
  readonly initTimeoutMs: number
  readonly drainMs: number
  readonly eagerInit: boolean
  readonly maxEnvironments: number
  readonly maxQueue: number
  readonly environmentTtlMs: number
  readonly extensionsDirectory: string
  readonly functionName: string
  readonly functionVersion: string
  /** as configured, in MB, printed as it is */
  readonly memorySize: string
  readonly accountId: string
  readonly region: string
  /** `LAMBDA_TASK_ROOT` of the runtime when the environment has none: `/var/task` if it exists, else our directory */
  readonly taskRoot: string
  /** the emulator's own environment, unfiltered, as every child is to inherit it */
  readonly inherited: Readonly<Record<string, string>>
  /** what was odd but not wrong; logged as warnings at start-up */
  readonly warnings: readonly string[]
}

/** The user asked for text; it is printed on stdout and the program ends with 0. */
export type Notice =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version'; readonly text: string }

interface CommandLine {
  readonly flags: ReadonlyMap<string, string>
  readonly command: readonly string[]
}

const byFlag = (table: Record<string, Option<unknown>>): [string, Option<unknown>][] =>
  Object.values(table).map((option) => [option.flag, option])
const anywhere = new Map(byFlag(sharedOptions))
const beforeCommand = new Map([...anywhere, ...byFlag(ownOptions)])
const known = ['--help', '-h', '--version', ...beforeCommand.keys()]

/** A negative number is a value, a wrong one; everything else with a dash is the next option. */
const isOption = (argument: string): boolean => /^-[^0-9]/.test(argument)

/** Separates options from the command. Values are looked at later, so that `--help` works beside a wrong one. */
const scan = (argv: readonly string[]): CommandLine | 'help' | 'version' => {
  const flags = new Map<string, string>()
  const command: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const leading = command.length === 0
    if (argument === '--') {
      // A `--` after the command is the command's own, as it is for the reference; here it only ends our look-out.
      command.push(...argv.slice(leading ? at + 1 : at))
      break
    }
    if (leading && (argument === '--help' || argument === '-h')) return 'help'
    if (leading && argument === '--version') return 'version'
    const [, name = argument, inline] = /^(--[^=]+)=(.*)$/s.exec(argument) ?? []
    const option = (leading ? beforeCommand : anywhere).get(name)
    if (option === undefined) {
      if (leading && inline !== undefined && known.includes(name))
        throw new ConfigError(`${name} takes no value`)
      if (leading && isOption(argument)) {
        throw new ConfigError(`unknown option ${name}; the nearest one is ${closest(name, known)}`)
      }
      command.push(argument)
    } else if (option.kind.placeholder === null) {
      if (inline !== undefined) throw new ConfigError(`${name} takes no value`)
      flags.set(name, 'on')
    } else {
      const value = inline ?? argv[++at]
      if (value === '' && option === sharedOptions.logLevel) {
        // The reference falls back to LOG_LEVEL here. Every other empty flag is wrong, there as here.
        flags.delete(name)
      } else if (!value || (inline === undefined && isOption(value))) {
        throw new ConfigError(`${name} needs a value; allowed is ${option.kind.allowed}`)
      } else {
        // The reference takes a value out of double quotes that survived the shell.
        flags.set(name, anywhere.has(name) ? value.replace(/^"(.*)"$/s, '$1') : value)
      }
    }
  }
  return { flags, command }
}

/** Where the value of an option comes from; undefined when nobody gave one. */
type Source = (option: Variable<unknown>) => { readonly name: string; readonly text: string } | undefined

const sourceOf =
  (flags: ReadonlyMap<string, string>, environment: Readonly<Record<string, string>>): Source =>
  (option) => {
    const flag = 'flag' in option ? (option as Option<unknown>).flag : ''
    const given = flags.get(flag)
    if (given !== undefined) return { name: flag, text: given }
    const name = option.variables.find((variable) => environment[variable])
    return name === undefined ? undefined : { name, text: environment[name]! }
  }

const read = <T>(option: Variable<T>, source: Source): T => {
  const { name, text } = source(option) ?? { name: 'the default', text: option.fallback }
  const value = option.kind.read(text)
  if (value !== undefined) return value
  throw new ConfigError(`${name} is ${JSON.stringify(text)}; allowed is ${option.kind.allowed}`)
}

const launchOf = (
  command: readonly string[],
  handlerFlag: string | undefined,
  probe: Probe,
  warnings: string[],
  sample: string | undefined,
): Launch => {
  const [first, ...rest] = command
  if (first !== undefined) return { kind: 'command', argv: [first, ...rest], cwd: probe.cwd() }
  if (handlerFlag !== undefined) {
    if (/[^/]\.[^./]+$/.test(handlerFlag)) return { kind: 'handler', handler: handlerFlag, cwd: probe.cwd() }
    throw new ConfigError(
      `${ownOptions.handler.flag} is ${JSON.stringify(handlerFlag)}; without a command, allowed is file.export, as index.handler`,
    )
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

/**
 * Reads the command line (without the program's name) and the environment.
 *
 * Throws ConfigError, and nothing else, for what the user got wrong. A command that cannot run is not wrong here: it
 * is reported by each invocation (behaviour.md 1.6). `sample` is the handler to serve when nothing else is given.
 */
export const parseConfig = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  probe: Probe = systemProbe,
  sample?: string,
): Config | Notice => {
  const line = scan(argv)
  if (line === 'help') return { kind: 'help', text: usage() }
  if (line === 'version') return { kind: 'version', text: `aws-lambda-rie ${version}\n` }
  const inherited: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) if (value !== undefined) inherited[name] = value
  const source = sourceOf(line.flags, inherited)
  const warnings: string[] = []
  if (read(sharedOptions.initCaching, source)) warnings.push('--enable-init-caching has no effect yet')
  if (inherited.AWS_LAMBDA_MAX_CONCURRENCY !== undefined) {
    warnings.push('AWS_LAMBDA_MAX_CONCURRENCY is ignored: managed-instances mode is not built yet')
  }
  const handlerFlag = line.flags.get(ownOptions.handler.flag)
  return {
    launch: launchOf(line.command, handlerFlag, probe, warnings, sample),
    handler: source(ownOptions.handler)?.text ?? (line.command.length > 1 ? line.command.at(-1) : undefined),
    gateway: read(sharedOptions.gateway, source),
    runtimeApi: read(sharedOptions.runtimeApi, source),
    logLevel: read(sharedOptions.logLevel, source),
    dialect: read(ownOptions.dialect, source),
    functionTimeoutMs: read(variableOptions.functionTimeoutMs, source),
    initTimeoutMs: read(ownOptions.initTimeoutMs, source),
    drainMs: read(ownOptions.drainMs, source),
    eagerInit: read(ownOptions.eagerInit, source),
    maxEnvironments: read(ownOptions.maxEnvironments, source),
    maxQueue: read(ownOptions.maxQueue, source),
    environmentTtlMs: read(ownOptions.environmentTtlMs, source),
    extensionsDirectory: read(ownOptions.extensionsDirectory, source),
    functionName: read(variableOptions.functionName, source),
    functionVersion: read(variableOptions.functionVersion, source),
    memorySize: read(variableOptions.memorySize, source),
    accountId: read(variableOptions.accountId, source),
    region: read(variableOptions.region, source),
    taskRoot: probe.look(taskDirectory) === 'directory' ? taskDirectory : probe.cwd(),
    inherited,
    warnings,
  }
}
