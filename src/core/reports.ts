/**
 * What extensions call in more than one phase. `/init/error` and `/exit/error` do not end the phase: the extension is
 * expected to exit, and its exit does.
 */

import type { Effects } from './effect.ts'
import type { On } from './event.ts'
import { dropPoll, findReporter, overtaken } from './extensions.ts'
import type { Mode } from './mode.ts'
import type { Restoring, Serving, Starting, Stopping } from './state.ts'

/** `/init/error`: only before the first poll, so it is refused once the environment serves. */
export function extensionInitError<S extends Starting | Restoring | Serving | Stopping>(
  state: S,
  { call, id, errorType }: On<'extension/init-error'>,
  out: Effects,
  mode: Mode,
): S {
  const extension = findReporter(state.extensions, id, 'InitError')
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  extension.state = 'InitError'
  extension.errorType ??= typeOf('Extension.InitError', errorType, mode)
  out.reply(call, { kind: 'accepted' })
  return state
}

const typeOf = (ofCall: string, sent: string | null, { extensionErrors }: Mode): string =>
  extensionErrors === 'as reported' && sent !== null ? sent : ofCall

/** `/exit/error`; a parked poll of the same extension is refused. */
export function extensionExitError<S extends Starting | Restoring | Serving | Stopping>(
  state: S,
  { call, id, errorType }: On<'extension/exit-error'>,
  out: Effects,
  mode: Mode,
): S {
  const extension = findReporter(state.extensions, id, 'ExitError')
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  const { poll } = extension
  extension.state = 'ExitError'
  extension.errorType ??= typeOf('Extension.ExitError', errorType, mode)
  extension.poll = null
  out.reply(call, { kind: 'accepted' })
  if (poll !== null) out.reply(poll, overtaken(extension))
  return state
}

/** The peer of a parked request went away. A runtime or extension that was ready stays so: it will ask again. */
export function gone<S extends Starting | Restoring | Serving | Stopping>(state: S, { call }: On<'gone'>): S {
  dropPoll(state, call)
  return state
}
