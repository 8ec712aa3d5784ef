/**
 * The states of one execution environment, as plain data. What may follow a state stands above it. A state has one
 * owner: a cell changes the fields of the state that it is given, or returns the state of another phase.
 */

import type { Extension } from './extensions.ts'
import type { Fault, Verdict } from './failure.ts'
import type { ApiCallId, Generation, RequestId } from './ids.ts'
import type { Mode } from './mode.ts'

/** AWS's name for the two ways to initialise: on its own, with its own limit, or inside the invocation. */
export type InitPhase = 'init' | 'invoke'

/** Reasons as they are spelled on the wire of the service. */
export type ShutdownReason = 'spindown' | 'timeout' | 'failure'

/** No process runs. Successors: starting, by an invocation or an eager start; stopped. */
export interface Cold {
  readonly phase: 'cold'
  readonly generation: Generation
  /** an init attempt failed while no invocation waited: the next one makes the second attempt */
  retry: boolean
}

/**
 * Successors: serving, when the runtime and all extensions have asked for an event; stopping, at the first fault, limit
 * or stop; cold or the next starting, in the same step, when a fault left no process to wait for; stopped, when a stop
 * came before the runtime was launched and there are no extensions.
 */
export interface Starting {
  readonly phase: 'starting'
  readonly generation: Generation
  readonly attempt: InitPhase
  /** a failure of this attempt is the answer to those that wait: no other one follows */
  readonly last: boolean
  /** the invocations that this start is for, in the order of their arrival; none of an eager one */
  readonly waiting: RequestId[]
  /**
   * absent until all extensions have registered; Ready from its first `/next`, or RestoreReady from its `restore/next`;
   * InitError after its `/init/error`
   */
  runtime: 'absent' | 'Started' | 'Ready' | 'RestoreReady' | 'InitError'
  /** what `/init/error` said: the attempt has failed, and the end of the runtime is waited for */
  failure: Fault | null
  readonly polls: ApiCallId[]
  extensions: Extension[]
}

/**
 * Where an invocation is. waiting (no poll to hand it to: the poller went away) → running → responding | erroring
 * (the body is being read) → responded; or → broken (the upload broke off, and it is not known yet whether the runtime
 * has died) → responded. It leaves the list when the runtime and all extensions that got it have polled.
 */
export interface Inflight {
  readonly id: RequestId
  stage: 'waiting' | 'running' | 'responding' | 'erroring' | 'broken' | 'responded'
  /** the answer has begun: its bytes go to the caller as they come */
  begun: boolean
  /** null until the caller has its whole answer */
  verdict: Verdict | null
}

/**
 * Successors: stopping, by a timeout, the end of a process, or a stop; without extensions the end of the runtime leads
 * to cold, or to starting if an invocation waits that was never delivered, in the same step.
 */
export interface Serving {
  readonly phase: 'serving'
  readonly generation: Generation
  readonly polls: ApiCallId[]
  /** at most as many as the mode allows, in the order of their arrival */
  readonly inflight: Inflight[]
  extensions: Extension[]
  /** the runtime ended while answers of it were being read: it counts once they have arrived or broken off */
  exited: Fault | null
  /** answers after which no poll has come yet: as many polls are to be expected soon */
  owed: number
  /** those that timed out while the runtime goes on, and whose answer has not come; the oldest first */
  readonly late: RequestId[]
}

/**
 * The runtime has initialised and waits in `restore/next`. Successors: serving, when it asks for an event after the
 * restore; stopping, by an error or the limit of that, the end of a process, or a stop.
 */
export interface Restoring {
  readonly phase: 'restoring'
  readonly generation: Generation
  /** parked `restore/next` */
  readonly polls: ApiCallId[]
  extensions: Extension[]
  /** for whom it is restored, in the order of their arrival; none: the restore has not begun */
  readonly waiting: RequestId[]
}

/** What comes after stopping. */
export type NextPhase =
  | { readonly to: 'cold'; readonly retry: boolean }
  | {
      readonly to: 'starting'
      readonly attempt: InitPhase
      readonly last: boolean
      readonly waiting: readonly RequestId[]
    }
  | { readonly to: 'stopped' }

/**
 * First the runtime gets its time, then telemetry is delivered if an extension has subscribed to it, then the
 * extensions get theirs; processes that are left at the end are killed. Successor: what `afterwards` says.
 */
export interface Stopping {
  readonly phase: 'stopping'
  readonly generation: Generation
  readonly reason: ShutdownReason
  step: 'runtime' | 'flush' | 'extensions'
  /** the runtime's process is alive */
  runtime: boolean
  /** the runtime's state when the stop began, for the text of refusals */
  readonly runtimeState: string
  readonly polls: ApiCallId[]
  extensions: Extension[]
  afterwards: NextPhase
}

/** The end: there is no successor. */
export interface Stopped {
  readonly phase: 'stopped'
  readonly generation: Generation
}

export type LifecycleState = Cold | Starting | Restoring | Serving | Stopping | Stopped

/** The state of one phase. */
export type In<P extends LifecycleState['phase']> = Extract<LifecycleState, { phase: P }>

/**
 * How many invocations this environment can take at once. One that runs one at a time needs no parked poll: the
 * invocation waits for it. With several, each parked poll is a slot.
 */
export function freeSlots(state: LifecycleState, { concurrency, singlePoller }: Mode): number {
  if (state.phase === 'restoring') return state.waiting.length === 0 ? 1 : 0
  if (state.phase !== 'serving') return 0
  const { inflight, polls, exited } = state
  if (singlePoller) return inflight.length === 0 ? 1 : 0
  return exited !== null ? 0 : Math.min(polls.length, concurrency - inflight.length)
}

/** Whether this environment can take an invocation at once. */
export const isFree = (state: LifecycleState, mode: Mode): boolean => freeSlots(state, mode) > 0

/** Whether an invocation may be bound to this environment: it is free, cold, or starts for fewer than it may have. */
export const isOpen = (state: LifecycleState, mode: Mode): boolean =>
  isFree(state, mode) ||
  state.phase === 'cold' ||
  ((state.phase === 'starting' || state.phase === 'restoring') && state.waiting.length < mode.concurrency)

/** It has no slot, and will have one by itself: after an answer, or after a failure. */
export function isRecovering(state: LifecycleState, mode: Mode): boolean {
  if (state.phase === 'stopping') return state.afterwards.to === 'cold'
  if (state.phase !== 'serving') return false
  const { inflight, owed } = state
  if (!mode.singlePoller) return owed > 0 && inflight.length < mode.concurrency && !isFree(state, mode)
  return inflight.length > 0 && inflight.every(({ stage }) => stage === 'responded')
}

/** It initialises, or is about to, and will have several slots, nobody knows how many. */
export const isFilling = (state: LifecycleState, { singlePoller }: Mode): boolean =>
  !singlePoller &&
  (state.phase === 'starting' ||
    (state.phase === 'restoring' && state.waiting.length > 0) ||
    (state.phase === 'stopping' && state.afterwards.to === 'starting'))

/** No invocation runs here, and none waits for its start: its end fails nobody. */
export function isVacant(state: LifecycleState): boolean {
  if (state.phase === 'serving') return state.inflight.length === 0
  const start = state.phase === 'stopping' ? state.afterwards : state
  return !('waiting' in start) || start.waiting.length === 0
}

/** It is being stopped for good, and makes room for another. */
export const isLeaving = (state: LifecycleState): boolean =>
  state.phase === 'stopping' && state.afterwards.to === 'stopped'
