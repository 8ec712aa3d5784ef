/** What the emulator's own log says of runs. */

import type { Log } from '../engine/ports.ts'
import type { RunRecord } from './run.ts'
import { callbackIdOf, dueTime } from './wire.ts'

/** A run waits: until when, or for which callbacks. */
export function tellSuspension({ state, facts }: RunRecord, log: Log): void {
  const callbacks: { readonly name: string | null; readonly id: string }[] = []
  for (const { type, status, id, name } of state.run.operations.values()) {
    if (type === 'CALLBACK' && status === 'STARTED')
      callbacks.push({ name, id: callbackIdOf(facts.executionId, id) })
  }
  log.info(
    { run: facts.arn, until: dueTime(state), ...(callbacks.length === 0 ? {} : { callbacks }) },
    'a durable execution is suspended',
  )
}
