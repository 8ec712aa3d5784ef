/** From the values of the options to the configuration: what they mean together, and which of them exclude each other. */

import { resolve } from 'node:path'
import { taskDirectory } from '../process/bootstrap.ts'
import { keepsInspector } from '../process/inspector.ts'
import { asyncOf } from './asynchronous.ts'
import type { Config, EmulatorConfig, FunctionConfig, UrlConfig, WatchConfig } from './config.ts'
import { durableOf } from './durable.ts'
import { snapType, toldToFunction } from './function-environment.ts'
import { inspectOf } from './inspect.ts'
import type { Address } from './kinds.ts'
import { ConfigError } from './kinds.ts'
import { attachmentOf, type Launch, launchOf, type Wanted } from './launch.ts'
import { ownOptions, sharedOptions, type Variable, variableOptions } from './options.ts'
import { type Source, wrongValue } from './variables.ts'

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
    /** how many ports of debuggers are taken by the functions before it */
    readonly inspectors: number
    /** whether another function is meant by this name or ARN */
    isOther(name: string): boolean
  }
}

/** The same for several functions, before what each has of its own. */
export interface FunctionsOutside extends Outside {
  /** the source of a function whose environment this is */
  sourceWith(environment: Readonly<Record<string, string>>): Source
}

/**
 * The value of an option. Throws `ConfigError` when it is none of those that are allowed. A variable that is the
 * function's own too is warned of instead, and the default taken.
 */
function read<T>(option: Variable<T>, source: Source, warnings: string[]): T {
  const { kind, fallback } = option
  const given = source(option) ?? { name: 'the default', text: fallback }
  // most options are not given
  if (kind.isText && 'text' in given && given.text === fallback) return fallback as T
  const value = 'text' in given ? kind.read(given.text) : kind.accept(given.value)
  if (value !== undefined) return value
  const problem = kind.problem?.('text' in given ? given.text : given.value)
  const wrong =
    problem === undefined
      ? wrongValue(given, 'value' in given ? (kind.accepted ?? kind.allowed) : kind.allowed)
      : new ConfigError(`${given.name}: ${problem}`)
  if (!option.shared || !('variable' in given)) throw wrong
  warnings.push(`${wrong.message}; ${fallback} is used, the function gets what was given`)
  return kind.read(fallback) as T
}

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
  // read without SnapStart too: a wrong value is told
  const restoreTimeoutMs = value(ownOptions.restoreTimeoutMs)
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
    snapStart: snapStart ? { restoreTimeoutMs } : null,
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
  const [inspected, stopping] = [value(ownOptions.inspect), value(ownOptions.inspectBrk)]
  const inspect = inspectOf(inspected, stopping, ofFunction, system)
  // of several, those without a debugger wait for the others
  const debug = emulator.debug || inspected !== null || stopping !== null
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
      environment: toldToFunction(outside, ofFunction, emulator.watch !== null),
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
