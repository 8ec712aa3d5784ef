/**
 * The rules of one durable execution, here called a run: a state and an event in, a state and effects out. No I/O, no
 * clock, no randomness.
 *
 * Theory of operation. A run is several invocations of one function, of which one at a time is on its way. It is
 * `invoking` from when an invocation is asked for until that ends; `suspended` while it waits for an operation, or for
 * the time at which a failed invocation is made again; `paused` when somebody asked for that; `closed` at its end. Four
 * rules hold everywhere:
 *
 * 1. The state is the list of operations. The handler changes it by checkpoints, each with a token that is good once;
 *    time, callbacks and invoked functions change it behind the handler's back.
 * 2. What was changed behind its back is told to the handler: by the answer to its next checkpoint, and by one more
 *    invocation if it ends without having been given it in an event. Without such a change it is not invoked.
 * 3. An invocation that fails changes nothing: it is made again with what was saved.
 * 4. A run ends once. An invocation that is on its way then runs to its end, and nothing of it counts.
 *
 * A pair of (phase, event) that is not in the table moves nothing. If the event is a call, `refusal` answers it. The
 * successors of a state stand above its type in `state.ts`; what may be reported of an operation is in `actions.ts`.
 */

import { checkpoint } from './checkpoint.ts'
import type { RunEffects } from './effect.ts'
import type { RunEvent, RunOn } from './event.ts'
import * as invoking from './invoking.ts'
import * as outside from './outside.ts'
import { callbackClosed, invalidToken, type RunRefusal } from './refusal.ts'
import * as resting from './resting.ts'
import type { RunIn, RunPolicy, RunState } from './state.ts'

export type RunTable = {
  readonly [P in RunState['phase']]: {
    readonly [T in RunEvent['type']]?: (
      state: RunIn<P>,
      event: RunOn<T>,
      out: RunEffects,
      policy: RunPolicy,
    ) => RunState
  }
}

/** What is the same in each phase of an open run. */
const whileOpen = {
  timer: outside.timer,
  'callback-succeeded': outside.callbackSucceeded,
  'callback-failed': outside.callbackFailed,
  'callback-heartbeat': outside.callbackHeartbeat,
  'chained-ended': outside.chainedEnded,
  stop: outside.stop,
} as const

/** All transitions. */
export const transitions: RunTable = {
  created: {
    begin: resting.begin,
  },
  invoking: {
    ...whileOpen,
    checkpoint,
    returned: invoking.returned,
    failed: invoking.failed,
    restored: invoking.restored,
    pause: invoking.pauseInvoking,
    resume: invoking.resumeInvoking,
  },
  suspended: {
    ...whileOpen,
    pause: resting.pauseSuspended,
    resume: resting.resumeSuspended,
  },
  paused: {
    ...whileOpen,
    pause: resting.pauseAgain,
    resume: resting.resume,
  },
  closed: {
    returned: resting.returnedLate,
    failed: resting.failedLate,
    withdrawn: resting.withdrawn,
    restored: resting.withdrawn,
    stop: resting.stopClosed,
    delete: resting.forget,
  },
}

type Cell = (state: RunState, event: RunEvent, out: RunEffects, policy: RunPolicy) => RunState

/**
 * One event through a table: the state that follows, which may be the same object with other fields. Total, never
 * throws. Without a cell nothing moves, and a call is refused.
 */
export function step(
  state: RunState,
  event: RunEvent,
  out: RunEffects,
  policy: RunPolicy,
  table: RunTable = transitions,
): RunState {
  const cell = table[state.phase][event.type] as Cell | undefined
  if (cell !== undefined) return cell(state, event, out, policy)
  const answer = refusal(event)
  if (answer !== null) out.reply(answer)
  return state
}

/** What a call is refused with that the phase has no cell for; null for what is no call. */
export function refusal({ type }: RunEvent): RunRefusal | null {
  switch (type) {
    case 'checkpoint':
      return invalidToken
    case 'callback-succeeded':
    case 'callback-failed':
    case 'callback-heartbeat':
      return callbackClosed
    case 'pause':
    case 'resume':
      return resting.isOver
    case 'delete':
      return resting.stillRuns
    case 'stop':
    case 'begin':
    case 'returned':
    case 'failed':
    case 'withdrawn':
    case 'restored':
    case 'timer':
    case 'chained-ended':
      return null
  }
}
