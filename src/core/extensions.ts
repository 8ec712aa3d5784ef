/**
 * The extensions of one environment: which there are, for which events they registered, which still owe an
 * `/event/next`.
 *
 * Started → Registered → Ready ⇄ Running. From Registered an extension may go to InitError, before its first poll; from
 * Registered, Ready and Running to ExitError. Both are final; the process is expected to end. An extension is Ready
 * from the moment it asks for the next event and Running from the moment it gets one. `poll` is its parked request; a
 * Ready extension whose poller went away has none, and gets its event when it asks again.
 */

import {
  concurrentModification,
  type ExitStatus,
  extensionExit,
  type Fault,
  illegal,
  type ProcessName,
  type Refusal,
  refused,
  runtimeExit,
} from './failure.ts'
import type { ApiCallId, ExtensionId, RequestId } from './ids.ts'
import { maxExtensions } from './limits.ts'
import type { EventName, Mode } from './mode.ts'

export type ExtensionState = 'Started' | 'Registered' | 'Ready' | 'Running' | 'InitError' | 'ExitError'

export interface Extension {
  readonly name: string
  /** null until it registers */
  id: ExtensionId | null
  /** started by us from the extensions' directory; an internal one is registered by the runtime's own process */
  readonly external: boolean
  events: readonly EventName[]
  state: ExtensionState
  poll: ApiCallId | null
  /** it has subscribed to telemetry */
  subscribed: boolean
  /** an INVOKE event that it has not fetched yet, because its poller went away */
  pendingInvoke: RequestId | null
  /** the process of an external extension is running */
  alive: boolean
  /** it has had its SHUTDOWN event: another poll says that it has finished */
  shutdownSent: boolean
  /** the type of the error that it has reported */
  errorType: string | null
}

/** An external extension right after its launch. */
export function launched(name: string): Extension {
  return {
    name,
    id: null,
    external: true,
    events: [],
    state: 'Started',
    poll: null,
    subscribed: false,
    pendingInvoke: null,
    alive: true,
    shutdownSent: false,
    errorType: null,
  }
}

export const processOf = (extension: Extension): ProcessName => `extension:${extension.name}`

export interface Registration {
  readonly name: string
  readonly id: ExtensionId
  /** as sent; what the mode does not have is refused */
  readonly events: readonly string[]
}

/**
 * The reference's checks, in its order. `open` says whether internal extensions may still
 * register, which they may until the runtime has asked for its first event. Null: it is registered.
 */
export function register(
  all: Extension[],
  open: boolean,
  { name, id, events }: Registration,
  { externalEvents, internalEvents }: Mode,
): Refusal | null {
  const known = all.find((extension) => extension.name === name)
  const external = known?.external === true
  for (const event of events) {
    const allowed = external ? externalEvents : internalEvents
    if (allowed.includes(event as EventName)) continue
    return refused('Extension.InvalidEventType', whyNotEvent(event, external, internalEvents))
  }
  const subscribed = [...new Set(events)] as EventName[]
  if (external) {
    if (known.state !== 'Started') return illegal(`extension ${name}`, known.state, 'Registered')
    known.id = id
    known.events = subscribed
    known.state = 'Registered'
    return null
  }
  if (!open) return refused('Extension.RegistrationClosed', 'Extension registration closed already')
  if (all.length >= maxExtensions) {
    return refused('Extension.TooManyExtensions', `Extension limit (${maxExtensions}) reached`)
  }
  if (known) {
    return refused('Extension.InvalidExtensionState', 'Extension with this name already registered')
  }
  all.push({
    ...launched(name),
    id,
    external: false,
    events: subscribed,
    state: 'Registered',
    alive: false,
  })
  return null
}

/** Why an extension may not have this event, in the words of the reference. */
function whyNotEvent(event: string, external: boolean, internalEvents: readonly EventName[]): string {
  if (!external && internalEvents.length === 0) return 'No events allowed for internal extensions'
  return !external && event === 'SHUTDOWN'
    ? 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'
    : `${event}: ErrorInvalidEventType`
}

/** Undefined where none has that identifier. */
export function withId(all: readonly Extension[], id: ExtensionId): Extension | undefined {
  // `find` would be compiled for the last time, which `compiler.ts` cannot spare
  for (const extension of all) if (extension.id === id) return extension
  return undefined
}

/**
 * The extension of that identifier, or the refusal of the request that named it; the two texts differ, as the
 * reference's do.
 */
export function identify(
  all: readonly Extension[],
  id: ExtensionId,
  call: 'next' | 'report',
): Extension | Refusal {
  return (
    withId(all, id) ??
    refused(
      'Extension.UnknownExtensionIdentifier',
      call === 'next' ? `Unknown extension ${id}` : 'Unknown Lambda-Extension-Identifier',
    )
  )
}

/**
 * Why an extension may not ask for its next event; null if it may: not twice at once, and not after it reported an
 * error. A Ready extension whose poller went away may ask again.
 */
export function pollRefusal({ id, state, poll }: Extension): Refusal | null {
  if (state === 'Registered' || state === 'Running' || (state === 'Ready' && poll === null)) return null
  return illegal(`extension ${id}`, state, 'Ready')
}

/** The extension of that identifier if it may ask for its next event. */
export function findPoller(all: readonly Extension[], id: ExtensionId): Extension | Refusal {
  const extension = identify(all, id, 'next')
  return 'kind' in extension ? extension : (pollRefusal(extension) ?? extension)
}

/**
 * The extension of that identifier if it may report this error; repeating a report is accepted. `/init/error` is for an
 * extension that registered and has not polled, `/exit/error` for any that registered and has not failed.
 */
export function findReporter(
  all: readonly Extension[],
  id: ExtensionId,
  error: 'InitError' | 'ExitError',
): Extension | Refusal {
  const extension = identify(all, id, 'report')
  if ('kind' in extension) return extension
  const { state } = extension
  if (error === 'InitError') {
    return state === 'Registered' || state === 'InitError'
      ? extension
      : illegal(`extension ${id}`, state, error)
  }
  return state !== 'Started' && state !== 'InitError'
    ? extension
    : illegal(`extension ${id}`, state, 'Exited')
}

/** The answer to a parked poll when the same extension reports `/exit/error`. */
export function overtaken(extension: Extension): Refusal {
  return illegal(`extension ${extension.id}`, 'ExitError', 'Ready', concurrentModification)
}

/**
 * The fault of a process that ended. Its text says how; an error that an extension had reported before is the first
 * cause and names the type, also of the end of another process, as in the reference.
 */
export function exitFault(all: readonly Extension[], process: ProcessName, status: ExitStatus): Fault {
  const ended = ownerOf(all, process)
  const first = all.find(({ errorType }) => errorType !== null)
  const type = ended?.errorType ?? first?.errorType ?? undefined
  if (process !== 'runtime') return extensionExit(type ?? 'Extension.Crash', status)
  const fault = runtimeExit(status)
  return type === undefined ? fault : { ...fault, errorType: type }
}

export const allRegistered = (all: readonly Extension[]): boolean =>
  all.every((extension) => extension.state !== 'Started')

export const allReady = (all: readonly Extension[]): boolean =>
  all.every((extension) => extension.state === 'Ready')

/** No extension that got the invocation still works on it. */
export function noneOwed(all: readonly Extension[]): boolean {
  for (const { state, events } of all) if (state !== 'Ready' && events.includes('INVOKE')) return false
  return true
}

/** Where polls are parked: those of the runtime, and one per extension. */
export interface ParkedPolls {
  readonly polls: ApiCallId[]
  readonly extensions: Extension[]
}

/** Removes a poll whose peer went away from where it is parked. */
export function dropPoll({ polls, extensions }: ParkedPolls, call: ApiCallId): void {
  const index = polls.indexOf(call)
  if (index >= 0) polls.splice(index, 1)
  for (const extension of extensions) if (extension.poll === call) extension.poll = null
}

/** The external extension of this process; undefined for the runtime's, or when there is none. */
export const ownerOf = (all: readonly Extension[], process: ProcessName): Extension | undefined =>
  all.find((extension) => extension.external && processOf(extension) === process)

/** The process of an external extension has ended. */
export function markExited(all: readonly Extension[], process: ProcessName): void {
  const extension = ownerOf(all, process)
  if (extension) extension.alive = false
}
