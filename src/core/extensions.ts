/**
 * The extensions of one environment: who is there, who registered for what, who still owes a `/event/next`.
 *
 * Started → Registered → Ready ⇄ Running → (InitError | ExitError | gone). An extension is Ready from the moment it
 * asks for the next event; it is Running from the moment it gets one. `poll` is its parked request; a Ready extension
 * whose poller went away has none and is handed its event when it asks again.
 */

import {
  concurrentModification,
  type ExitStatus,
  extensionExit,
  type Fault,
  illegal,
  maxExtensions,
  type ProcessName,
  type Refusal,
  refused,
  runtimeExit,
} from './failure.ts'
import type { ExtensionId, PollId, RequestId } from './ids.ts'

export type EventName = 'INVOKE' | 'SHUTDOWN'

export type ExtensionState = 'Started' | 'Registered' | 'Ready' | 'Running' | 'InitError' | 'ExitError'

export interface Extension {
  readonly name: string
  /** null until it registers */
  readonly id: ExtensionId | null
  /** started by us from the extensions' directory; an internal one is registered by the runtime's own process */
  readonly external: boolean
  readonly events: readonly EventName[]
  readonly state: ExtensionState
  readonly poll: PollId | null
  /** an INVOKE event that it has not fetched yet, because its poller went away */
  readonly due: RequestId | null
  /** the process of an external extension is running */
  readonly alive: boolean
  /** it was given its SHUTDOWN event: if it polls again it has finished */
  readonly told: boolean
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
    due: null,
    alive: true,
    told: false,
  }
}

export const processOf = (extension: Extension): ProcessName => `extension:${extension.name}`

/** Replaces one extension, compared by identity. */
export function replace(
  all: readonly Extension[],
  old: Extension,
  change: Partial<Extension>,
): readonly Extension[] {
  return all.map((extension) => (extension === old ? { ...extension, ...change } : extension))
}

export interface Registration {
  readonly name: string
  readonly id: ExtensionId
  /** as sent; anything but INVOKE and SHUTDOWN is refused */
  readonly events: readonly string[]
}

/**
 * The checks of rie-classic.md 5.3, rows 4 to 8, in their order. `open` says whether internal extensions may still
 * register, which they may until the runtime has asked for its first event.
 */
export function register(
  all: readonly Extension[],
  open: boolean,
  { name, id, events }: Registration,
): readonly Extension[] | Refusal {
  const known = all.find((extension) => extension.name === name)
  const external = known?.external === true
  for (const event of events) {
    if (event !== 'INVOKE' && event !== 'SHUTDOWN') {
      return refused('Extension.InvalidEventType', `${event}: ErrorInvalidEventType`)
    }
    if (event === 'SHUTDOWN' && !external) {
      return refused('Extension.InvalidEventType', 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension')
    }
  }
  const subscribed = [...new Set(events)] as EventName[]
  if (external) {
    if (known.state !== 'Started') return illegal(`extension ${name}`, known.state, 'Registered')
    return replace(all, known, { id, events: subscribed, state: 'Registered' })
  }
  if (!open) return refused('Extension.RegistrationClosed', 'Extension registration closed already')
  if (all.length >= maxExtensions) {
    return refused('Extension.TooManyExtensions', `Extension limit (${maxExtensions}) reached`)
  }
  if (known) {
    return refused('Extension.InvalidExtensionState', 'Extension with this name already registered')
  }
  const internal: Extension = {
    ...launched(name),
    id,
    external: false,
    events: subscribed,
    state: 'Registered',
    alive: false,
  }
  return [...all, internal]
}

/** The extension of that identifier, or the refusal that its caller gets; the two texts differ (rie-classic.md 5.5). */
export function identify(
  all: readonly Extension[],
  id: ExtensionId,
  call: 'next' | 'report',
): Extension | Refusal {
  return (
    all.find((extension) => extension.id === id) ??
    refused(
      'Extension.UnknownExtensionIdentifier',
      call === 'next' ? `Unknown extension ${id}` : 'Unknown Lambda-Extension-Identifier',
    )
  )
}

/**
 * Whether it may ask for its next event: not twice at once, and not after it reported an error. A Ready extension
 * whose poller went away may ask again.
 */
export function mayPoll(extension: Extension): Refusal | null {
  const { state, poll } = extension
  if (state === 'Registered' || state === 'Running' || (state === 'Ready' && poll === null)) return null
  return illegal(`extension ${extension.id}`, state, 'Ready')
}

/** `/init/error` is for an extension that registered and has not polled; repeating it is accepted. */
export function mayReportInitError(extension: Extension): Refusal | null {
  const { state } = extension
  if (state === 'Registered' || state === 'InitError') return null
  return illegal(`extension ${extension.id}`, state, 'InitError')
}

/** `/exit/error` is for any that registered and has not failed; repeating it is accepted. */
export function mayReportExitError(extension: Extension): Refusal | null {
  const { state } = extension
  if (state !== 'Started' && state !== 'InitError') return null
  return illegal(`extension ${extension.id}`, state, 'Exited')
}

/** What a poll that waited gets when its own extension reports `/exit/error` meanwhile. */
export function overtaken(extension: Extension): Refusal {
  return illegal(`extension ${extension.id}`, 'ExitError', 'Ready', concurrentModification)
}

const reports: Readonly<Partial<Record<ExtensionState, string>>> = {
  InitError: 'Extension.InitError',
  ExitError: 'Extension.ExitError',
}

/**
 * The fault of a process that ended. Its text says how; an error that an extension had reported before is the first
 * cause and names the type, also of the end of another process (rie-classic.md 7.5).
 */
export function exitFault(all: readonly Extension[], process: ProcessName, status: ExitStatus): Fault {
  const ended = all.find((extension) => extension.external && processOf(extension) === process)
  const first = all.find((extension) => reports[extension.state] !== undefined)
  const type = reports[ended?.state ?? 'Started'] ?? reports[first?.state ?? 'Started']
  if (process !== 'runtime') return extensionExit(type ?? 'Extension.Crash', status)
  const fault = runtimeExit(status)
  return type === undefined ? fault : { ...fault, errorType: type }
}

export const allRegistered = (all: readonly Extension[]): boolean =>
  all.every((extension) => extension.state !== 'Started')

export const allReady = (all: readonly Extension[]): boolean =>
  all.every((extension) => extension.state === 'Ready')

/** Nobody who was told of the invocation is still at work on it. */
export const noneOwed = (all: readonly Extension[]): boolean =>
  all.every((extension) => extension.state === 'Ready' || !extension.events.includes('INVOKE'))
