/**
 * The operations of a run, as plain values: a change makes a new value, so that an answer that was given can be given
 * again. Times are Unix milliseconds. Types, statuses and actions are spelled as in the API
 * (https://docs.aws.amazon.com/lambda/latest/api/API_Operation.html).
 */

/** What went wrong, as the handler or whoever ended it wrote it; the rules never look inside. */
export interface ErrorObject {
  readonly ErrorMessage?: string
  readonly ErrorType?: string
  readonly ErrorData?: string
  readonly StackTrace?: readonly string[]
}

export type OperationType = 'STEP' | 'CONTEXT' | 'WAIT' | 'CALLBACK' | 'CHAINED_INVOKE'

export type OperationStatus =
  | 'STARTED'
  | 'PENDING'
  | 'READY'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED'
  | 'TIMED_OUT'
  | 'STOPPED'

/** What the handler named it; null where it gave none, which is not the same as an empty name. */
export interface Identity {
  /** unique within its run; made by the handler, opaque here */
  readonly id: string
  readonly parentId: string | null
  readonly name: string | null
  readonly subType: string | null
}

interface Common extends Identity {
  readonly status: OperationStatus
  readonly startedAt: number
  /** null while it is open */
  readonly endedAt: number | null
  readonly result: string | null
  readonly error: ErrorObject | null
}

/** none → STARTED → SUCCEEDED | FAILED; → PENDING (a retry is waited for) → READY → STARTED or the same ends. */
export interface StepOperation extends Common {
  readonly type: 'STEP'
  /** attempts that have ended */
  readonly attempt: number
  readonly nextAttemptAt: number | null
}

/** none → STARTED → SUCCEEDED | FAILED. */
export interface ContextOperation extends Common {
  readonly type: 'CONTEXT'
  /** its operations are shown although it is closed; null when the handler did not say */
  readonly replayChildren: boolean | null
}

/** none → STARTED → SUCCEEDED (its time has come) | CANCELLED. */
export interface WaitOperation extends Common {
  readonly type: 'WAIT'
  readonly seconds: number
  readonly scheduledEndAt: number
}

/** none → STARTED → SUCCEEDED | FAILED | TIMED_OUT, by others than the handler. */
export interface CallbackOperation extends Common {
  readonly type: 'CALLBACK'
  /** 0: none */
  readonly timeoutSeconds: number
  readonly heartbeatSeconds: number
}

/** What an invoked function is: one without runs, one whose run has this ARN, or none that could be found. */
export type InvokeTarget =
  | { readonly kind: 'plain'; readonly arn: string; readonly version: string }
  | {
      readonly kind: 'durable'
      readonly arn: string
      readonly version: string
      readonly executionArn: string
    }
  | { readonly kind: 'unresolved'; readonly error: ErrorObject }

/** none → STARTED → SUCCEEDED | FAILED | TIMED_OUT | STOPPED; → FAILED at once when its target is unresolved. */
export interface ChainedInvokeOperation extends Common {
  readonly type: 'CHAINED_INVOKE'
  readonly functionName: string
  readonly tenantId: string | null
  readonly target: InvokeTarget
  /** null when the handler gave none, and once it is closed */
  readonly input: string | null
}

export type Operation =
  | StepOperation
  | ContextOperation
  | WaitOperation
  | CallbackOperation
  | ChainedInvokeOperation

/** Whether something outside the handler will change it, so that a handler may end its invocation to wait for that. */
export function isAwaited({ type, status }: Operation): boolean {
  if (type === 'STEP') return status === 'PENDING'
  return type !== 'CONTEXT' && status === 'STARTED'
}

/**
 * The operations that a handler sees, in the order of their creation: those inside a context that has succeeded or
 * failed are left out at every depth, unless it says that its children are replayed.
 */
export function visible(operations: ReadonlyMap<string, Operation>): Operation[] {
  const hidden = new Set<string>()
  const seen: Operation[] = []
  for (const operation of operations.values()) {
    const { parentId } = operation
    const parent = parentId === null ? undefined : operations.get(parentId)
    if (parent !== undefined && (hidden.has(parent.id) || hidesChildren(parent))) hidden.add(operation.id)
    else seen.push(operation)
  }
  return seen
}

const hidesChildren = (operation: Operation): boolean =>
  operation.type === 'CONTEXT' &&
  (operation.status === 'SUCCEEDED' || operation.status === 'FAILED') &&
  operation.replayChildren !== true
