/** What can happen to a run. `at` is the time of it, in Unix milliseconds. */

import type { ErrorObject, Identity, InvokeTarget, OperationType } from './operation.ts'

export type Action = 'START' | 'SUCCEED' | 'FAIL' | 'RETRY' | 'CANCEL'

/** One report of a handler. Absent members are null: what is not there and what is empty differ. */
export interface Update extends Identity {
  readonly type: OperationType | 'EXECUTION'
  readonly action: Action
  readonly payload: string | null
  readonly error: ErrorObject | null
  readonly replayChildren: boolean | null
  readonly nextAttemptDelaySeconds: number | null
  readonly waitSeconds: number | null
  /** null: no options were sent, which is the same as none set */
  readonly callback: { readonly timeoutSeconds: number; readonly heartbeatSeconds: number } | null
  /** looked up before the rules see it */
  readonly invoke: {
    readonly functionName: string
    readonly tenantId: string | null
    readonly target: InvokeTarget
  } | null
}

/** An invocation of the function that has ended. */
export interface Ended {
  readonly requestId: string
  readonly startedAt: number
}

/** What an invoked function or run came to. */
export interface ChainedOutcome {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'STOPPED'
  readonly result: string | null
  readonly error: ErrorObject | null
}

export type RunEvent = { readonly at: number } & (
  | { readonly type: 'begin' }
  | {
      readonly type: 'checkpoint'
      /** as it was handed out; 0 for what is none of this run */
      readonly token: number
      readonly clientToken: string | null
      readonly updates: readonly Update[]
    }
  /** the handler returned this text */
  | ({ readonly type: 'returned'; readonly payload: string } & Ended)
  /** it threw, its process ended, it ran out of time, or its init failed */
  | ({ readonly type: 'failed'; readonly error: ErrorObject } & Ended)
  /** the invocation never ran, and nobody needs it */
  | { readonly type: 'withdrawn' }
  /** the emulator starts again, and with it ended whatever ran */
  | { readonly type: 'restored' }
  /** time has passed: something may be due */
  | { readonly type: 'timer' }
  | { readonly type: 'callback-succeeded'; readonly id: string; readonly result: string | null }
  | { readonly type: 'callback-failed'; readonly id: string; readonly error: ErrorObject }
  | { readonly type: 'callback-heartbeat'; readonly id: string }
  | { readonly type: 'chained-ended'; readonly id: string; readonly outcome: ChainedOutcome }
  | { readonly type: 'stop'; readonly error: ErrorObject }
  | { readonly type: 'pause'; readonly reason: string | null; readonly timeoutPaused: boolean }
  | { readonly type: 'resume'; readonly reason: string | null }
  | { readonly type: 'delete' }
)

/** The event of one type. */
export type RunOn<T extends RunEvent['type']> = Extract<RunEvent, { type: T }>
