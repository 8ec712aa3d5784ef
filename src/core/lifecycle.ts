/**
 * The rules of one execution environment: state and event in, state and effects out. No I/O, no clock, no randomness.
 *
 * Theory of operation. An environment is `cold` until someone needs it; `starting` while its extensions register, its
 * runtime initialises and everyone asks for a first event; `serving` from then on (with nothing in flight it is what
 * the service calls ready); `stopping` while its processes end; and then cold again, starting again, or `stopped` for
 * good. Three rules hold everywhere:
 *
 * 1. Everything that decides what may follow is in the state. The engine holds what is not data (sockets, timers,
 *    payloads, processes) under the ids that are found here.
 * 2. A caller is answered before anything is cleaned up: `settle` comes before `signal` in every list of effects.
 * 3. The first cause wins. An invocation is settled once; the verdict of its REPORT is the first that is not success.
 *
 * A pair of (phase, event) that is not in the table is refused: nothing moves, and whoever called gets a 403. Legal
 * successors: cold → starting | stopped; starting → serving | stopping; serving → stopping; stopping → cold |
 * starting | stopped; stopped is the end.
 */

import type { Extension, Registration } from './extensions.ts'
import type { ExitStatus, Fault, Outcome, Payload, ProcessName, Refusal, Verdict } from './failure.ts'
import { illegal, invalidRequestId } from './failure.ts'
import type { ExtensionId, Generation, PollId, RequestId } from './ids.ts'
import * as inflight from './inflight.ts'
import * as serving from './serving.ts'
import * as starting from './starting.ts'
import * as stopping from './stopping.ts'

/** AWS's name for the two ways to initialise: on its own, with its own limit, or inside the invocation. */
export type InitPhase = 'init' | 'invoke'

/** Reasons as they are spelled on the wire of the service. */
export type ShutdownReason = 'spindown' | 'timeout' | 'failure'

export interface Cold {
  readonly phase: 'cold'
  readonly generation: Generation
  /** an init attempt failed while nobody waited: the next invocation makes the second one */
  readonly retry: boolean
}

/** Successors: serving when everyone has asked for an event; stopping at the first fault, limit or stop. */
export interface Starting {
  readonly phase: 'starting'
  readonly generation: Generation
  readonly attempt: InitPhase
  /** the invocation that caused this start; null for an eager one */
  readonly waiting: RequestId | null
  /** absent until all extensions have registered; Ready from its first `/next` */
  readonly runtime: 'absent' | 'Started' | 'Ready'
  readonly polls: readonly PollId[]
  readonly extensions: readonly Extension[]
}

/**
 * Where an invocation is. waiting (no poll to hand it to: the poller went away) → running → responding | erroring
 * (the body is being read) → responded; it leaves the list when the runtime and all who owe a poll have polled.
 */
export interface Inflight {
  readonly id: RequestId
  readonly stage: 'waiting' | 'running' | 'responding' | 'erroring' | 'responded'
  /** null until the caller has been answered */
  readonly verdict: Verdict | null
  /** the runtime ended while its answer was being read: it counts once the answer has arrived or broken off */
  readonly exited: Fault | null
}

/** Successors: stopping, by a timeout, the end of a process, or a stop. */
export interface Serving {
  readonly phase: 'serving'
  readonly generation: Generation
  readonly polls: readonly PollId[]
  /** at most one in on-demand mode */
  readonly inflight: readonly Inflight[]
  readonly extensions: readonly Extension[]
}

/** What comes after stopping. */
export type Afterwards =
  | { readonly to: 'cold'; readonly retry: boolean }
  | { readonly to: 'starting'; readonly attempt: InitPhase; readonly waiting: RequestId }
  | { readonly to: 'stopped' }

/** First the runtime gets its time, then the extensions theirs; whoever is left at the end is killed. */
export interface Stopping {
  readonly phase: 'stopping'
  readonly generation: Generation
  readonly reason: ShutdownReason
  readonly step: 'runtime' | 'extensions'
  /** the runtime's process is alive */
  readonly runtime: boolean
  /** the runtime's state when the stop began, for the text of refusals */
  readonly runtimeState: string
  readonly polls: readonly PollId[]
  readonly extensions: readonly Extension[]
  readonly afterwards: Afterwards
}

export interface Stopped {
  readonly phase: 'stopped'
  readonly generation: Generation
}

export type Environment = Cold | Starting | Serving | Stopping | Stopped

/** How the upload of a response or error ended. Of an oversize one `bytes` is the whole size, as far as known. */
export type Received =
  | { readonly kind: 'complete'; readonly payload: Payload; readonly contentType: string | null }
  | { readonly kind: 'oversize'; readonly bytes: number }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'trailers'; readonly payload: Payload | null; readonly contentType: string | null }

/** Everything that can happen to an environment. `call` is the HTTP request that waits for a `reply`. */
export type Event =
  /** initialise without an invocation */
  | { readonly type: 'start' }
  | { readonly type: 'invoke'; readonly id: RequestId }
  /** the extensions that are to be started, or why there can be none of them started */
  | { readonly type: 'discovered'; readonly extensions: readonly string[] }
  | { readonly type: 'launch-failed'; readonly process: ProcessName; readonly fault: Fault }
  | { readonly type: 'exit'; readonly process: ProcessName; readonly status: ExitStatus }
  /** `behind` says that it was sent while another poll of the runtime was parked, so it asks for no lost event */
  | { readonly type: 'runtime/next'; readonly call: PollId; readonly behind?: boolean }
  | {
      readonly type: 'runtime/response'
      readonly call: PollId
      readonly id: RequestId
      readonly mode: string | null
    }
  | {
      readonly type: 'runtime/error'
      readonly call: PollId
      readonly id: RequestId
      readonly errorType: string | null
    }
  | {
      readonly type: 'runtime/received'
      readonly call: PollId
      readonly id: RequestId
      readonly errorType: string | null
      readonly received: Received
    }
  | {
      readonly type: 'runtime/init-error'
      readonly call: PollId
      readonly errorType: string
      readonly document: Payload
    }
  | { readonly type: 'extension/register'; readonly call: PollId; readonly registration: Registration }
  | { readonly type: 'extension/next'; readonly call: PollId; readonly id: ExtensionId }
  | { readonly type: 'extension/init-error'; readonly call: PollId; readonly id: ExtensionId }
  | { readonly type: 'extension/exit-error'; readonly call: PollId; readonly id: ExtensionId }
  /** the peer of a parked request went away */
  | { readonly type: 'gone'; readonly call: PollId }
  | { readonly type: 'init-limit' }
  | { readonly type: 'deadline'; readonly id: RequestId }
  /** the runtime's share of the shutdown budget has passed */
  | { readonly type: 'grace-over' }
  /** the whole shutdown budget has passed */
  | { readonly type: 'budget-over' }
  /** processes outlived SIGKILL for longer than anyone should wait */
  | { readonly type: 'given-up' }
  /** end for good; running invocations are cut */
  | { readonly type: 'stop' }

/** What an API call is answered. */
export type Reply =
  /** 202 `{"status":"OK"}` */
  | { readonly kind: 'accepted' }
  /** go on and read the body, then report it with `runtime/received` */
  | { readonly kind: 'read' }
  | { readonly kind: 'invocation'; readonly id: RequestId }
  | { readonly kind: 'registered'; readonly id: ExtensionId }
  | { readonly kind: 'invoke-event'; readonly id: RequestId }
  | { readonly kind: 'shutdown-event'; readonly reason: ShutdownReason }
  | Refusal

export type TimerName = 'init' | 'grace' | 'budget' | 'give-up'

/** What the report of an init attempt says of an extension. */
export interface ExtensionReport {
  readonly name: string
  readonly state: string
  readonly events: readonly string[]
}

/** Things worth telling: log lines, REPORT, later the Telemetry API. */
export type PlatformRecord =
  | { readonly type: 'init-start'; readonly phase: InitPhase }
  | {
      readonly type: 'init-report'
      readonly phase: InitPhase
      readonly verdict: Verdict
      readonly extensions: readonly ExtensionReport[]
    }
  | { readonly type: 'start'; readonly id: RequestId }
  | { readonly type: 'report'; readonly id: RequestId; readonly verdict: Verdict }
  | {
      readonly type: 'fault'
      readonly process: ProcessName | null
      readonly fault: Fault
      readonly idle: boolean
    }
  | { readonly type: 'shutdown'; readonly reason: ShutdownReason }

/** What the engine is to do, in this order. */
export type Effect =
  /** list the extensions and dispatch `discovered` */
  | { readonly do: 'discover' }
  | { readonly do: 'spawn'; readonly process: ProcessName }
  | { readonly do: 'signal'; readonly process: ProcessName; readonly signal: 'SIGTERM' | 'SIGKILL' }
  /** kill what is left of every group that was started, and let go of them */
  | { readonly do: 'sweep' }
  | { readonly do: 'reply'; readonly call: PollId; readonly reply: Reply }
  /** answer the caller */
  | { readonly do: 'settle'; readonly id: RequestId; readonly outcome: Outcome }
  /** start the function timeout of this invocation, unless it runs already */
  | { readonly do: 'arm-deadline'; readonly id: RequestId }
  | { readonly do: 'disarm-deadline'; readonly id: RequestId }
  | { readonly do: 'arm'; readonly timer: 'init' }
  | { readonly do: 'arm'; readonly timer: 'grace' | 'budget' | 'give-up'; readonly ms: number }
  | { readonly do: 'disarm'; readonly timer: TimerName }
  | { readonly do: 'record'; readonly record: PlatformRecord }
  /** the invocation is over: its deadline ends and the engine forgets it */
  | { readonly do: 'finish'; readonly id: RequestId }

export type Step = readonly [Environment, ...Effect[]]

export type In<P extends Environment['phase']> = Extract<Environment, { phase: P }>
export type On<T extends Event['type']> = Extract<Event, { type: T }>

export type Table = {
  readonly [P in Environment['phase']]: {
    readonly [T in Event['type']]?: (state: In<P>, event: On<T>) => Step
  }
}

/** All transitions. A cell sees exactly its state and its event. */
export const transitions: Table = {
  cold: {
    start: starting.start,
    invoke: starting.invokeCold,
    stop: stopping.stopCold,
  },
  starting: {
    discovered: starting.discovered,
    invoke: starting.invoke,
    'launch-failed': starting.launchFailed,
    exit: starting.exit,
    'runtime/next': starting.runtimeNext,
    'runtime/init-error': starting.initError,
    'extension/register': starting.register,
    'extension/next': starting.extensionNext,
    'extension/init-error': starting.extensionInitError,
    'extension/exit-error': starting.extensionExitError,
    gone: starting.gone,
    'init-limit': starting.initLimit,
    deadline: starting.deadline,
    stop: starting.stop,
  },
  serving: {
    invoke: serving.invoke,
    exit: serving.exit,
    'runtime/next': serving.runtimeNext,
    'runtime/response': serving.response,
    'runtime/error': serving.error,
    'runtime/received': serving.received,
    'extension/register': serving.register,
    'extension/next': serving.extensionNext,
    'extension/init-error': serving.extensionInitError,
    'extension/exit-error': serving.extensionExitError,
    gone: serving.gone,
    deadline: serving.deadline,
    stop: serving.stop,
  },
  stopping: {
    'launch-failed': stopping.launchFailed,
    exit: stopping.exit,
    'runtime/next': stopping.runtimeNext,
    'extension/next': stopping.extensionNext,
    'extension/init-error': stopping.extensionInitError,
    'extension/exit-error': stopping.extensionExitError,
    gone: stopping.gone,
    'grace-over': stopping.graceOver,
    'budget-over': stopping.budgetOver,
    'given-up': stopping.givenUp,
    stop: stopping.stop,
  },
  stopped: {},
}

/** One event through a table; total, never throws. A missing cell moves nothing and refuses the call, if there is one. */
export function step(state: Environment, event: Event, table: Table = transitions): Step {
  const cell = table[state.phase][event.type] as ((state: Environment, event: Event) => Step) | undefined
  if (cell !== undefined) return cell(state, event)
  if (!('call' in event) || event.type === 'gone') return [state]
  return [state, { do: 'reply', call: event.call, reply: refusal(state, event) }]
}

/** The target states as the reference names them in its refusals (rie-classic.md 4.2). */
const targets = {
  'runtime/next': 'Ready',
  'runtime/response': 'InvocationResponse',
  'runtime/error': 'InvocationErrorResponse',
  'runtime/received': 'RuntimeResponseSentState',
  'runtime/init-error': 'InitError',
  'extension/register': 'Registered',
  'extension/next': 'Ready',
  'extension/init-error': 'InitError',
  'extension/exit-error': 'Exited',
} as const

/** A request that waits for an answer. */
type Call = Exclude<Extract<Event, { call: PollId }>, { type: 'gone' }>

function refusal(state: Environment, event: Call): Refusal {
  switch (event.type) {
    case 'runtime/response':
    case 'runtime/error':
      // the id is checked before the state, and no invocation is open here to have this one
      return state.phase === 'starting' && state.waiting === event.id
        ? illegal('runtime', runtimeState(state), targets[event.type])
        : invalidRequestId
    case 'runtime/next':
    case 'runtime/received':
    case 'runtime/init-error':
      return illegal('runtime', runtimeState(state), targets[event.type])
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
export function runtimeState(state: Environment): string {
  switch (state.phase) {
    case 'cold':
    case 'stopped':
      return 'NotStarted'
    case 'starting':
      return state.runtime === 'absent' ? 'NotStarted' : state.runtime
    case 'serving':
      return inflight.runtimeState(state)
    case 'stopping':
      return state.runtimeState
  }
}

/** Whether an invocation can be handed to this environment at once: it serves, and nothing is in flight. */
export const isFree = (state: Environment): boolean =>
  state.phase === 'serving' && state.inflight.length === 0

/** Whether an invocation may be bound to this environment: it is free, or will start or is starting for nobody. */
export const isOpen = (state: Environment): boolean =>
  isFree(state) || state.phase === 'cold' || (state.phase === 'starting' && state.waiting === null)
