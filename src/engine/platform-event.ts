/**
 * What happens in an environment, as those who tell of it see it: the text log, the metrics, the emulator's own log,
 * telemetry subscriptions. `platform-events.ts` is the only place that emits them.
 */

import { type Fault, initTimeoutType, type Outcome, type ProcessName, type Verdict } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { InitPhase, ShutdownReason } from '../core/lifecycle.ts'
import type { TelemetryApi } from './ports.ts'

/** Every event has the time at which it happened, in monotonic milliseconds with a fraction. */
interface Timed {
  readonly at: number
}

export interface InitStart extends Timed {
  readonly type: 'initStart'
  readonly phase: InitPhase
}

/** The runtime has asked for its first event, or will not. */
export interface InitRuntimeDone extends Timed {
  readonly type: 'initRuntimeDone'
  readonly phase: InitPhase
  readonly verdict: Verdict
}

/** The end of one init attempt. */
export interface InitReport extends Timed {
  readonly type: 'initReport'
  readonly phase: InitPhase
  readonly verdict: Verdict
  readonly durationMs: number
}

/** A snapshot is about to be restored: the process goes on with its hooks. */
export interface RestoreStart extends Timed {
  readonly type: 'restoreStart'
}

/** The end of a restore: the runtime has asked for an event, or will not. */
export interface RestoreReport extends Timed {
  readonly type: 'restoreReport'
  readonly verdict: Verdict
  readonly durationMs: number
}

/** The state of one extension when an init attempt ends; one event for each extension, before the `initReport`. */
export interface ExtensionStatus extends Timed {
  readonly type: 'extension'
  readonly name: string
  readonly state: string
  readonly events: readonly string[]
}

/** The event of an invocation is delivered. */
export interface InvocationStart extends Timed {
  readonly type: 'start'
  readonly id: RequestId
  readonly traceId: string
}

/** The first byte of a streamed response is there. */
export interface ResponseStart extends Timed {
  readonly type: 'responseStart'
  readonly id: RequestId
  /** since START */
  readonly latencyMs: number
}

/**
 * The caller is about to be answered, or a stream to be ended. A listener must not keep the outcome: it holds the
 * payload.
 */
export interface Answered extends Timed {
  readonly type: 'answered'
  readonly id: RequestId
  readonly outcome: Outcome
  /** since START; null of an invocation that never started */
  readonly durationMs: number | null
}

/**
 * The runtime is done with an invocation: it has asked for the next event, or has failed. Told of only when asked for.
 */
export interface RuntimeDone extends Timed {
  readonly type: 'runtimeDone'
  readonly id: RequestId
  readonly traceId: string
  readonly verdict: Verdict
  readonly durationMs: number
  /** size of the response in bytes; null without one */
  readonly producedBytes: number | null
  /** when the response began to arrive; null if it never did */
  readonly respondingAt: number | null
  /** when all of it had arrived; null if it never did */
  readonly respondedAt: number | null
}

/** The invocation is over: the runtime and all extensions have asked for the next event, or have failed. */
export interface InvocationReport extends Timed {
  readonly type: 'report'
  readonly id: RequestId
  readonly traceId: string
  readonly verdict: Verdict
  readonly durationMs: number
  /** only of the invocation that a successful init preceded */
  readonly initMs: number | null
  /** only of the invocation that was restored for */
  readonly restoreMs?: number | null
  /** peak so far of all processes of the environment, in bytes */
  readonly memoryBytes: number
  /** time of its `runtimeDone`; null when that was not asked for */
  readonly runtimeDoneAt: number | null
  /** as in `runtimeDone`; null when that was not asked for */
  readonly respondingAt: number | null
  readonly respondedAt: number | null
}

/** A process or an init attempt failed. */
export interface EnvironmentFault extends Timed {
  readonly type: 'fault'
  readonly process: ProcessName | null
  readonly fault: Fault
  /** nothing ran */
  readonly idle: boolean
  /** the invocation that ran, or that had just been given up because of it */
  readonly id: RequestId | null
}

/** The processes are about to be ended. */
export interface Shutdown extends Timed {
  readonly type: 'shutdown'
  readonly reason: ShutdownReason
}

/** An extension has subscribed to the Telemetry or Logs API. */
export interface Subscribed extends Timed {
  readonly type: 'subscribed'
  readonly api: TelemetryApi
  readonly name: string
  readonly types: readonly string[]
}

/** Something that a process wrote: one or more whole lines, or one record of its logger. */
export interface ProcessLog extends Timed {
  readonly type: 'log'
  readonly process: ProcessName
  /** Ends in a newline. A listener may keep it, and must not change it. */
  readonly bytes: Uint8Array
  /** Unix milliseconds that a logger gave its record, whose bytes are one record with all line feeds; null for lines */
  readonly recordedAt: number | null
}

export type PlatformEvent =
  | InitStart
  | InitRuntimeDone
  | InitReport
  | ExtensionStatus
  | RestoreStart
  | RestoreReport
  | InvocationStart
  | ResponseStart
  | Answered
  | RuntimeDone
  | InvocationReport
  | EnvironmentFault
  | Shutdown
  | Subscribed
  | ProcessLog

/**
 * Gets every event, in order. It is called while invocations wait for their answer, so a call takes well under a
 * microsecond and does not throw; work that takes longer is put off.
 */
export type PlatformListener = (event: PlatformEvent) => void

/** Whether anybody wants to know when the runtime is done with an invocation, and how it got there. */
export interface Details {
  wanted: boolean
}

/** Whether this fault is told of as a shutdown for the reason `timeout` as well. */
export const isInitTimeout = ({ fault }: EnvironmentFault): boolean => fault.errorType === initTimeoutType
