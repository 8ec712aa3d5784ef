/** One run as the engine has it: its state, its history, and who waits for its end. */

import type { Invocation } from '../engine/invocation.ts'
import type { Closure, RunEffects, RunReply } from './core/effect.ts'
import type { HistoryEvent } from './core/history.ts'
import type { ChainedInvokeOperation, Operation } from './core/operation.ts'
import type { RunFacts, RunState } from './core/state.ts'
import type { RunFunction } from './function.ts'

/** What a run begins with. */
export interface RunRequest {
  readonly of: RunFunction
  /** null: one is made up */
  readonly name: string | null
  readonly input: string | null
  /** the caller waits for the result */
  readonly synchronous: boolean
  readonly requestId: string | null
  readonly traceId: string
  readonly tenantId: string | null
}

/** Called once with what a run came to; null: the emulator stops before it did. */
export type RunWaiter = (closure: Closure | null) => void

export class RunRecord {
  state: RunState
  readonly history: HistoryEvent[]
  readonly waiters = new Set<RunWaiter>()
  invocation: Invocation | null = null
  /** the id of the first invocation, if its caller gave one or waits for it */
  firstRequestId: string | null = null
  /** tokens of clients that paused or resumed, with the time of it: a repeated request is not done again */
  readonly clientTokens = new Map<string, number>()
  /** what could not be stored, and is stored with the next step: operations, and events from this place on; null: nothing */
  unstored: { readonly operations: ReadonlyMap<string, Operation>; readonly historyFrom: number } | null =
    null

  constructor(state: RunState, history: HistoryEvent[] = []) {
    this.state = state
    this.history = history
  }

  get facts(): RunFacts {
    return this.state.run.facts
  }
}

/** Effects of one step, kept until what it changed is stored. */
export class StepEffects implements RunEffects {
  readonly operations = new Map<string, Operation>()
  readonly history: HistoryEvent[] = []
  readonly chained: ChainedInvokeOperation[] = []
  answer: RunReply | null = null
  invoked: { readonly token: number; readonly updated: readonly string[] } | null = null
  closure: Closure | null = null
  forgotten = false

  reply(reply: RunReply): void {
    this.answer = reply
  }
  invoke(token: number, updated: readonly string[]): void {
    this.invoked = { token, updated }
  }
  chain(operation: ChainedInvokeOperation): void {
    this.chained.push(operation)
  }
  record(event: HistoryEvent): void {
    this.history.push(event)
  }
  changed(operation: Operation): void {
    this.operations.set(operation.id, operation)
  }
  close(closure: Closure): void {
    this.closure = closure
  }
  forget(): void {
    this.forgotten = true
  }
}
