/** What the engine is to do after a step, as plain data, and the effects that several phases share. */

import type { Fault, Outcome, ProcessName, Refusal, Verdict } from './failure.ts'
import type { ApiCallId, ExtensionId, RequestId } from './ids.ts'
import type { EnvironmentState, InitPhase, ShutdownReason } from './state.ts'

/** What an API call is answered. */
export type Reply =
  /** 202 `{"status":"OK"}` */
  | { readonly kind: 'accepted' }
  /** go on and read the body, then report it with `runtime/received` */
  | { readonly kind: 'read' }
  | { readonly kind: 'invocation'; readonly id: RequestId }
  | { readonly kind: 'registered'; readonly id: ExtensionId }
  | { readonly kind: 'invoke-event'; readonly id: RequestId }
  | { readonly kind: 'shutdown-event'; readonly reason: ShutdownReason }
  | Refusal

export type TimerName = 'init' | 'grace' | 'budget' | 'give-up'

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
  | { readonly type: 'start'; readonly id: RequestId }
  | { readonly type: 'report'; readonly id: RequestId; readonly verdict: Verdict }
  | {
      readonly type: 'fault'
      readonly process: ProcessName | null
      readonly fault: Fault
      readonly idle: boolean
    }
  | { readonly type: 'shutdown'; readonly reason: ShutdownReason }

/** What the engine is to do, in this order. */
export type Effect =
  /** list the extensions and dispatch `discovered` */
  | { readonly do: 'discover' }
  | { readonly do: 'spawn'; readonly process: ProcessName }
  | { readonly do: 'signal'; readonly process: ProcessName; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** kill what is left of every process group that was started, and release the groups */
  | { readonly do: 'sweep' }
  | { readonly do: 'reply'; readonly call: ApiCallId; readonly reply: Reply }
  /** answer the caller */
  | { readonly do: 'settle'; readonly id: RequestId; readonly outcome: Outcome }
  /** start the function timeout of this invocation, unless it runs already */
  | { readonly do: 'arm-deadline'; readonly id: RequestId }
  | { readonly do: 'disarm-deadline'; readonly id: RequestId }
  | { readonly do: 'arm'; readonly timer: 'init' }
  | { readonly do: 'arm'; readonly timer: 'grace' | 'budget' | 'give-up'; readonly ms: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }
  | { readonly do: 'record'; readonly record: PlatformRecord }
  /** the invocation is over: its deadline ends and the engine forgets it */
  | { readonly do: 'finish'; readonly id: RequestId }

/** The next state, and what is to be done. */
export type Step = readonly [EnvironmentState, ...Effect[]]

/** START of an invocation: written once, when its event is delivered or, if it never is, before its REPORT. */
export const recordStart = (id: RequestId): Effect => ({ do: 'record', record: { type: 'start', id } })

/** REPORT, then the engine may dropPoll the invocation. `started` says that START has been written. */
export function finishInvocation(id: RequestId, end: Verdict, started: boolean): Effect[] {
  const rest: Effect[] = [
    { do: 'record', record: { type: 'report', id, verdict: end } },
    { do: 'finish', id },
  ]
  return started ? rest : [recordStart(id), ...rest]
}

/** SIGKILL to the process group of this process. */
export const kill = (process: ProcessName): Effect => ({ do: 'signal', process, signal: 'SIGKILL' })
