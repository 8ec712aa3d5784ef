/**
 * The rules of one execution environment: a state and an event in, a state and effects out. No I/O, no clock, no
 * randomness.
 *
 * Theory of operation. An environment is `cold` until an invocation or an eager start needs it; `starting` while its
 * extensions register, its runtime initialises and all ask for a first event; `restoring` if the runtime asks to be
 * restored from a snapshot first; `serving` from then on (with nothing in flight it is what the service calls ready);
 * `stopping` while its processes end; then it is cold again, starting again, or `stopped` for good. Three rules hold
 * everywhere:
 *
 * 1. Everything that decides what may follow is in the state. The engine holds what is not data (sockets, timers,
 *    payloads, processes) under the ids that are found here.
 * 2. A caller is answered before anything is cleaned up: `settle` comes before `signal` among the effects of a step.
 * 3. The first cause wins. An invocation is settled once; the verdict of its REPORT is the first that is not success.
 *
 * A pair of (phase, event) that is not in the table moves nothing. If the event is an API call, `refusal` answers it:
 * 400 `InvalidRequestID` to `/response` and `/error`, whose id is not in flight then, and 403 to all others. The
 * successors of a state stand above its type in `state.ts`. A stop that has no process to wait for passes through
 * `stopping` within one step.
 */

import * as answering from './answering.ts'
import * as cold from './cold.ts'
import type { Effects } from './effect.ts'
import type { Event, On } from './event.ts'
import { illegal, invalidRequestId, type Refusal, subscriptionClosed } from './failure.ts'
import type { ApiCallId, Generation } from './ids.ts'
import * as inflight from './inflight.ts'
import type { Mode } from './mode.ts'
import * as restoring from './restoring.ts'
import * as serving from './serving.ts'
import * as starting from './starting.ts'
import type { In, LifecycleState } from './state.ts'
import * as stopping from './stopping.ts'

export * from './effect.ts'
export type * from './event.ts'
export * from './state.ts'

export type Table = {
  readonly [P in LifecycleState['phase']]: {
    readonly [T in Event['type']]?: (state: In<P>, event: On<T>, out: Effects, mode: Mode) => LifecycleState
  }
}

/** All transitions. A cell sees exactly its state, its event, and the policy of the mode. */
export const transitions: Table = {
  cold: {
    start: cold.start,
    invoke: cold.invoke,
    recycle: cold.recycle,
    stop: cold.stop,
  },
  starting: {
    discovered: starting.discovered,
    invoke: starting.invoke,
    'launch-failed': starting.launchFailed,
    exit: starting.exit,
    'runtime/next': starting.runtimeNext,
    'runtime/restore-next': starting.restoreNext,
    'runtime/init-error': starting.initError,
    'extension/register': starting.register,
    'extension/next': starting.extensionNext,
    'extension/init-error': starting.extensionInitError,
    'extension/exit-error': starting.extensionExitError,
    'extension/subscribe': starting.extensionSubscribe,
    gone: starting.gone,
    'init-limit': starting.initLimit,
    'exit-wait-over': starting.exitWaitOver,
    deadline: starting.deadline,
    recycle: starting.recycle,
    stop: starting.stop,
  },
  restoring: {
    invoke: restoring.invoke,
    exit: restoring.exit,
    'runtime/next': restoring.runtimeNext,
    'runtime/restore-next': restoring.restoreNext,
    'runtime/restore-error': restoring.restoreError,
    'extension/register': restoring.register,
    'extension/next': restoring.extensionNext,
    'extension/init-error': restoring.extensionInitError,
    'extension/exit-error': restoring.extensionExitError,
    gone: restoring.gone,
    'restore-limit': restoring.restoreLimit,
    recycle: restoring.recycle,
    stop: restoring.stop,
  },
  serving: {
    invoke: serving.invoke,
    exit: serving.exit,
    'runtime/next': serving.runtimeNext,
    'runtime/response': answering.response,
    'runtime/error': answering.error,
    'runtime/streaming': answering.streaming,
    'runtime/received': answering.received,
    'extension/register': serving.register,
    'extension/next': serving.extensionNext,
    'extension/init-error': serving.extensionInitError,
    'extension/exit-error': serving.extensionExitError,
    gone: serving.gone,
    'exit-wait-over': serving.exitWaitOver,
    deadline: serving.deadline,
    recycle: serving.recycle,
    stop: serving.stop,
  },
  stopping: {
    'launch-failed': stopping.exit,
    exit: stopping.exit,
    'runtime/next': stopping.runtimeNext,
    'extension/next': stopping.extensionNext,
    'extension/init-error': stopping.extensionInitError,
    'extension/exit-error': stopping.extensionExitError,
    gone: stopping.gone,
    flushed: stopping.flushed,
    'grace-over': stopping.graceOver,
    'budget-over': stopping.budgetOver,
    'kill-wait-over': stopping.killWaitOver,
    stop: stopping.stop,
  },
  stopped: {},
}

type Cell = (state: LifecycleState, event: Event, out: Effects, mode: Mode) => LifecycleState

/**
 * One event through a table: the state that follows, which may be the same object with other fields. Total, never
 * throws. Without a cell nothing moves, and an API call is refused.
 */
export function step(
  state: LifecycleState,
  event: Event,
  out: Effects,
  mode: Mode,
  table: Table = transitions,
): LifecycleState {
  const cell = table[state.phase][event.type] as Cell | undefined
  if (cell !== undefined) return cell(state, event, out, mode)
  if ('call' in event && event.type !== 'gone') out.reply(event.call, refusal(state, event))
  return state
}

/** The target states as the reference names them in its refusals. */
const targets = {
  'runtime/next': 'Ready',
  'runtime/response': 'InvocationResponse',
  'runtime/error': 'InvocationErrorResponse',
  'runtime/received': 'RuntimeResponseSentState',
  'runtime/init-error': 'InitError',
  'runtime/restore-next': 'RestoreReady',
  'runtime/restore-error': 'RestoreError',
  'extension/register': 'Registered',
  'extension/next': 'Ready',
  'extension/init-error': 'InitError',
  'extension/exit-error': 'Exited',
} as const

/** A request that waits for an answer. */
type Call = Exclude<Extract<Event, { call: ApiCallId }>, { type: 'gone' }>

/**
 * The answer to a call that began in an earlier generation, as a process of then sent it: none is expected any more.
 * Null if the event is no call.
 */
export const refuseStale = (generation: Generation, event: Event): Refusal | null =>
  'call' in event && event.type !== 'gone' ? refusal({ phase: 'stopped', generation }, event) : null

function refusal(state: LifecycleState, event: Call): Refusal {
  switch (event.type) {
    case 'runtime/response':
    case 'runtime/error':
      // the id is checked before the state, and no invocation is open here to have this one
      return (state.phase === 'starting' || state.phase === 'restoring') && state.waiting.includes(event.id)
        ? illegal('runtime', runtimeState(state), targets[event.type])
        : invalidRequestId
    case 'runtime/next':
    case 'runtime/received':
    case 'runtime/init-error':
    case 'runtime/restore-next':
    case 'runtime/restore-error':
      return illegal('runtime', runtimeState(state), targets[event.type])
    case 'extension/subscribe':
      return subscriptionClosed(event.api)
    case 'extension/register':
    case 'extension/next':
    case 'extension/init-error':
    case 'extension/exit-error':
      return {
        ...illegal('extension', state.phase === 'stopping' ? 'Stopping' : 'NotStarted', targets[event.type]),
        code: 'InvalidStateTransition',
      }
  }
}

/** The state of the runtime under its name in the reference's messages. */
export function runtimeState(state: LifecycleState): string {
  switch (state.phase) {
    case 'cold':
    case 'stopped':
      return 'NotStarted'
    case 'starting':
      return state.runtime === 'absent' ? 'NotStarted' : state.runtime
    case 'restoring':
      return restoring.nameOf(state)
    case 'serving':
      return inflight.runtimeState(state)
    case 'stopping':
      return state.runtimeState
  }
}
