/** The rules of runs, played: effects and states in words, so that a trace can be read aloud. */

import type { Closure, RunEffects, RunReply } from '../../../src/durable/core/effect.ts'
import type { RunEvent } from '../../../src/durable/core/event.ts'
import type { HistoryEvent } from '../../../src/durable/core/history.ts'
import { type RunTable, step, transitions } from '../../../src/durable/core/lifecycle.ts'
import type { ChainedInvokeOperation, Operation } from '../../../src/durable/core/operation.ts'
import { nextDue, type RunPolicy, type RunState } from '../../../src/durable/core/state.ts'

/** An operation in words: its status, and what it came to. */
export function shown({ id, status, result, error, ...more }: Operation): string {
  const attempt = more.type === 'STEP' ? `#${more.attempt}` : ''
  const outcome = result ?? (error === null ? '' : (error.ErrorMessage ?? '{}'))
  return `${id} ${status}${attempt}${outcome === '' ? '' : ` ${outcome}`}`
}

function replied(reply: RunReply): string {
  switch (reply.kind) {
    case 'checkpointed':
      return `reply ${reply.token ?? 'no token'}: ${reply.operations.map(shown).join(', ')}`.trim()
    case 'done':
      return reply.at === null ? 'reply done' : `reply done ${reply.at}`
    case 'refused':
      return `refuse ${reply.message}`
  }
}

function told({ type, of, details }: HistoryEvent): string {
  const { retry, result, error, pause, reason } = details
  const parts = [type, of?.id]
  if (retry !== undefined) parts.push(`${retry.attempt}/${retry.delaySeconds ?? 'last'}`)
  if (result !== undefined && result !== null) parts.push(result)
  if (error !== undefined && error !== null) parts.push(error.ErrorMessage ?? error.ErrorType ?? '{}')
  if (pause !== undefined) parts.push(pause.timeoutPaused ? 'clock stands' : 'clock runs')
  if (reason !== undefined && reason !== null) parts.push(reason)
  return `tell ${parts.filter((part) => part !== undefined).join(' ')}`
}

/** Effects in their order, in words. */
export class Recorder implements RunEffects {
  readonly effects: string[] = []
  readonly history: HistoryEvent[] = []
  readonly replies: RunReply[] = []
  readonly changes = new Map<string, Operation>()
  invoked: { readonly token: number; readonly updated: readonly string[] } | null = null
  closed: Closure | null = null

  reply(reply: RunReply): void {
    this.replies.push(reply)
    this.effects.push(replied(reply))
  }
  invoke(token: number, updated: readonly string[]): void {
    this.invoked = { token, updated }
    this.effects.push(['invoke', token, ...updated].join(' '))
  }
  chain({ id, functionName }: ChainedInvokeOperation): void {
    this.effects.push(`chain ${id} to ${functionName}`)
  }
  record(event: HistoryEvent): void {
    this.history.push(event)
    this.effects.push(told(event))
  }
  changed(operation: Operation): void {
    this.changes.set(operation.id, operation)
  }
  close(closure: Closure): void {
    this.closed = closure
    const { status, result, error } = closure
    this.effects.push(['close', status, result ?? error?.ErrorMessage ?? ''].join(' ').trim())
  }
  forget(): void {
    this.effects.push('forget')
  }
}

/** The phase, and when something happens by itself, in words. */
export function phrase(state: RunState): string {
  const due = nextDue(state)
  const parts: string[] = [state.phase]
  if (state.phase === 'invoking') {
    parts.push(state.token === null ? 'no token' : `${state.token}`)
    if (state.pause !== null) parts.push('pausing')
    if (state.interrupted) parts.push('interrupted')
  }
  if (state.phase === 'paused' && state.owed) parts.push('owed')
  if (state.phase === 'closed' && state.invoking) parts.push('invoking')
  if (due !== Number.POSITIVE_INFINITY) parts.push(`until ${due}`)
  return `= ${parts.join(' ')}`
}

/** One event through the rules: the state that follows, and what happened. */
export function play(
  state: RunState,
  event: RunEvent,
  policy: RunPolicy,
  table: RunTable = transitions,
): { readonly state: RunState; readonly recorder: Recorder } {
  const recorder = new Recorder()
  return { state: step(state, event, recorder, policy, table), recorder }
}
