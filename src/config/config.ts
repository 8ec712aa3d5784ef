/**
 * All that the emulator is told from outside, read once: by the command line and the environment, or by a program that
 * embeds it. Everything else in the program receives values from here.
 */

import { resolve } from 'node:path'
import { version } from '../../package.json'
import type { Origins } from '../gateway/cors.ts'
import type { UrlCors } from '../gateway/url/cors.ts'
import { type Probe, systemProbe, taskDirectory } from '../process/bootstrap.ts'
import { boundAddress } from '../process/environ.ts'
import { keepsInspector } from '../process/inspector.ts'
import { type AsyncConfig, asyncOf } from './asynchronous.ts'
import { scan } from './command-line.ts'
import { type DurableFunctionConfig, durableOf } from './durable.ts'
import { ConfigError, type InspectorAddress } from './kinds.ts'
import { attachmentOf, homeOf, type Launch, launchOf, type Wanted } from './launch.ts'
import {
  type Address,
  type ApplicationLevel,
  type Dialect,
  type InvokeMode,
  type LogFormat,
  type LogLevel,
  type Option,
  ownOptions,
  type SystemLevel,
  sharedOptions,
  type Variable,
  variableOptions,
} from './options.ts'
import {
  definedOnly,
  type Given,
  unknownVariables,
  variableOf,
  withFlags,
  withoutCarriageReturns,
  wrongValue,
} from './variables.ts'

export type { Launch }
export { ConfigError }

/** What one emulator has, however many functions it runs. Times are milliseconds. */
export interface EmulatorConfig {
  readonly gateway: Address
  /** of the first environment; the others take free ports */
  readonly runtimeApi: Address
  /** nobody asked for that address: where it is taken, the first environment has a free port too */
  readonly anyRuntimeApi: boolean
  readonly logLevel: LogLevel
  readonly dialect: Dialect
  readonly drainMs: number
  /** origins of web pages that may invoke; empty when none but the gateway's own may */
  readonly origins: Origins
  readonly eagerInit: boolean
  /** the end of a process that nobody asked for, or an init that failed, ends the emulator */
  readonly exitOnCrash: boolean
  /** time-outs are off; `FunctionConfig` has the limits that follow */
  readonly debug: boolean
  /** null: there is no console */
  readonly console: { readonly anywhere: boolean } | null
  /** where durable executions are kept beyond the emulator's life; null: nowhere */
  readonly durableStore: string | null
  /** the file that the summary of a run goes to; null: there is none */
  readonly report: string | null
  /** processes are treated without what is Linux's own */
  readonly portable: boolean
  /** null: code is not watched */
  readonly watch: WatchConfig | null
}

/** How a debugger reaches a function. */
export interface InspectConfig {
  /** `ws://host:port/path` */
  readonly url: string
  /** the function waits for a debugger, and stops before its file is run */
  readonly stops: boolean
}

/** How the code of functions is watched. */
export interface WatchConfig {
  /** only files that match count; empty: all */
  readonly globs: readonly string[]
  /** looks at the files at times */
  readonly poll: boolean
  /** a command for the shell, which makes new code of changed files; null: they are the code */
  readonly build: string | null
}

/** The Function URL. */
export interface UrlConfig {
  readonly address: Address
  /** where several share that address: the prefix of its paths, with a slash at its begin alone; null: it has its own */
  readonly path: string | null
  readonly invokeMode: InvokeMode
  /** null when the function answers preflights and sets the headers itself */
  readonly cors: UrlCors | null
}

/** What belongs to one function. Times are milliseconds. */
export interface FunctionConfig {
  readonly name: string
  /** other names by which callers reach it */
  readonly aliases: readonly string[]
  readonly version: string
  readonly accountId: string
  readonly availabilityZoneId: string
  readonly region: string
  readonly launch: Launch
  /** where a debugger reaches the function, which `--handler` names then; null: nowhere */
  readonly inspect: InspectConfig | null
  /** `_HANDLER` of the runtime and `handler` of the register answer; undefined when nothing provides one. */
  readonly handler: string | undefined
  readonly timeoutMs: number
  /** 0 means no limit */
  readonly initTimeoutMs: number
  /** null when it is off; 0 means no limit */
  readonly snapStart: { readonly restoreTimeoutMs: number } | null
  /** null when it is off */
  readonly url: UrlConfig | null
  /** as configured, in MB, printed as it is */
  readonly memorySize: string
  /** Managed Instances: most invocations in flight in one environment; null on demand */
  readonly maxConcurrency: number | null
  readonly maxEnvironments: number
  readonly maxQueue: number
  readonly environmentTtlMs: number
  readonly async: AsyncConfig
  /** of its durable executions; null: it is an ordinary function */
  readonly durable: DurableFunctionConfig | null
  /** invocations after which an environment is started anew; 0 is never */
  readonly recycleAfter: number
  readonly logFormat: LogFormat
  /** with the format JSON: the lowest levels that are written */
  readonly applicationLogLevel: ApplicationLevel
  readonly systemLogLevel: SystemLevel
  /** the runtime gets a descriptor for whole records of its logger */
  readonly logFd: boolean
  readonly extensionsDirectory: string
  /** folders of unpacked layers, the first one lowest */
  readonly layers: readonly string[]
  /** its variables have markers for addresses of Function URLs, see `FunctionSetup` */
  readonly namesUrls: boolean
  /** the name of what switches extensions off, if anything does */
  readonly extensionsOff: string | undefined
  /**
   * `LAMBDA_TASK_ROOT` of the runtime when the environment has none: what was named, `/var/task` if it exists, else our
   * directory
   */
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

/** Several functions, each reached by its name. */
export interface SystemConfig {
  readonly emulator: EmulatorConfig
  readonly functions: readonly [FunctionConfig, ...FunctionConfig[]]
  readonly warnings: readonly string[]
}

/** The user asked for text; it is printed on stdout and the program ends with 0. */
export type Notice =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version'; readonly text: string }

/** Where the value of an option comes from; undefined when nobody gave one. */
export type Source = (option: Variable<unknown>) => Given | undefined

/** What remains to be said when each option has its source. */
export interface Outside extends Wanted {
  readonly source: Source
  /** the folder of the function, where something says it; then it is the working directory of the probe too */
  readonly taskRoot: string | undefined
  /** where relative paths of destinations start */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** what was odd so far */
  readonly warnings: readonly string[]
  /** of a function that is one of several */
  readonly system?: {
    readonly aliases: readonly string[]
    /** folders, the first one lowest */
    readonly layers: readonly string[]
    readonly urlPath: string | null
    /** see `FunctionSetup` */
    readonly broken: string | null
    readonly namesUrls: boolean
    /** whether another function is meant by this name or ARN */
    isOther(name: string): boolean
  }
}

/** The same for several functions, before what each has of its own. */
export interface FunctionsOutside extends Outside {
  /** the source of a function whose environment this is */
  sourceWith(environment: Readonly<Record<string, string>>): Source
}

/** Flags first, then variables. */
function sourceOf(
  flags: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>>,
  defaults: ReadonlyMap<Variable<unknown>, string>,
): Source {
  return (option) => {
    const flag = 'flag' in option ? (option as Option<unknown>).flag : ''
    const text = flags.get(flag)
    if (text !== undefined) return { name: flag, text }
    const otherwise = defaults.get(option)
    const given = variableOf(option, environment)
    return given ?? (otherwise === undefined ? undefined : { name: 'the default', text: otherwise })
  }
}

/**
 * The value of an option. Throws `ConfigError` when it is none of those that are allowed. A variable that is the
 * function's own too is warned of instead, and the default taken.
 */
function read<T>(option: Variable<T>, source: Source, warnings: string[]): T {
  const given = source(option) ?? { name: 'the default', text: option.fallback }
  const { kind } = option
  const value = 'text' in given ? kind.read(given.text) : kind.accept(given.value)
  if (value !== undefined) return value
  const problem = kind.problem?.('text' in given ? given.text : given.value)
  const wrong =
    problem === undefined
      ? wrongValue(given, 'value' in given ? (kind.accepted ?? kind.allowed) : kind.allowed)
      : new ConfigError(`${given.name}: ${problem}`)
  if (!option.shared || !('variable' in given)) throw wrong
  warnings.push(`${wrong.message}; ${option.fallback} is used, the function gets what was given`)
  return kind.read(option.fallback) as T
}

/** As runtime clients know it (behaviour.md 3.11). */
const snapType = 'snap-start'
/** The least time that an init has with SnapStart, in milliseconds (behaviour.md 3.11). */
const snapInitMs = 130_000

/** Long enough for whoever debugs; the deadline that the function is told is as far ahead. */
const debugTimeoutMs = 24 * 60 * 60 * 1000

/** Where external extensions are. Only the default may be missing: most images have no extensions. */
function extensionsDirectoryOf({ source, probe }: Outside, warnings: string[]): string {
  const option = ownOptions.extensionsDirectory
  const directory = read(option, source, warnings)
  const given = source(option)
  if (given === undefined) return directory
  const path = resolve(probe.cwd(), directory)
  const entry = probe.look(path)
  if (entry === 'directory') return directory
  const trouble = entry === 'missing' ? 'there is no such folder' : 'that is no folder'
  const found = path === directory ? '' : ` (${path})`
  throw new ConfigError(
    `${given.name} is ${JSON.stringify(directory)}${found}; ${trouble}. Without it, ${option.fallback} is looked into if it exists`,
  )
}

/** The variables of the function, where those that have a flag too tell the same as the flag. */
function toldToFunction(
  { source, environment }: Outside,
  config: Omit<FunctionConfig, 'environment' | 'url' | 'inspect'>,
): Record<string, string> {
  function isFlag(option: Variable<unknown>): boolean {
    const given = source(option)
    return given !== undefined && !('variable' in given)
  }
  const told = { ...environment }
  delete told.AWS_LAMBDA_MAX_CONCURRENCY
  if (config.maxConcurrency !== null) {
    told.AWS_LAMBDA_MAX_CONCURRENCY = String(config.maxConcurrency)
    told.AWS_LAMBDA_INITIALIZATION_TYPE = 'lambda-managed-instances'
  }
  if (config.snapStart !== null) told.AWS_LAMBDA_INITIALIZATION_TYPE = snapType
  if (isFlag(ownOptions.functionName)) told.AWS_LAMBDA_FUNCTION_NAME = config.name
  if (config.logFormat === 'JSON') {
    told.AWS_LAMBDA_LOG_FORMAT = 'JSON'
    told.AWS_LAMBDA_LOG_LEVEL = config.applicationLogLevel
  } else if (isFlag(ownOptions.logFormat)) {
    delete told.AWS_LAMBDA_LOG_FORMAT
  }
  if (isFlag(ownOptions.taskRoot)) told.LAMBDA_TASK_ROOT = config.taskRoot
  if (isFlag(ownOptions.memorySize)) told.AWS_LAMBDA_FUNCTION_MEMORY_SIZE = config.memorySize
  if (isFlag(ownOptions.functionTimeoutMs) && told.AWS_LAMBDA_FUNCTION_TIMEOUT !== undefined) {
    told.AWS_LAMBDA_FUNCTION_TIMEOUT = String(config.timeoutMs / 1000)
  }
  return told
}

/** `--inspect-brk` goes before `--inspect`. Throws `ConfigError` for what has no runtime of ours, or several. */
function inspectOf(
  inspect: InspectorAddress | null,
  stopping: InspectorAddress | null,
  { launch, maxEnvironments }: Pick<FunctionConfig, 'launch' | 'maxEnvironments'>,
): InspectConfig | null {
  const found = stopping ?? inspect
  if (found === null) return null
  const name = stopping === null ? '--inspect' : '--inspect-brk'
  if (launch.kind !== 'handler') {
    throw new ConfigError(
      `${name} is for --handler; for another runtime use --debug, and that runtime's own debugger`,
    )
  }
  if (maxEnvironments > 1) {
    throw new ConfigError(`${name} has one environment; leave --max-environments at 1`)
  }
  const { hostname, port, path } = found
  const url = `ws://${boundAddress({ hostname, port })}${path || `/${crypto.randomUUID()}`}`
  return { url, stops: stopping !== null }
}

/** `--watch-poll` and `--watch-build` imply `--watch`. */
function watchOf(globs: readonly string[] | null, poll: boolean, build: string | null): WatchConfig | null {
  return globs === null && !poll && build === null ? null : { globs: globs ?? [], poll, build }
}

/** The Function URL of these values; a program that runs its own sample shows all that there is. */
function urlOf(
  { address, ...rest }: Omit<UrlConfig, 'address'> & { readonly address: Address | null },
  launch: Launch,
  sample: string | undefined,
): UrlConfig | null {
  if (address !== null) return { address, ...rest }
  const isSample = launch.kind === 'handler' && launch.handler === sample
  return isSample ? { address: { hostname: '127.0.0.1', port: 0 }, ...rest } : null
}

/** Makes the configuration, whoever it was that gave the values. Throws `ConfigError`, and nothing else. */
export function configure(outside: Outside): Config {
  const { source, command, environment, probe, system } = outside
  const warnings = [...outside.warnings]
  function value<T>(option: Variable<T>): T {
    return read(option, source, warnings)
  }
  const maxConcurrency = value(variableOptions.maxConcurrency)
  const managed = maxConcurrency !== null
  const snapStart =
    value(sharedOptions.initCaching) || environment.AWS_LAMBDA_INITIALIZATION_TYPE === snapType
  if (managed && snapStart) {
    throw new ConfigError(
      'AWS_LAMBDA_MAX_CONCURRENCY and --enable-init-caching exclude each other: Managed Instances have no SnapStart',
    )
  }
  if (managed && value(ownOptions.durable)) {
    throw new ConfigError('AWS_LAMBDA_MAX_CONCURRENCY and --durable exclude each other; unset one of them')
  }
  const emulator: EmulatorConfig = {
    gateway: value(sharedOptions.gateway),
    runtimeApi: value(sharedOptions.runtimeApi),
    anyRuntimeApi: source(sharedOptions.runtimeApi) === undefined,
    logLevel: value(sharedOptions.logLevel),
    dialect: value(ownOptions.dialect),
    drainMs: value(ownOptions.drainMs),
    origins: value(ownOptions.origins) ?? [],
    eagerInit: value(ownOptions.eagerInit) || managed || snapStart,
    exitOnCrash: value(ownOptions.exitOnCrash),
    console: value(ownOptions.noConsole) ? null : { anywhere: value(ownOptions.consoleAnywhere) },
    // a debugger that was asked for by Bun's own variables, too
    debug: value(ownOptions.debug) || keepsInspector(environment),
    durableStore: value(ownOptions.durableStore),
    report: value(ownOptions.report),
    portable: value(variableOptions.portable),
    watch: watchOf(value(ownOptions.watch), value(ownOptions.watchPoll), value(ownOptions.watchBuild)),
  }
  /** What begins at the start may take its time: as long as an invocation, and with SnapStart 130 seconds at least. */
  function initLimit(): number {
    if (source(ownOptions.initTimeoutMs) !== undefined) return value(ownOptions.initTimeoutMs)
    if (managed) return value(ownOptions.functionTimeoutMs)
    return snapStart
      ? Math.max(snapInitMs, value(ownOptions.functionTimeoutMs))
      : value(ownOptions.initTimeoutMs)
  }
  const extensionsOff = value(variableOptions.disableExtensions)
  const url = {
    address: value(ownOptions.functionUrl),
    invokeMode: value(ownOptions.functionUrlInvokeMode),
    cors: value(ownOptions.functionUrlCors),
    path: system?.urlPath ?? null,
  }
  function launch(): Launch {
    if (system?.broken) return { kind: 'broken', reason: system.broken, cwd: probe.cwd() }
    return value(ownOptions.attach) ? attachmentOf(outside) : launchOf(outside, warnings)
  }
  const ofFunction: Omit<FunctionConfig, 'environment' | 'url' | 'inspect'> = {
    name: value(ownOptions.functionName),
    aliases: system?.aliases ?? [],
    layers: system?.layers ?? [],
    namesUrls: system?.namesUrls ?? false,
    version: value(variableOptions.functionVersion),
    accountId: value(variableOptions.accountId),
    availabilityZoneId: value(variableOptions.availabilityZoneId),
    region: value(variableOptions.region),
    handler: handlerOf(source, command, warnings),
    timeoutMs: value(ownOptions.functionTimeoutMs),
    initTimeoutMs: initLimit(),
    snapStart: snapStart ? { restoreTimeoutMs: value(ownOptions.restoreTimeoutMs) } : null,
    maxConcurrency,
    memorySize: value(ownOptions.memorySize),
    maxEnvironments: value(ownOptions.maxEnvironments),
    maxQueue: value(ownOptions.maxQueue),
    environmentTtlMs: value(ownOptions.environmentTtlMs),
    async: asyncOf({
      value,
      nameOf: (option) => source(option)?.name,
      directory: outside.directory,
      isOther: system?.isOther ?? (() => false),
    }),
    durable: durableOf(value),
    recycleAfter: value(ownOptions.recycleAfter),
    logFormat: managed && source(ownOptions.logFormat) === undefined ? 'JSON' : value(ownOptions.logFormat),
    applicationLogLevel: value(variableOptions.applicationLogLevel),
    systemLogLevel: value(variableOptions.systemLogLevel),
    logFd: !value(ownOptions.noLogFd),
    extensionsDirectory: extensionsDirectoryOf(outside, warnings),
    extensionsOff: extensionsOff ? 'AWS_LAMBDA_RIE_DISABLE_EXTENSIONS' : undefined,
    taskRoot: outside.taskRoot ?? (probe.look(taskDirectory) === 'directory' ? taskDirectory : probe.cwd()),
    // last, so that a value that is wrong, or was forgotten, is told before there is nothing to run
    launch: launch(),
  }
  const inspect = inspectOf(value(ownOptions.inspect), value(ownOptions.inspectBrk), ofFunction)
  const debug = emulator.debug || inspect !== null
  const attached = ofFunction.launch.kind === 'attach'
  if (attached && snapStart) {
    throw new ConfigError(
      '--attach and --enable-init-caching exclude each other: nobody starts the runtime anew',
    )
  }
  if (attached && ofFunction.maxEnvironments > 1) {
    throw new ConfigError('--attach has one environment; leave --max-environments at 1')
  }
  return {
    emulator: { ...emulator, debug, eagerInit: emulator.eagerInit || inspect !== null },
    function: {
      ...ofFunction,
      inspect,
      url: urlOf(url, ofFunction.launch, outside.sample),
      environment: toldToFunction(outside, ofFunction),
      // an attached runtime takes the time that its user takes to start it
      ...((debug || attached) && { initTimeoutMs: 0 }),
      ...(debug && { timeoutMs: debugTimeoutMs }),
      ...(debug && snapStart && { snapStart: { restoreTimeoutMs: 0 } }),
    },
    warnings,
  }
}

/** The last word of a command that has any is the handler too, unless an option names one. */
function handlerOf(source: Source, command: readonly string[], warnings: string[]): string | undefined {
  if (source(ownOptions.handler) !== undefined) return read(ownOptions.handler, source, warnings)
  return command.length > 1 ? command.at(-1) : undefined
}

/** What is otherwise where the emulator runs from its source, on the machine of whoever writes the function. */
export interface FromSource {
  /** the handler to serve when nothing else is given */
  readonly sample?: string
  /** the listen address for callers when none is given */
  readonly gateway?: string
  /** the emulator's own folder, which `bun run dev` makes the working directory */
  readonly repository?: string
}

/**
 * Reads the command line (without the program's name) and the environment.
 *
 * Throws `ConfigError`, and nothing else, for what the user got wrong. A command that cannot run is not wrong here: it
 * is reported at the start and by each invocation (behaviour.md 1.6).
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  probe: Probe = systemProbe,
  { sample, gateway, repository }: FromSource = {},
): Config | SystemConfig | Notice {
  const line = scan(argv)
  if (line === 'help') {
    const { usage } = require('./usage.ts') as typeof import('./usage.ts')
    return { kind: 'help', text: usage() }
  }
  if (line === 'version') return { kind: 'version', text: `aws-lambda-rie ${version}\n` }
  const warnings: string[] = []
  const home = homeOf(line, probe, repository)
  const placed = home === undefined ? probe : { ...probe, cwd: () => home.directory }
  const all = withFlags(
    definedOnly(env),
    line.repeated,
    line.flags.has(ownOptions.taskRoot.flag) ? probe.cwd() : placed.cwd(),
  )
  const environment = withoutCarriageReturns(all, warnings)
  const name = ownOptions.handler.flag
  const handler = home === undefined ? line.flags.get(name) : home.handler
  const defaults = new Map(gateway === undefined ? [] : [[sharedOptions.gateway, gateway]])
  const sourceWith = (of: Readonly<Record<string, string>>): Source => sourceOf(line.flags, of, defaults)
  const outside: Outside = {
    source: sourceWith(environment),
    command: line.command,
    served: handler === undefined ? undefined : { name, handler },
    environment,
    probe: placed,
    taskRoot: home?.directory,
    directory: probe.cwd(),
    sample,
    warnings: [...warnings, ...unknownVariables(environment)],
  }
  const files = [ownOptions.functions, ownOptions.template].filter(
    (option) => outside.source(option) !== undefined,
  )
  if (files.length === 0) {
    const { environmentVariables, parameterOverrides } = ownOptions
    for (const { flag } of [environmentVariables, parameterOverrides]) {
      if (line.flags.has(flag) || line.repeated.has(flag)) throw new ConfigError(`${flag} is for --template`)
    }
    return configure(outside)
  }
  const { several } = require('./several.ts') as typeof import('./several.ts')
  return several(line, { ...outside, probe, sourceWith })
}
