/** What happens to operations when their time has come. */

import { complete, putForHandler } from './changes.ts'
import type { RunEffects } from './effect.ts'
import type { Operation, StepOperation } from './operation.ts'
import type { RunData } from './state.ts'

/** A step that may be tried again is not told in the history: it is when it starts. */
function ready(run: RunData, step: StepOperation, out: RunEffects): void {
  run.timers.delete(step.id)
  putForHandler(run, { ...step, status: 'READY', nextAttemptAt: null }, out)
}

const timedOut = {
  status: 'TIMED_OUT',
  error: { ErrorType: 'Callback.Timeout', ErrorMessage: 'Callback timed out' },
} as const
const silent = {
  status: 'TIMED_OUT',
  error: { ErrorType: 'Callback.Heartbeat', ErrorMessage: 'Callback timed out on heartbeat' },
} as const

/** Fires every timer of operations that is due, the earliest first. */
export function fireDue(run: RunData, at: number, out: RunEffects): void {
  const due: { at: number; id: string; silent: boolean }[] = []
  for (const [id, when] of run.timers) if (when <= at) due.push({ at: when, id, silent: false })
  for (const [id, when] of run.heartbeats) if (when <= at) due.push({ at: when, id, silent: true })
  if (due.length > 1) due.sort((one, other) => one.at - other.at)
  for (const { id, silent: isSilent } of due) {
    // the other timer of a callback may have fired just now
    if (!(isSilent ? run.heartbeats : run.timers).has(id)) continue
    const operation = run.operations.get(id) as Operation
    if (operation.type === 'STEP') ready(run, operation, out)
    else if (operation.type === 'WAIT')
      complete(run, operation, { status: 'SUCCEEDED' }, 'WaitSucceeded', at, out)
    else complete(run, operation, isSilent ? silent : timedOut, 'CallbackTimedOut', at, out)
  }
}
