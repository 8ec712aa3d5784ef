/** Placeholder of the type that the whole program is configured by; parseConfig joins it here. */
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
  /** the emulator's own environment, unfiltered, as every child is to inherit it */
  readonly inherited: Readonly<Record<string, string>>
  /** what was odd but not wrong; logged as warnings at start-up */
  readonly warnings: readonly string[]
}
