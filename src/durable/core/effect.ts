/**
 * What a step has the engine of runs do. Cells report effects to an object; the engine stores what has changed first, and
 * does them afterwards, in the order in which they were reported.
 */

import type { HistoryEvent } from './history.ts'
import type { ChainedInvokeOperation, ErrorObject, Operation } from './operation.ts'
import type { RunRefusal } from './refusal.ts'

/** What a call of the API is answered. */
export type RunReply =
  /** null: the handler may not go on, and is to end its invocation */
  | {
      readonly kind: 'checkpointed'
      readonly token: number | null
      readonly operations: readonly Operation[]
    }
  /** null: nothing to tell but that it is done; else when the run ended, or was asked to be deleted */
  | { readonly kind: 'done'; readonly at: number | null }
  | RunRefusal

export type ClosedStatus = 'SUCCEEDED' | 'FAILED' | 'STOPPED' | 'TIMED_OUT'

/** What a run came to. */
export interface Closure {
  readonly status: ClosedStatus
  readonly result: string | null
  readonly error: ErrorObject | null
}

export interface RunEffects {
  /** Answers the call that this event is; exactly once for each event that is one. */
  reply(reply: RunReply): void
  /** Invokes the function with the whole state, a token, and the ids that others than the handler have changed. */
  invoke(token: number, updated: readonly string[]): void
  /** Starts what a chained invoke names, and dispatches `chained-ended` when that has ended. */
  chain(operation: ChainedInvokeOperation): void
  /** Appends to the history. */
  record(event: HistoryEvent): void
  /** This operation is new, or has changed. */
  changed(operation: Operation): void
  /** The run is over: whoever waits for it is told, and an invocation that has not begun is withdrawn. */
  close(closure: Closure): void
  /** Nothing of the run is kept. */
  forget(): void
}
