/**
 * All that the emulator is told from outside, read once: by the command line and the environment, or by a program that
 * embeds it. Everything else in the program receives values from here.
 */

import type { Origins } from '../gateway/cors.ts'
import type { UrlCors } from '../gateway/url/cors.ts'
import type { AsyncConfig } from './asynchronous.ts'
import type { DurableFunctionConfig } from './durable.ts'
import type { Address } from './kinds.ts'
import { ConfigError } from './kinds.ts'
import type { Launch } from './launch.ts'
import type { ApplicationLevel, Dialect, InvokeMode, LogFormat, LogLevel, SystemLevel } from './values.ts'

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
