/** Where runs are kept beyond the life of the emulator. Without one they live as long as it does. */

import type { HistoryEvent } from './core/history.ts'
import type { Operation } from './core/operation.ts'
import type { RunState } from './core/state.ts'

/** What one step has changed. */
export interface RunChange {
  readonly state: RunState
  readonly operations: Iterable<Operation>
  /** new events, and how many there were before */
  readonly history: readonly HistoryEvent[]
  readonly historyBefore: number
}

export interface StoredRun {
  readonly state: RunState
  readonly history: HistoryEvent[]
}

export interface RunStore extends Disposable {
  /** All runs, in the order of their start. */
  load(): StoredRun[]
  /** Is on disk when this returns. Throws when it is not, as on a full disk: nothing has changed there then. */
  save(change: RunChange): void
  delete(arn: string): void
}
