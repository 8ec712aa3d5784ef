/**
 * What each API call is answered in each phase, as a table for CONTRIBUTING: every call is played in every state.
 * `bun test/core/answers.ts` writes it; a test holds it.
 */

import { type RefusalCode, refusals } from '../../src/core/failure.ts'
import type { Event, LifecycleState } from '../../src/core/lifecycle.ts'
import { markdownTable, renewTable } from '../kit/kept-table.ts'
import { copy, play } from './recorder.ts'
import {
  at,
  call,
  cold,
  error,
  extExitError,
  external,
  extInitError,
  extNext,
  initError,
  next,
  one,
  registers,
  response,
  serving,
  starting,
  stopped,
  stopping,
} from './script.ts'

const watching = (state: 'Registered' | 'Ready' | 'Running') => [
  external('watch', { state, events: ['INVOKE', 'SHUTDOWN'], poll: state === 'Ready' ? call(50) : null }),
]

/** The columns: what AWS calls the runtime's state, or the phase. The extension is in the state that goes with it. */
const columns: readonly [title: string, state: LifecycleState][] = [
  ['cold', cold()],
  ['starting: extensions register', starting({ waiting: [one], extensions: watching('Registered') })],
  ['… runtime Started', starting({ waiting: [one], runtime: 'Started', extensions: watching('Registered') })],
  [
    '… runtime Ready',
    starting({ waiting: [one], runtime: 'Ready', polls: [call(51)], extensions: watching('Registered') }),
  ],
  ['serving: Ready', serving({ polls: [call(51)], extensions: watching('Ready') })],
  ['… Running', serving({ inflight: [at('running')], extensions: watching('Running') })],
  ['… its answer is read', serving({ inflight: [at('responding')], extensions: watching('Running') })],
  ['… it has answered', serving({ inflight: [at('responded')], extensions: watching('Running') })],
  ['stopping', stopping({ extensions: watching('Running') })],
  ['stopped', stopped()],
]

/** The rows; the id is that of the invocation, if there is one. */
const rows: readonly [title: string, event: Event][] = [
  ['`invocation/next`', next(1)],
  ['`invocation/ID/response`', response(1)],
  ['`invocation/ID/error`', error(1)],
  ['`init/error`', initError(1)],
  ['`extension/register` of a new name', registers(1, 'inner')],
  ['`extension/event/next`', extNext(1, 'watch')],
  ['`extension/init/error`', extInitError(1, 'watch')],
  ['`extension/exit/error`', extExitError(1, 'watch')],
]

function answer(state: LifecycleState, event: Event): string {
  const [, ...effects] = play(copy(state), event)
  for (const effect of effects) {
    if (effect.do !== 'reply' || effect.call !== call(1)) continue
    const { reply } = effect
    switch (reply.kind) {
      case 'refused':
        return `${refusals[reply.code]} ${short(reply.code)}`.trim()
      case 'read':
        return 'reads it'
      case 'accepted':
        return '202'
      case 'registered':
        return '200'
      default:
        return 'an event'
    }
  }
  return 'waits'
}

/** The two usual ones go without a name. */
const short = (code: RefusalCode): string =>
  code.replace(/^Extension\.|^InvalidStateTransition$|^InvalidRequestID$/, '')

/** A Markdown table. */
export function answersTable(): string {
  return markdownTable([
    ['', ...columns.map(([title]) => title)],
    ...rows.map(([title, event]) => [title, ...columns.map(([, state]) => answer(state, event))]),
  ])
}

if (import.meta.main) await renewTable('answers', answersTable())
