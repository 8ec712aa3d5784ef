/**
 * What a run went through, in order: the events of GetDurableExecutionHistory
 * (https://docs.aws.amazon.com/lambda/latest/api/API_Event.html). Their numbers are their places.
 */

import type { ErrorObject, Identity, InvokeTarget, Operation } from './operation.ts'

export type HistoryType =
  | 'ExecutionStarted'
  | 'ExecutionSucceeded'
  | 'ExecutionFailed'
  | 'ExecutionStopped'
  | 'ExecutionTimedOut'
  | 'ExecutionPaused'
  | 'ExecutionResumed'
  | 'InvocationCompleted'
  | 'ContextStarted'
  | 'ContextSucceeded'
  | 'ContextFailed'
  | 'StepStarted'
  | 'StepSucceeded'
  | 'StepFailed'
  | 'WaitStarted'
  | 'WaitSucceeded'
  | 'WaitCancelled'
  | 'CallbackStarted'
  | 'CallbackSucceeded'
  | 'CallbackFailed'
  | 'CallbackTimedOut'
  | 'ChainedInvokeStarted'
  | 'ChainedInvokeSucceeded'
  | 'ChainedInvokeFailed'
  | 'ChainedInvokeTimedOut'
  | 'ChainedInvokeStopped'

/** Times are Unix milliseconds. Only what the type of the event has is there. */
export interface HistoryDetails {
  readonly input?: string | null
  readonly result?: string | null
  readonly error?: ErrorObject | null
  readonly executionTimeoutSeconds?: number | null
  readonly invocation?: { readonly requestId: string; readonly startedAt: number; readonly endedAt: number }
  readonly pause?: { readonly reason: string | null; readonly timeoutPaused: boolean }
  readonly reason?: string | null
  readonly retry?: { readonly attempt: number; readonly delaySeconds: number | null }
  readonly wait?: { readonly seconds: number; readonly scheduledEndAt: number }
  readonly callback?: { readonly timeoutSeconds: number; readonly heartbeatSeconds: number }
  readonly invoke?: {
    readonly functionName: string
    readonly tenantId: string | null
    readonly target: InvokeTarget
  }
}

export interface HistoryEvent {
  readonly type: HistoryType
  readonly at: number
  /** null: it is of the run itself, or of an invocation */
  readonly of: Identity | null
  readonly details: HistoryDetails
}

/** One event of an operation. */
export function ofOperation(
  type: HistoryType,
  at: number,
  { id, parentId, name, subType }: Operation,
  details: HistoryDetails = {},
): HistoryEvent {
  return { type, at, of: { id, parentId, name, subType }, details }
}

/** One event of the run itself. */
export const ofRun = (type: HistoryType, at: number, details: HistoryDetails = {}): HistoryEvent => ({
  type,
  at,
  of: null,
  details,
})
