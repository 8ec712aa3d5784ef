/**
 * `/init/error` and `/exit/error` of extensions, in any phase. Neither report ends the phase: the extension is expected
 * to exit, and its exit does.
 */

import type { Effect } from './effect.ts'
import {
  type Extension,
  identify,
  mayReportExitError,
  mayReportInitError,
  overtaken,
  replace,
} from './extensions.ts'
import type { ApiCallId, ExtensionId } from './ids.ts'

/** `/init/error`: of an extension that has registered and not polled. */
export function reportInitError(
  all: readonly Extension[],
  call: ApiCallId,
  id: ExtensionId,
): readonly [readonly Extension[], ...Effect[]] {
  const extension = identify(all, id, 'report')
  if ('kind' in extension) return [all, { do: 'reply', call, reply: extension }]
  const refusal = mayReportInitError(extension)
  if (refusal) return [all, { do: 'reply', call, reply: refusal }]
  return [replace(all, extension, { state: 'InitError' }), { do: 'reply', call, reply: { kind: 'accepted' } }]
}

/** `/exit/error`; a poll of the same extension that waits is answered with a refusal. */
export function reportExitError(
  all: readonly Extension[],
  call: ApiCallId,
  id: ExtensionId,
): readonly [readonly Extension[], ...Effect[]] {
  const extension = identify(all, id, 'report')
  if ('kind' in extension) return [all, { do: 'reply', call, reply: extension }]
  const refusal = mayReportExitError(extension)
  if (refusal) return [all, { do: 'reply', call, reply: refusal }]
  const effects: Effect[] = [{ do: 'reply', call, reply: { kind: 'accepted' } }]
  if (extension.poll !== null) {
    effects.push({ do: 'reply', call: extension.poll, reply: overtaken(extension) })
  }
  return [replace(all, extension, { state: 'ExitError', poll: null }), ...effects]
}
