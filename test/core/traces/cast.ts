/** What most traces have in common: their extensions, refusals and budgets. */

import { arm, call, external, extRefused, idOf, internal, refused, runtimeRefused } from '../script.ts'

export const cut = { kind: 'shutdown' } as const
export const parkedTooLong = runtimeRefused('Stopped', 'Ready')
/** The same, of an extension. */
export const pollTooLong = (name: string) => extRefused(idOf(name), 'Stopped', 'Ready')

// the extensions of most traces: one that wants everything, one that wants only SHUTDOWN
export const watch = (over: Parameters<typeof external>[1] = {}) =>
  external('watch', { events: ['INVOKE', 'SHUTDOWN'], ...over })
export const quiet = (over: Parameters<typeof external>[1] = {}) =>
  external('quiet', { events: ['SHUTDOWN'], ...over })
export const inner = (over: Parameters<typeof internal>[1] = {}) =>
  internal('inner', { events: ['INVOKE'], ...over })
export const ready = (number: number) => ({ state: 'Ready', poll: call(number) }) as const
export const working = { state: 'Running', poll: null } as const
export const told = { state: 'Ready', poll: null, shutdownSent: true } as const
export const dead = { alive: false } as const

export const unknown = (name: string) =>
  refused('Extension.UnknownExtensionIdentifier', `Unknown extension ${idOf(name)}`)
export const telemetryClosed = refused('Telemetry.SubscriptionClosed', 'Telemetry API subscription is closed')
export const logsClosed = refused('Logs.SubscriptionClosed', 'Logs API subscription is closed')
export const exitedWithOne = {
  errorType: 'Runtime.ExitError',
  text: 'Runtime exited with error: exit status 1',
}

export const budget = arm('budget', 2000)
export const grace = arm('grace', 600)
export const killWait = arm('kill-wait', 2000)
