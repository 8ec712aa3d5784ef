/**
 * The vocabulary of the traces: ids, events, effects and states under short names, so that a trace reads as the
 * conversation that it is. Every word makes one whole value; nothing here knows a rule.
 */

import type { Extension } from '../../src/core/extensions.ts'
import type {
  ExitStatus,
  Fault,
  Outcome,
  Payload,
  ProcessName,
  Refusal,
  RefusalCode,
  TelemetryApi,
  Verdict,
} from '../../src/core/failure.ts'
import type { ApiCallId, ExtensionId, Generation, RequestId } from '../../src/core/ids.ts'
import type {
  Cold,
  Event,
  ExtensionReport,
  Inflight,
  InitPhase,
  LifecycleState,
  NextPhase,
  Reply,
  Restoring,
  Serving,
  ShutdownReason,
  Starting,
  Stopped,
  Stopping,
  TimerName,
  UploadResult,
} from '../../src/core/lifecycle.ts'
import { type Mode, managedInstances, onDemand } from '../../src/core/mode.ts'
import type { Effect } from './recorder.ts'

// modes

/** Every policy is the other one than on demand. */
export const several: Mode = managedInstances(3)

// who

export const one = 'request-1' as RequestId
export const two = 'request-2' as RequestId
export const three = 'request-3' as RequestId
export const call = (number: number): ApiCallId => number as ApiCallId
export const idOf = (name: string): ExtensionId => `id-of-${name}` as ExtensionId
export const ext = (name: string): ProcessName => `extension:${name}`

export const generation = (number: number): Generation => number as Generation

// what is carried

export const payload: Payload = { size: 2, chunks: [] }
export const document: Payload = { size: 40, chunks: [] }
export const complete: UploadResult = { kind: 'complete', payload, contentType: null }
export const truncatedUpload: UploadResult = { kind: 'truncated' }
export const oversizeUpload: UploadResult = { kind: 'oversize', bytes: 6_291_557 }
export const trailers: UploadResult = {
  kind: 'trailers',
  payload,
  contentType: 'text/plain',
  errorType: 'Function.Oops',
  document,
}

// states

export const cold = (over: Partial<Cold> = {}): Cold => ({
  phase: 'cold',
  generation: generation(0),
  retry: false,
  ...over,
})

export const starting = (over: Partial<Starting> = {}): Starting => ({
  phase: 'starting',
  generation: generation(1),
  attempt: 'init',
  last: over.attempt === 'invoke',
  waiting: [],
  runtime: 'absent',
  failure: null,
  polls: [],
  extensions: [],
  ...over,
})

export const restoring = (over: Partial<Restoring> = {}): Restoring => ({
  phase: 'restoring',
  generation: generation(1),
  polls: [],
  extensions: [],
  waiting: [],
  ...over,
})

export const serving = (over: Partial<Serving> = {}): Serving => ({
  phase: 'serving',
  generation: generation(1),
  polls: [],
  inflight: [],
  extensions: [],
  exited: null,
  owed: 0,
  late: [],
  ...over,
})

export const stopping = (over: Partial<Stopping> = {}): Stopping => ({
  phase: 'stopping',
  generation: generation(1),
  reason: 'failure',
  step: 'runtime',
  runtime: true,
  runtimeState: 'Ready',
  polls: [],
  extensions: [],
  afterwards: toCold,
  ...over,
})

export const stopped = (over: Partial<Stopped> = {}): Stopped => ({
  phase: 'stopped',
  generation: generation(1),
  ...over,
})

export const cooled: Cold = cold({ generation: generation(1) })
export const second = { generation: generation(2), attempt: 'invoke', last: true } as const

export const toCold: NextPhase = { to: 'cold', retry: false }
export const toRetry: NextPhase = { to: 'cold', retry: true }
export const toStopped: NextPhase = { to: 'stopped' }
export const toStart = (attempt: InitPhase, ...waiting: RequestId[]): NextPhase => ({
  to: 'starting',
  attempt,
  last: attempt === 'invoke',
  waiting,
})

export const at = (stage: Inflight['stage'], over: Partial<Inflight> = {}): Inflight => ({
  id: one,
  stage,
  begun: false,
  verdict: null,
  ...over,
})

/** An external extension that has registered. */
export const external = (name: string, over: Partial<Extension> = {}): Extension => ({
  name,
  id: idOf(name),
  external: true,
  events: [],
  state: 'Registered',
  poll: null,
  subscribed: false,
  pendingInvoke: null,
  alive: true,
  shutdownSent: false,
  errorType: over.state === 'InitError' || over.state === 'ExitError' ? `Extension.${over.state}` : null,
  ...over,
})

/** An external extension that was just launched. */
export const fresh = (name: string, over: Partial<Extension> = {}): Extension =>
  external(name, { id: null, state: 'Started', ...over })

export const internal = (name: string, over: Partial<Extension> = {}): Extension =>
  external(name, { external: false, alive: false, ...over })

// events

export const start: Event = { type: 'start' }
export const stop: Event = { type: 'stop' }
export const recycle: Event = { type: 'recycle' }
export const invoke = (id = one): Event => ({ type: 'invoke', id })
export const discovered = (...extensions: string[]): Event => ({ type: 'discovered', extensions })
export const launchFailed = (process: ProcessName, fault: Fault): Event => ({
  type: 'launch-failed',
  process,
  fault,
})
export const code = (status: number): ExitStatus => ({ kind: 'code', code: status })
export const signalled = (name: string): ExitStatus => ({ kind: 'signal', signal: name })
export const exits = (process: ProcessName, status: ExitStatus = code(1)): Event => ({
  type: 'exit',
  process,
  status,
})
export const next = (number: number): Event => ({ type: 'runtime/next', call: call(number) })
export const restoreNext = (number: number): Event => ({ type: 'runtime/restore-next', call: call(number) })
export const restoreError = (number: number, errorType = 'Runtime.AfterRestoreError'): Event => ({
  type: 'runtime/restore-error',
  call: call(number),
  errorType,
  document,
})
export const restoreLimit: Event = { type: 'restore-limit' }
export const response = (number: number, id = one, mode: string | null = null): Event => ({
  type: 'runtime/response',
  call: call(number),
  id,
  mode,
})
export const error = (number: number, id = one, errorType: string | null = null): Event => ({
  type: 'runtime/error',
  call: call(number),
  id,
  errorType,
})
export const received = (
  number: number,
  upload: UploadResult = complete,
  errorType: string | null = null,
  id = one,
): Event => ({ type: 'runtime/received', call: call(number), id, errorType, received: upload })
export const initError = (number: number, errorType = 'Runtime.Bad'): Event => ({
  type: 'runtime/init-error',
  call: call(number),
  errorType,
  document,
})
export const registers = (number: number, name: string, ...events: string[]): Event => ({
  type: 'extension/register',
  call: call(number),
  registration: { name, id: idOf(name), events },
})
export const extNext = (number: number, name: string): Event => ({
  type: 'extension/next',
  call: call(number),
  id: idOf(name),
})
export const extInitError = (number: number, name: string, errorType: string | null = null): Event => ({
  type: 'extension/init-error',
  call: call(number),
  id: idOf(name),
  errorType,
})
export const extExitError = (number: number, name: string, errorType: string | null = null): Event => ({
  type: 'extension/exit-error',
  call: call(number),
  id: idOf(name),
  errorType,
})
export const subscribe = (number: number, name: string, api: TelemetryApi = 'telemetry'): Event => ({
  type: 'extension/subscribe',
  call: call(number),
  id: idOf(name),
  api,
})
export const flushed = (of = 1): Event => ({ type: 'flushed', generation: generation(of) })
export const gone = (number: number): Event => ({ type: 'gone', call: call(number) })
export const exitWaitOver: Event = { type: 'exit-wait-over' }
export const responseStarted = (id = one): Event => ({
  type: 'runtime/streaming',
  id,
  contentType: 'text/plain',
})
export const initLimit: Event = { type: 'init-limit' }
export const deadline = (id = one): Event => ({ type: 'deadline', id })
export const graceOver: Event = { type: 'grace-over' }
export const budgetOver: Event = { type: 'budget-over' }
export const killWaitOver: Event = { type: 'kill-wait-over' }

// effects

export const discover: Effect = { do: 'discover' }
export const releaseProcesses: Effect = { do: 'release-processes' }
export const spawn = (process: ProcessName): Effect => ({ do: 'spawn', process })
export const sigterm = (process: ProcessName): Effect => ({ do: 'signal', process, signal: 'SIGTERM' })
export const sigkill = (process: ProcessName): Effect => ({ do: 'signal', process, signal: 'SIGKILL' })
export const reply = (number: number, answer: Reply): Effect => ({
  do: 'reply',
  call: call(number),
  reply: answer,
})
export const settle = (outcome: Outcome, id = one): Effect => ({ do: 'settle', id, outcome })
export const giveBack = (id = one): Effect => ({ do: 'give-back', id })
export const failWaiting = (outcome: Outcome): Effect => ({ do: 'fail-waiting', outcome })
export const beginAnswer = (id = one): Effect => ({ do: 'begin-answer', id, contentType: 'text/plain' })
export const endAnswer = (outcome: Outcome, id = one): Effect => ({ do: 'end-answer', id, outcome })
export const breakAnswer = (outcome: Outcome, id = one): Effect => ({ do: 'break-answer', id, outcome })
export const armDeadline = (id = one): Effect => ({ do: 'arm-deadline', id })
export const disarmDeadline = (id = one): Effect => ({ do: 'disarm-deadline', id })
export const armRestore: Effect = { do: 'arm', timer: 'restore' }
export const restoreStart: Effect = { do: 'record', record: { type: 'restore-start' } }
export const restoreReport = (verdict: Verdict): Effect => ({
  do: 'record',
  record: { type: 'restore-report', verdict },
})
export const armInit: Effect = { do: 'arm', timer: 'init' }
export const arm = (timer: 'exit-wait' | 'grace' | 'budget' | 'kill-wait', ms: number): Effect => ({
  do: 'arm',
  timer,
  ms,
})
export const flush: Effect = { do: 'flush', ms: 1000 }
export const disarm = (timer: TimerName): Effect => ({ do: 'disarm', timer })
export const finish = (id = one): Effect => ({ do: 'finish', id })
export const initStart = (phase: InitPhase = 'init'): Effect => ({
  do: 'record',
  record: { type: 'init-start', phase },
})
export const initReport = (
  verdict: Verdict,
  extensions: readonly ExtensionReport[] = [],
  phase: InitPhase = 'init',
): Effect => ({ do: 'record', record: { type: 'init-report', phase, verdict, extensions } })
export const begun = (id = one): Effect => ({ do: 'record', record: { type: 'start', id } })
export const report = (verdict: Verdict, id = one): Effect => ({
  do: 'record',
  record: { type: 'report', id, verdict },
})
export const faulted = (process: ProcessName | null, fault: Fault, idle = false): Effect => ({
  do: 'record',
  record: { type: 'fault', process, fault, idle },
})
export const shutdown = (reason: ShutdownReason): Effect => ({
  do: 'record',
  record: { type: 'shutdown', reason },
})
/** The end of every stop: no timer runs on, and nothing is left of the processes. */
export const released: readonly Effect[] = [
  disarm('grace'),
  disarm('budget'),
  disarm('kill-wait'),
  releaseProcesses,
]

// replies

export const accepted: Reply = { kind: 'accepted' }
export const restored: Reply = { kind: 'restore' }
export const subscribed: Reply = { kind: 'subscribed' }
export const read: Reply = { kind: 'read' }
export const invocation = (id = one): Reply => ({ kind: 'invocation', id })
export const registered = (name: string): Reply => ({ kind: 'registered', id: idOf(name) })
export const invokeEvent = (id = one): Reply => ({ kind: 'invoke-event', id })
export const shutdownEvent = (reason: ShutdownReason): Reply => ({ kind: 'shutdown-event', reason })
export const refused = (code: RefusalCode, message: string): Refusal => ({ kind: 'refused', code, message })
export const runtimeRefused = (from: string, to: string): Refusal =>
  refused(
    'InvalidStateTransition',
    `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
  )
export const extRefused = (
  subject: string,
  from: string,
  to: string,
  why = 'State transition is not allowed',
): Refusal =>
  refused(
    'Extension.InvalidExtensionState',
    `State transition from ${from} to ${to} failed for extension ${subject}. Error: ${why}`,
  )
export const tooLate: Refusal = refused('InvokeTimeout', 'Invoke timeout')
export const invalidId: Refusal = refused('InvalidRequestID', 'Invalid request ID')

// verdicts and faults

export const succeeded: Verdict = { status: 'success', errorType: null }
export const timedOut: Verdict = { status: 'timeout', errorType: null }
export const failed = (errorType: string | null): Verdict => ({ status: 'error', errorType })

export const brokenOff: Fault = {
  errorType: 'Runtime.TruncatedResponse',
  text: 'The connection ended before the response was complete',
}
export const exit1: Fault = {
  errorType: 'Runtime.ExitError',
  text: 'Runtime exited with error: exit status 1',
}
export const exit0: Fault = {
  errorType: 'Runtime.ExitError',
  text: 'Runtime exited without providing a reason',
}
export const crash: Fault = { errorType: 'Extension.Crash', text: 'exit status 1' }
export const initTimedOut = (awaited: string): Fault => ({
  errorType: 'Sandbox.Timedout',
  text: `Init timed out: ${awaited}`,
})
export const noEntrypoint: Fault = {
  errorType: 'Runtime.InvalidEntrypoint',
  text: 'fork/exec /var/task/bootstrap: no such file or directory',
}
export const noLaunch: Fault = {
  errorType: 'Extension.LaunchError',
  text: 'fork/exec /opt/extensions/watch: permission denied',
}

export const responded: Outcome = { kind: 'response', payload, contentType: null }
export const faultOf = (fault: Fault): Outcome => ({ kind: 'fault', fault })

// traces

type Fields<S> = Partial<Omit<S, 'phase'>>

/** A whole new state, or the fields of the old one that become others. */
export type Change =
  | LifecycleState
  | Fields<Cold>
  | Fields<Starting>
  | Fields<Restoring>
  | Fields<Serving>
  | Fields<Stopping>

/** What happens, what it changes, and what is to be done about it. */
export type Beat = readonly [event: Event, change: Change, ...effects: Effect[]]

export interface Trace {
  readonly name: string
  readonly mode: Mode
  readonly given: LifecycleState
  readonly beats: readonly Beat[]
}

export const trace = (
  name: string,
  given: LifecycleState,
  beats: readonly Beat[],
  mode: Mode = onDemand,
): Trace => ({ name, mode, given, beats })

/** Nothing moves. */
export const same: Change = {}
