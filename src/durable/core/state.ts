/**
 * The states of one run, as plain data. What may follow a state stands above it. As in the rules of an environment, a
 * cell changes the fields of the state that it is given, or returns the state of another phase.
 */

import type { ClosedStatus, Closure, RunReply } from './effect.ts'
import type { Operation } from './operation.ts'

/** What is known of a run from its beginning. Times are Unix milliseconds. */
export interface RunFacts {
  readonly arn: string
  /** the last part of its ARN */
  readonly executionId: string
  readonly name: string
  /** null: there was no input */
  readonly input: string | null
  readonly startedAt: number
  /** the whole run may take so long; null: as long as it likes */
  readonly executionTimeoutSeconds: number | null
  readonly maxResultBytes: number
  /** of the function; the run stays on it */
  readonly version: string
  /** without a qualifier */
  readonly functionArn: string
  /** the trace header of all its invocations */
  readonly traceId: string
  readonly tenantId: string | null
}

/** What differs between emulators, as data. */
export interface RunPolicy {
  /** Milliseconds before a failed invocation is made again; after the last of them the run fails. (`failed` in invoking.ts) */
  readonly retryDelaysMs: readonly number[]
  /** Waits and delays of retries pass at once; what is recorded of them stays as asked. (`dueAt` in apply.ts) */
  readonly skipTime: boolean
}

/** What a run has in every phase. */
export interface RunData {
  readonly facts: RunFacts
  /** in the order of their creation */
  readonly operations: Map<string, Operation>
  /** when something happens to an operation by itself */
  readonly timers: Map<string, number>
  /** of callbacks with a heartbeat: when the last one is too long ago */
  readonly heartbeats: Map<string, number>
  /** changed since the handler last saw the state */
  readonly unseen: Set<string>
  /** changed by others than the handler since the event before was made */
  readonly updated: Set<string>
  /** bytes of payloads, errors and names */
  bytes: number
  /** the last token that was handed out; tokens are numbers that never come again */
  tokens: number
  /** failed invocations since the last good one */
  failures: number
  /** invocations in a row that ended as suspended with nothing to wait for */
  empty: number
  /** when the run times out; null: never, or its clock stands still */
  deadline: number | null
}

export interface Pause {
  readonly at: number
  readonly reason: string | null
  /** what was left of the execution timeout, in milliseconds; null: its clock runs on, or there is none */
  readonly leftMs: number | null
  readonly timeoutPaused: boolean
}

/** Successor: invoking. */
export interface Created {
  readonly phase: 'created'
  readonly run: RunData
}

/**
 * An invocation was asked for, and has not ended: it may still wait for an environment. Successors: suspended; paused;
 * invoking, when there was something that the handler had not seen; closed.
 */
export interface Invoking {
  readonly phase: 'invoking'
  readonly run: RunData
  /** null: the handler may not go on */
  token: number | null
  /** it was told so, and has to be invoked again for what it did not do */
  interrupted: boolean
  pause: Pause | null
  /** what the last checkpoint was answered, for a client that did not get the answer */
  last: {
    readonly token: number
    readonly clientToken: string
    readonly reply: RunReply
  } | null
}

/** Nothing runs. Successors: invoking; paused; closed. */
export interface Suspended {
  readonly phase: 'suspended'
  readonly run: RunData
  /** when a failed invocation is made again; null: it waits for an operation */
  readonly retryAt: number | null
}

/** Nothing runs, and nothing will before it is resumed; operations are completed all the same. Successors: invoking; suspended; closed. */
export interface Paused {
  readonly phase: 'paused'
  readonly run: RunData
  readonly pause: Pause
  /** an invocation is owed: one was interrupted or failed */
  readonly owed: boolean
}

/** The end: there is no successor, but that it is forgotten. */
export interface Closed extends Closure {
  readonly phase: 'closed'
  readonly run: RunData
  readonly status: ClosedStatus
  readonly endedAt: number
  /** the last invocation has not ended yet */
  invoking: boolean
}

export type RunState = Created | Invoking | Suspended | Paused | Closed

/** The state of one phase. */
export type RunIn<P extends RunState['phase']> = Extract<RunState, { phase: P }>

/** A run that has not begun. */
export function create(facts: RunFacts): Created {
  const { startedAt, executionTimeoutSeconds } = facts
  return {
    phase: 'created',
    run: {
      facts,
      operations: new Map(),
      timers: new Map(),
      heartbeats: new Map(),
      unseen: new Set(),
      updated: new Set(),
      bytes: 0,
      tokens: 0,
      failures: 0,
      empty: 0,
      deadline: executionTimeoutSeconds === null ? null : startedAt + executionTimeoutSeconds * 1000,
    },
  }
}

export type RunStatus = 'RUNNING' | 'PAUSING' | 'PAUSED' | ClosedStatus

/** As the API names it. */
export function statusOf(state: RunState): RunStatus {
  switch (state.phase) {
    case 'created':
    case 'suspended':
      return 'RUNNING'
    case 'invoking':
      return state.pause === null ? 'RUNNING' : 'PAUSING'
    case 'paused':
      return 'PAUSED'
    case 'closed':
      return state.status
  }
}

/** When something happens to it by itself, in Unix milliseconds; infinity for never. */
export function nextDue(state: RunState): number {
  if (state.phase === 'closed' || state.phase === 'created') return Number.POSITIVE_INFINITY
  const { timers, heartbeats, deadline } = state.run
  let next = deadline ?? Number.POSITIVE_INFINITY
  for (const at of timers.values()) if (at < next) next = at
  for (const at of heartbeats.values()) if (at < next) next = at
  if (state.phase === 'suspended' && state.retryAt !== null && state.retryAt < next) next = state.retryAt
  return next
}
