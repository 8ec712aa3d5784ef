/** The emulator as a program: command line and environment in, exit code out. */

import { writeSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { firstLine, invitation, invokePath } from './announce.ts'
import {
  type Config,
  ConfigError,
  type FunctionConfig,
  type Launch,
  type SystemConfig,
} from './config/config.ts'
import { type Notice, parseConfig } from './config/parse.ts'
import type { EnvironmentId } from './core/ids.ts'
import { composeEmulator, type RunningEmulator } from './emulator.ts'
import type { Clock } from './engine/ports.ts'
import { isCompiled, selfCommand } from './function-processes.ts'
import { afterStart, sampleFile, sampleHandler } from './handler/command.ts'
import { ListenError, tryInspector } from './listen.ts'
import { createLog, type Logger, type RootLogger } from './log/log.ts'
import { systemProbe, whyNotRunnable } from './process/bootstrap.ts'
import { addSandboxHosts } from './process/hosts.ts'
import { createProcesses } from './process/processes.ts'
import { rawArguments, rawEnvironment } from './process/raw.ts'
import type { ReportFile } from './report.ts'
import { forceRequested, stopRequested } from './signals.ts'
import { isTerminal } from './stdio.ts'
import type { Sink } from './telemetry/sink.ts'
import { openOutput } from './telemetry/terminal.ts'

/**
 * Runs until a signal ends it, or a crash that is to be the end. 0 after SIGTERM or SIGINT, 1 after such a crash, 2 for
 * what the user got wrong.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let config: Config | SystemConfig | Notice
  try {
    if (process.platform === 'win32')
      throw new ConfigError(
        'Windows has not the processes that functions need: run this in WSL, or in a container',
      )
    config = parseConfig(rawArguments(argv), rawEnvironment(env), systemProbe, isCompiled ? {} : fromSource)
  } catch (error) {
    return refuse(error)
  }
  if ('text' in config) {
    process.stdout.write(config.text)
    return 0
  }
  const log = createLog({ level: config.emulator.logLevel, holdMs: 25 })
  // One request or one child must never end the emulator. What arrives here is a bug of the emulator, and is logged.
  process.on('uncaughtException', (error) => log.error({ error: error.stack }, 'unexpected error'))
  process.on('unhandledRejection', (error) => log.error({ error: String(error) }, 'unexpected rejection'))
  for (const warning of config.warnings) log.warn({}, warning)

  let emulator: RunningEmulator
  let report: ReportFile | null
  try {
    report = reportOf(config, log)
    emulator = open(config, log, report)
  } catch (error) {
    return refuse(error)
  }
  if ('functions' in config) announceAll(config, emulator, log)
  else announce(config, emulator, log)

  const end = await Promise.race([stopRequested, emulator.crashed])
  if (typeof end === 'string') {
    log.info({ signal: end }, 'shutting down')
    await emulator.stop(forceRequested)
  } else {
    const { errorType, text: reason } = end
    log.error(
      { errorType, reason, option: '--exit-on-crash' },
      'an execution environment failed: shutting down',
    )
    await emulator.stop(Promise.resolve())
  }
  report?.write(isTerminal(2) ? 2 : null)
  log.flush()
  return typeof end === 'string' ? 0 : 1
}

/** From source it serves a sample, and listens for this machine alone; in an image both would be of no use. */
const fromSource = {
  sample: sampleHandler,
  gateway: 'localhost:8080',
  repository: dirname(import.meta.dir),
}

/** Says what the user got wrong. Throws what is no such thing. */
function refuse(error: unknown): number {
  if (!(error instanceof ConfigError || error instanceof ListenError)) throw error
  if (isTerminal(2)) writeSync(2, `aws-lambda-rie: ${error.message}\n`)
  else createLog({ level: 'fatal' }).fatal({}, error.message)
  return error.exitCode
}

const clock: Clock = { now: () => performance.now(), epoch: () => Date.now() }

/** The function that a report tells of: of several the first, under the names of all. */
function reported(config: Config | SystemConfig): FunctionConfig {
  if (!('functions' in config)) return config.function
  const [first] = config.functions
  return { ...first, name: config.functions.map(({ name }) => name).join(', ') }
}

function reportOf(config: Config | SystemConfig, log: Logger): ReportFile | null {
  const { report } = config.emulator
  if (report === null) return null
  const { openReport } = require('./report.ts') as typeof import('./report.ts')
  return openReport(report, reported(config), clock, log)
}

function open(config: Config | SystemConfig, log: RootLogger, report: ReportFile | null): RunningEmulator {
  for (const { inspect } of 'functions' in config ? config.functions : [config.function])
    if (inspect !== null) tryInspector(inspect.stops ? '--inspect-brk' : '--inspect', inspect.url)
  // in a container of its own; for extensions that listen on these names
  if (process.pid === 1) addSandboxHosts()
  const warn = (message: string): void => log.warn({}, message)
  const sink = openOutput(1, { warn })
  return composeEmulator(config, {
    processes: createProcesses({ warn, self: selfCommand, portable: config.emulator.portable }),
    clock,
    sink,
    recorder: report?.recorder,
    ...(isCompiled && { served: compileAsUsual }),
    ...('functions' in config && isTerminal(1) && { sinkOf: namedSinks(config, sink) }),
    log,
  })
}

/** The program begins with thresholds of the compiler that are ten times as high (`build.ts`). */
function compileAsUsual(): void {
  Bun.unsafe.setJITPolicy(1)
}

/** On a terminal lines of several functions begin with the name of theirs. */
function namedSinks({ functions }: SystemConfig, sink: Sink): (id: EnvironmentId, name: string) => Sink {
  const { prefixed } = require('./telemetry/prefixed.ts') as typeof import('./telemetry/prefixed.ts')
  const widest = Math.max(...functions.map(({ name }) => name.length))
  const sinks = new Map(functions.map(({ name }) => [name, prefixed(sink, `${name.padEnd(widest)} | `)]))
  return (_, name) => sinks.get(name) ?? sink
}

/** The same of several functions. */
function announceAll(config: SystemConfig, emulator: RunningEmulator, log: RootLogger): void {
  const { announceSystem, inspectHandlers, systemInvitation } =
    require('./announce-system.ts') as typeof import('./announce-system.ts')
  announceSystem(config, emulator, log)
  if (isTerminal(2)) writeSync(2, systemInvitation(emulator, config.emulator.console !== null))
  afterStart(() => inspectHandlers(emulator.functions, log))
}

/** Says what runs, where it listens, and what speaks against it; to a person also how to call it. */
function announce(config: Config, emulator: RunningEmulator, log: Logger): void {
  const { launch, environment } = config.function
  if (launch.kind === 'command') {
    const [command] = launch.argv
    const reason = whyNotRunnable(command, launch.cwd, environment.PATH)
    if (reason !== null)
      log.error({ command, reason }, 'the command cannot be run; every invocation will say so')
  }
  const { gateway, runtimeApi, url } = emulator
  const { functionUrl } = emulator.first
  const line = firstLine(launch, process.execPath)
  const all = { gateway, runtimeApi, url: url + invokePath, ...(functionUrl === null ? {} : { functionUrl }) }
  log.info(all, `listening: ${line}`)
  if (launch.kind === 'attach') {
    log.info({ runtimeApi }, `no runtime is started: start yours with AWS_LAMBDA_RUNTIME_API=${runtimeApi}`)
  }
  const { inspect: inspector } = config.function
  if (inspector !== null) {
    const waits = inspector.stops ? ', which the function waits for' : ''
    log.info({ inspector: inspector.url }, `a debugger is expected at ${inspector.url}${waits}`)
  }
  if (config.emulator.debug) {
    log.info(
      {},
      "debugging: no time-outs, deadlines are a day ahead; the emulator's own log is --log-level debug",
    )
  }
  if (isTerminal(2)) {
    const { console, watch } = config.emulator
    const watched = watch === null || launch.kind === 'attach' ? null : codeOf(launch, config.function)
    writeSync(2, invitation({ url, functionUrl, console, watched }))
  }
  if (launch.kind === 'handler') afterStart(() => inspect(launch, config.function, log))
}

/** What a person edits: the sample's file, else the folder of the function. */
function codeOf(launch: Launch, { environment, taskRoot }: FunctionConfig): string {
  const isSample = launch.kind === 'handler' && launch.handler === sampleHandler
  return isSample ? relative(launch.cwd, sampleFile) : environment.LAMBDA_TASK_ROOT || taskRoot
}

/** Says which file and export is served, and what can be known to be wrong with it before anyone calls it. */
function inspect({ handler, cwd }: Launch & { kind: 'handler' }, config: FunctionConfig, log: Logger): void {
  const { inspectHandler } = require('./handler/inspect.ts') as typeof import('./handler/inspect.ts')
  const taskRoot = config.environment.LAMBDA_TASK_ROOT || config.taskRoot
  const { file, exported, problem, warnings } = inspectHandler(handler, cwd, taskRoot)
  if (problem !== undefined) {
    log.error({ handler, reason: problem }, 'the handler cannot be served; every invocation will say so')
  } else if (file !== undefined) {
    log.info({ file, export: exported }, 'serving')
  }
  for (const warning of warnings) log.warn({}, warning)
}
