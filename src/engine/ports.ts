/**
 * What the engine needs from outside. `src/process` implements these with real processes; tests implement them with
 * scripted runtimes that speak real HTTP and start nothing.
 */

import type { ExitStatus, Outcome, ProcessName, TelemetryApi, Verdict } from '../core/failure.ts'

export type { ExitStatus, ProcessName, TelemetryApi }

/**
 * Why a process could not be started, in the words of the reference:
 * `fork/exec PATH: permission denied`, `exec: "NAME": executable file not found in $PATH`, …
 */
export interface LaunchFailure {
  readonly reason: 'entrypoint' | 'working-directory'
  readonly text: string
}

/** What a process tells its environment while it lives. */
export interface ProcessEvents {
  /** Bytes that the process, or anything in its group, wrote on stdout or stderr, in the order of the writes. */
  output(chunk: Uint8Array): void
  /**
   * The process itself (not its descendants) has ended. Called once, never before `spawn` has returned. `peakBytes`
   * is the kernel's figure for its resident memory; it starts at the emulator's own, so it is only good as a last
   * resort.
   */
  exit(status: ExitStatus, peakBytes?: number): void
}

/** A process that was started, in a process group of its own. */
export interface RunningProcess {
  readonly pid: number
  /** Signals the whole process group; a group that is gone is not an error. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /** Hands over, synchronously, all output that the kernel holds for us now. Costs under 1 µs when there is none. */
  drain(): void
  /** The status of a process that has ended although `exit` has not told so yet, else null; about 1 µs. */
  ended(): ExitStatus | null
  /** Closes what we hold for this process, after killing what is left of its group. May be called more than once. */
  dispose(): void
}

/** What to start. Relative command names are looked up in the `PATH` of `env`. */
export interface ProcessSpec {
  readonly name: ProcessName
  readonly argv: readonly [string, ...string[]]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** It gets its output pipe a third time, as descriptor 3, for the records of its logger. */
  readonly logFd?: boolean
}

/** The operating system's processes as the engine sees them. */
export interface Processes {
  /** Starts a process, or says at once why it cannot be started. Never throws for what the user configured. */
  spawn(spec: ProcessSpec, events: ProcessEvents): RunningProcess | LaunchFailure
  /**
   * Resident memory of these processes and all their descendants, in bytes; the sum of each process's own peak
   * (`VmHWM`). 0 when none is alive.
   */
  memory(processes: Iterable<RunningProcess>): number
}

/** A clock: `now` is monotonic milliseconds with a fraction, `epoch` is Unix milliseconds. */
export interface Clock {
  now(): number
  epoch(): number
}

/** What the caller's side is told of an invocation that is over. Durations in milliseconds. */
export interface Report {
  readonly verdict: Verdict
  readonly durationMs: number
  /** only of the invocation that a successful init preceded */
  readonly initMs: number | null
  /** only of the invocation that a restore preceded */
  readonly restoreMs?: number | null
  /** peak so far of all processes of the environment, in bytes */
  readonly memoryBytes: number
}

/** Takes the output of a process and tells whole lines, and records of its logger, from each other. */
export interface OutputCutter {
  push(chunk: Uint8Array): void
  /** Ends an unfinished line. */
  flush(): void
  /** The process has ended. */
  end(): void
}

/** Gets runs of whole lines, and records with the time that their logger gave them, in Unix milliseconds. */
export type OutputEmit = (bytes: Uint8Array, recordedAt: number | null) => void

/** Keeps the end of an invocation's log, for a caller who asked for it. */
export interface LogTail {
  /** From now on keeps the last 4 KB that the log gets. */
  keep(): void
  /** What was kept since, START and REPORT included. */
  take(): Uint8Array
}

/** A subscription that an extension asks for. */
export interface SubscribeRequest {
  readonly api: TelemetryApi
  /** of the extension */
  readonly name: string
  /** as sent */
  readonly body: string
  /** Asks the rules, when all else is in order: false if it is too late. */
  accept(): boolean
}

export type SubscribeResult =
  | { readonly kind: 'subscribed'; readonly types: readonly string[] }
  | { readonly kind: 'invalid'; readonly message: string }
  | { readonly kind: 'refused' }

/** The telemetry subscriptions of one environment. */
export interface TelemetryPort {
  subscribe(request: SubscribeRequest): Promise<SubscribeResult>
  /** Delivers what has come so far; resolves after `limitMs` at the latest. */
  flush(limitMs: number): Promise<void>
}

/** Counts what happens before an invocation has an environment; each call costs well under a microsecond. */
export interface PoolObserver {
  /** An environment took an invocation that had waited for it that long, in milliseconds. */
  placed(waitMs: number): void
  /** An invocation that no environment took is answered. */
  refused(outcome: Outcome): void
}

/** The emulator's own log, one child logger per environment. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
