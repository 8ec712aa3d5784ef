/**
 * What a handler may report of an operation, as a table for CONTRIBUTING: every action is played on an operation of
 * every status. `bun test/durable/core/reports.ts` writes it; a test holds it.
 */

import type { Action, Update } from '../../../src/durable/core/event.ts'
import type { OperationStatus } from '../../../src/durable/core/operation.ts'
import type { RunState } from '../../../src/durable/core/state.ts'
import { markdownTable, renewTable } from '../../kit/kept-table.ts'
import { play } from './recorder.ts'
import {
  begin,
  boom,
  callbackStart,
  checkpoint,
  fresh,
  invokeStart,
  policy,
  update,
  waitStart,
} from './script.ts'

type Type = Update['type']

const types: readonly Type[] = ['STEP', 'CONTEXT', 'WAIT', 'CALLBACK', 'CHAINED_INVOKE', 'EXECUTION']
const actions: readonly Action[] = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL']

/** What each type can be; an operation that has ended stands for all that have. */
const ends: Readonly<Record<Type, readonly OperationStatus[]>> = {
  STEP: ['SUCCEEDED', 'FAILED'],
  CONTEXT: ['SUCCEEDED', 'FAILED'],
  WAIT: ['SUCCEEDED', 'CANCELLED'],
  CALLBACK: ['SUCCEEDED', 'FAILED', 'TIMED_OUT'],
  CHAINED_INVOKE: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'],
  EXECUTION: [],
}
const open = (type: Type): readonly OperationStatus[] => {
  if (type === 'EXECUTION') return []
  return type === 'STEP' ? ['STARTED', 'PENDING', 'READY'] : ['STARTED']
}

/** An update that nothing is wrong with but, maybe, its status. */
function report(type: Type, action: Action): Update {
  if (action === 'START' && type === 'WAIT') return waitStart('a', 60)
  if (action === 'START' && type === 'CALLBACK') return callbackStart('a')
  if (action === 'START' && type === 'CHAINED_INVOKE') return invokeStart('a')
  return update(type, action, 'a', {
    payload: action === 'SUCCEED' ? '1' : null,
    error: action === 'FAIL' || action === 'RETRY' ? boom : null,
    nextAttemptDelaySeconds: action === 'RETRY' ? 60 : null,
  })
}

const after = (state: RunState, ...updates: readonly Update[]): ReturnType<typeof play> =>
  play(state, checkpoint(state.run.tokens, updates), policy)

/** A run with one operation of that status; null: with none. */
function having(type: Type, status: OperationStatus | null): RunState {
  const { state } = play(fresh(), begin, policy)
  if (status === null) return state
  const begun = after(state, report(type, 'START')).state
  const operation = begun.run.operations.get('a')
  if (operation === undefined) throw new Error(`${type} did not start`)
  begun.run.operations.set('a', { ...operation, status })
  return begun
}

/** What becomes of the operation, or of the run; 400 when it is refused. */
function outcome(type: Type, action: Action, status: OperationStatus | null): string {
  const { state, recorder } = after(having(type, status), report(type, action))
  if (recorder.replies.at(-1)?.kind === 'refused') return '400'
  if (type === 'EXECUTION') return `the run: ${state.phase === 'closed' ? state.status : state.phase}`
  return state.run.operations.get('a')?.status ?? 'nothing'
}

function row(type: Type, action: Action): string[] | null {
  const cell = (status: OperationStatus): string =>
    open(type).includes(status) ? outcome(type, action, status) : ''
  const ended = new Set(ends[type].map((status) => outcome(type, action, status)))
  if (ended.size > 1) throw new Error(`${type} ${action} differs by how it has ended: ${[...ended]}`)
  const cells = [
    outcome(type, action, null),
    cell('STARTED'),
    cell('PENDING'),
    cell('READY'),
    [...ended][0] ?? '',
  ]
  // an action that the type does not have
  return cells.every((one) => one === '400' || one === '') ? null : [`\`${type}\` \`${action}\``, ...cells]
}

/** A Markdown table. */
export function reportsTable(): string {
  const rows = types.flatMap((type) =>
    actions.map((action) => row(type, action)).filter((one) => one !== null),
  )
  return markdownTable([['', 'not there', 'STARTED', 'PENDING', 'READY', 'ended'], ...rows])
}

if (import.meta.main) await renewTable('reports', reportsTable())
