/**
 * What a step has the engine do. Cells report effects to an object, in the order in which they are to be done; the
 * engine does them at once, a test writes them down.
 */

import type { Fault, Outcome, ProcessName, Refusal, Verdict } from './failure.ts'
import type { ApiCallId, ExtensionId, RequestId } from './ids.ts'
import type { InitPhase, ShutdownReason } from './state.ts'

/** What an API call is answered. */
export type Reply =
  /** 202 `{"status":"OK"}` */
  | { readonly kind: 'accepted' }
  /** go on and read the body, then report it with `runtime/received` */
  | { readonly kind: 'read' }
  | { readonly kind: 'invocation'; readonly id: RequestId }
  | { readonly kind: 'registered'; readonly id: ExtensionId }
  | { readonly kind: 'subscribed' }
  /** an empty 200: go on after the snapshot */
  | { readonly kind: 'restore' }
  | { readonly kind: 'invoke-event'; readonly id: RequestId }
  | { readonly kind: 'shutdown-event'; readonly reason: ShutdownReason }
  | Refusal

export type TimerName = 'init' | 'restore' | 'exit-wait' | 'grace' | 'budget' | 'kill-wait'

/** What the report of an init attempt says of an extension. */
export interface ExtensionReport {
  readonly name: string
  readonly state: string
  readonly events: readonly string[]
}

/** What log, REPORT and telemetry are made of. */
export type PlatformRecord =
  | { readonly type: 'init-start'; readonly phase: InitPhase }
  | {
      readonly type: 'init-report'
      readonly phase: InitPhase
      readonly verdict: Verdict
      readonly extensions: readonly ExtensionReport[]
    }
  | { readonly type: 'restore-start' }
  | { readonly type: 'restore-report'; readonly verdict: Verdict }
  | { readonly type: 'start'; readonly id: RequestId }
  | { readonly type: 'report'; readonly id: RequestId; readonly verdict: Verdict }
  | {
      readonly type: 'fault'
      readonly process: ProcessName | null
      readonly fault: Fault
      readonly idle: boolean
    }
  | { readonly type: 'shutdown'; readonly reason: ShutdownReason }

/**
 * What cells report to. No effect has a result, and nothing that an effect causes changes a state before the step is
 * over. A cell that stays in its phase changes its state first and reports then.
 */
export interface Effects {
  /** List the extensions and dispatch `discovered`. */
  discover(): void
  spawn(process: ProcessName): void
  /** Signal the process group of this process. */
  signal(process: ProcessName, signal: 'SIGTERM' | 'SIGKILL'): void
  /** Kill what is left of every process group that was started, and release the groups. */
  releaseProcesses(): void
  /** Answer an API call. */
  reply(call: ApiCallId, reply: Reply): void
  /** Answer the caller of an invocation. */
  settle(id: RequestId, outcome: Outcome): void
  /** The answer begins: its bytes go from the runtime to the caller as they come. */
  beginAnswer(id: RequestId, contentType: string): void
  /** An answer that has begun is whole. */
  endAnswer(id: RequestId, outcome: Outcome): void
  /** This environment has no slot for the invocation, which waits for one again, before those that came later. */
  giveBack(id: RequestId): void
  /** The last attempt to initialise has failed: whoever waits for nothing but this environment ends in this outcome. */
  failWaiting(outcome: Outcome): void
  /** An answer that has begun ends in this outcome, which is no success. */
  breakAnswer(id: RequestId, outcome: Outcome): void
  /** Start the function timeout of this invocation, unless it runs already. */
  armDeadline(id: RequestId): void
  disarmDeadline(id: RequestId): void
  /** Deliver the telemetry that waits, for at most so many milliseconds, and dispatch `flushed`. */
  flush(ms: number): void
  /** `ms` is how long the timer runs; the init limit is the engine's to know. */
  arm(timer: TimerName, ms?: number): void
  disarm(timer: TimerName): void
  record(record: PlatformRecord): void
  /** The invocation is over: its deadline ends, and the engine lets go of it. */
  finish(id: RequestId): void
}

/** START of an invocation: written once, when its event is delivered or, if it never is, before its REPORT. */
export function recordStart(id: RequestId, out: Effects): void {
  out.record({ type: 'start', id })
}

/** REPORT and the end of an invocation. `started` says that START has been written. */
export function finishInvocation(id: RequestId, verdict: Verdict, started: boolean, out: Effects): void {
  if (!started) recordStart(id, out)
  out.record({ type: 'report', id, verdict })
  out.finish(id)
}
