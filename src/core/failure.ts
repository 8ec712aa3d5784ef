/**
 * Every way to end badly, as data. Four things never mix:
 *
 * - an *outcome* is what an invocation came to; the gateway renders it for its caller;
 * - a *refusal* is the 4xx that a runtime or extension gets for a call that the rules do not allow; nothing moves;
 * - a *fault* is why a process or an init attempt failed; it becomes an outcome if an invocation was running;
 * - a bug throws, and is ours.
 *
 * Names and texts are those of the reference and the service; the contract suite compares them.
 */

import { maxResponseBytes } from './limits.ts'

/** Bytes that pass through untouched: the rules carry them from event to effect and never look inside. */
export interface Payload {
  /** in bytes */
  readonly size: number
  /** in the pieces in which they came */
  readonly chunks: readonly Uint8Array[]
}

/** Which of the two APIs an extension subscribes to telemetry with. */
export type TelemetryApi = 'telemetry' | 'logs'

/** Which process of an environment: its runtime, or the external extension of that base name. */
export type ProcessName = 'runtime' | `extension:${string}`

/** How a process ended: an exit status, or the signal that ended it, under its plain Linux name (`SIGKILL`). */
export type ExitStatus =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }

/** Why processes of an environment failed. `text` follows `RequestId: ID Error: ` in the answer to the caller. */
export interface Fault {
  readonly errorType: string
  readonly text: string
  /** what the runtime posted to `/init/error`; it is answered in place of the JSON made from type and text */
  readonly document?: Payload
}

/** What a runtime said of itself; an empty body is no document. */
export function reportedFault(errorType: string, text: string, document: Payload | null): Fault {
  return document === null ? { errorType, text } : { errorType, text, document }
}

/** What one invocation came to. The two dialects of the gateway are two renderings of this value. */
export type Outcome =
  | { readonly kind: 'response'; readonly payload: Payload; readonly contentType: string | null }
  | { readonly kind: 'error'; readonly payload: Payload; readonly errorType: string | null }
  /** `limit` in bytes, if it is not the one of buffered responses */
  | { readonly kind: 'oversize'; readonly bytes: number; readonly limit?: number }
  /** a response stream that ended in the trailers of an error */
  | {
      readonly kind: 'broken-stream'
      /** the bytes so far, null when there were none */
      readonly payload: Payload | null
      readonly contentType: string | null
      /** normalised, null when the trailers could not be read */
      readonly errorType: string | null
      /** the type as it was sent */
      readonly sentType?: string
      /** what the trailers say, null when they could not be read */
      readonly document: Payload | null
    }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  /**
   * No environment could take it, and no more may wait. `noSlot`: environments run several at a time here. `never`: the
   * function may have no environment at all.
   */
  | { readonly kind: 'throttled'; readonly noSlot?: true; readonly never?: true }
  /** the emulator stopped before the invocation ran, or ended it at the drain limit */
  | { readonly kind: 'shutdown' }

/** How REPORT and the Telemetry API name an end. */
export interface Verdict {
  readonly status: 'success' | 'error' | 'timeout'
  readonly errorType: string | null
}

/** The verdict on an outcome; the first one that is not a success stands. */
export function verdict(outcome: Outcome): Verdict {
  switch (outcome.kind) {
    case 'response':
      return success
    case 'error':
      return { status: 'error', errorType: outcome.errorType }
    case 'oversize':
      return { status: 'error', errorType: 'Function.ResponseSizeTooLarge' }
    case 'broken-stream':
      return { status: 'error', errorType: outcome.errorType ?? 'Function.ResponseStreamError' }
    case 'timeout':
      return { status: 'timeout', errorType: null }
    case 'fault':
      return { status: 'error', errorType: outcome.fault.errorType }
    case 'throttled':
    case 'shutdown':
      return { status: 'error', errorType: 'Sandbox.Failure' }
  }
}

export const success: Verdict = { status: 'success', errorType: null }

/** The refusals of the Runtime and Extensions API with their status codes, as in the reference. */
export const refusals = {
  InvalidRequestID: 400,
  InvokeTimeout: 410,
  InvalidFunctionResponseMode: 400,
  InvalidStateTransition: 403,
  RequestEntityTooLarge: 413,
  'Extension.InvalidExtensionName': 403,
  InvalidRequestFormat: 403,
  'Extension.InvalidEventType': 403,
  'Extension.RegistrationClosed': 403,
  'Extension.TooManyExtensions': 403,
  'Extension.InvalidExtensionState': 403,
  'Extension.MissingExtensionIdentifier': 403,
  'Extension.InvalidExtensionIdentifier': 403,
  'Extension.UnknownExtensionIdentifier': 403,
  'Extension.MissingHeader': 403,
  'Telemetry.SubscriptionClosed': 403,
  'Logs.SubscriptionClosed': 403,
} as const

export type RefusalCode = keyof typeof refusals

export interface Refusal {
  readonly kind: 'refused'
  readonly code: RefusalCode
  readonly message: string
}

export function refused(code: RefusalCode, message: string): Refusal {
  return { kind: 'refused', code, message }
}

/** A transition that the state tables do not have; `subject` is `runtime` or `extension NAME-OR-ID`. */
export function illegal(subject: string, from: string, to: string, why = notAllowed): Refusal {
  const code = subject === 'runtime' ? 'InvalidStateTransition' : 'Extension.InvalidExtensionState'
  return refused(code, `State transition from ${from} to ${to} failed for ${subject}. Error: ${why}`)
}

const notAllowed = 'State transition is not allowed'
export const concurrentModification = 'Concurrent state modification'

/** Telemetry can be subscribed to during init only. */
export function subscriptionClosed(api: TelemetryApi): Refusal {
  return api === 'logs'
    ? refused('Logs.SubscriptionClosed', 'Logs API subscription is closed')
    : refused('Telemetry.SubscriptionClosed', 'Telemetry API subscription is closed')
}

/** To the first answer of an invocation that has timed out while its runtime goes on. */
export const tooLate: Refusal = refused('InvokeTimeout', 'Invoke timeout')

export const invalidRequestId: Refusal = refused('InvalidRequestID', 'Invalid request ID')

/** `limit` in bytes. */
export const tooLarge = (limit: number = maxResponseBytes): Refusal =>
  refused('RequestEntityTooLarge', `Exceeded maximum allowed payload size (${limit} bytes).`)

/** Go's names of signals, which the reference prints and people know from the service's logs. */
const signalNames: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
}

function ended(status: ExitStatus): string {
  return status.kind === 'code'
    ? `exit status ${status.code}`
    : `signal: ${signalNames[status.signal] ?? status.signal}`
}

/** The fault of a runtime that ended when it should not have. */
export function runtimeExit(status: ExitStatus): Fault {
  const clean = status.kind === 'code' && status.code === 0
  return {
    errorType: 'Runtime.ExitError',
    text: clean ? 'Runtime exited without providing a reason' : `Runtime exited with error: ${ended(status)}`,
  }
}

/** The fault of an external extension that ended; `errorType` depends on what it had reported before. */
export function extensionExit(errorType: string, status: ExitStatus): Fault {
  const clean = status.kind === 'code' && status.code === 0
  return { errorType, text: clean ? 'exit code 0' : ended(status) }
}

export const truncated: Fault = {
  errorType: 'Runtime.TruncatedResponse',
  text: 'The connection ended before the response was complete',
}

export const tooManyExtensions: Fault = { errorType: 'Extension.LaunchError', text: 'ErrTooManyExtensions' }

/** An init that took too long, and what it waited for. For the log: a caller sees the retry or the timeout. */
export const initTimeout = (awaited: string): Fault => ({
  errorType: initTimeoutType,
  text: `Init timed out: ${awaited}`,
})

/** A restore whose hooks took too long. */
export const restoreTimeout: Fault = {
  errorType: 'Runtime.RestoreHookUserTimeout',
  text: 'Restoring timed out: the runtime did not ask for an event after its hooks',
}

export const initTimeoutType = 'Sandbox.Timedout'
