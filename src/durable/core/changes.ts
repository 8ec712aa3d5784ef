/** Changes of operations: by the handler, who knows of them, and by others, of whom it has to be told. */

import { textOf } from './actions.ts'
import type { RunEffects } from './effect.ts'
import type { HistoryType } from './history.ts'
import { ofOperation } from './history.ts'
import { bytesOf } from './limits.ts'
import type { ErrorObject, Operation, OperationStatus } from './operation.ts'
import type { RunData } from './state.ts'

/** What it takes of the run's storage, in bytes. */
function weight({ name, result, error }: Operation): number {
  return bytesOf(name) + bytesOf(result) + (error === null ? 0 : bytesOf(textOf(error)))
}

/** Sets an operation. The handler sees it with its next answer. */
export function put(run: RunData, operation: Operation, out: RunEffects): void {
  const before = run.operations.get(operation.id)
  run.bytes += weight(operation) - (before === undefined ? 0 : weight(before))
  run.operations.set(operation.id, operation)
  run.unseen.add(operation.id)
  out.changed(operation)
}

/** Sets an operation that others than the handler have changed: it is invoked for that. */
export function putForHandler(run: RunData, operation: Operation, out: RunEffects): void {
  put(run, operation, out)
  run.updated.add(operation.id)
}

/** How it ended. */
export interface End {
  readonly status: OperationStatus
  readonly result?: string | null
  readonly error?: ErrorObject | null
}

/** Closes an operation that waited for others than the handler. `type` is what the history calls it. */
export function complete(
  run: RunData,
  operation: Operation,
  end: End,
  type: HistoryType,
  at: number,
  out: RunEffects,
): void {
  const { status, result = null, error = null } = end
  run.timers.delete(operation.id)
  run.heartbeats.delete(operation.id)
  const closed: Operation = { ...operation, status, result, error, endedAt: at }
  putForHandler(run, closed, out)
  const { seconds } = operation as { readonly seconds?: number }
  if (operation.type === 'WAIT') {
    const wait = { seconds: seconds as number, scheduledEndAt: operation.scheduledEndAt }
    out.record(ofOperation(type, at, closed, { wait }))
  } else out.record(ofOperation(type, at, closed, status === 'SUCCEEDED' ? { result } : { error }))
}
