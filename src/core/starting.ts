/**
 * Starting: extensions are launched and register, then the runtime is launched, then all ask for an event.
 *
 * Attempt `init` has the init limit; when it fails its processes are stopped and attempt `invoke` follows inside the
 * invocation that waits (or the next one), under the function timeout. Only if that one fails does a caller see it.
 */

import { type Effect, type ExtensionReport, finishInvocation, type Step } from './effect.ts'
import { beginStop, launch, serve } from './enter.ts'
import type { On } from './event.ts'
import {
  allReady,
  allRegistered,
  dropPoll,
  exitFault,
  identify,
  launched,
  markExited,
  mayPoll,
  processOf,
  register as registerExtension,
  replace,
} from './extensions.ts'
import {
  type Fault,
  illegal,
  initTimeout,
  initTimeoutType,
  type ProcessName,
  success,
  tooManyExtensions,
  type Verdict,
  verdict,
} from './failure.ts'
import { maxExtensions } from './limits.ts'
import { reportExitError, reportInitError } from './reports.ts'
import { describeStall } from './stall.ts'
import type { Cold, Starting } from './state.ts'

export function start(state: Cold): Step {
  return launch(state.generation, 'init', null)
}

export function invokeCold(state: Cold, { id }: On<'invoke'>): Step {
  return launch(state.generation, state.retry ? 'invoke' : 'init', id)
}

/** An eager start gets its invocation. */
export function invoke(state: Starting, { id }: On<'invoke'>): Step {
  return [{ ...state, waiting: id }]
}

export function discovered(state: Starting, { extensions }: On<'discovered'>): Step {
  if (extensions.length > maxExtensions) return failInit(state, null, tooManyExtensions)
  if (extensions.length === 0)
    return [
      { ...state, runtime: 'Started' },
      { do: 'spawn', process: 'runtime' },
    ]
  const all = extensions.map(launched)
  return [
    { ...state, extensions: all },
    ...all.map((extension): Effect => ({ do: 'spawn', process: processOf(extension) })),
  ]
}

export function launchFailed(state: Starting, { process, fault }: On<'launch-failed'>): Step {
  return failInit(exited(state, process), process, fault)
}

export function exit(state: Starting, { process, status }: On<'exit'>): Step {
  return failInit(exited(state, process), process, exitFault(state.extensions, process, status))
}

export function runtimeNext(state: Starting, { call }: On<'runtime/next'>): Step {
  if (state.runtime === 'absent') {
    return [state, { do: 'reply', call, reply: illegal('runtime', 'NotStarted', 'Ready') }]
  }
  return advance({ ...state, runtime: 'Ready', polls: [...state.polls, call] })
}

/** `/init/error` ends the attempt at once; a runtime that has asked for an event is past it. */
export function initError(state: Starting, event: On<'runtime/init-error'>): Step {
  const { call, errorType, document } = event
  if (state.runtime !== 'Started') {
    const from = state.runtime === 'absent' ? 'NotStarted' : state.runtime
    return [state, { do: 'reply', call, reply: illegal('runtime', from, 'InitError') }]
  }
  const fault = { errorType, text: 'The runtime reported an error during init', document }
  const [next, ...effects] = failInit(state, 'runtime', fault, 'InitError')
  return [next, { do: 'reply', call, reply: { kind: 'accepted' } }, ...effects]
}

export function register(state: Starting, { call, registration }: On<'extension/register'>): Step {
  const result = registerExtension(state.extensions, state.runtime !== 'Ready', registration)
  if ('kind' in result) return [state, { do: 'reply', call, reply: result }]
  const reply: Effect = { do: 'reply', call, reply: { kind: 'registered', id: registration.id } }
  const next = { ...state, extensions: result }
  if (state.runtime === 'absent' && allRegistered(result)) {
    return [{ ...next, runtime: 'Started' }, reply, { do: 'spawn', process: 'runtime' }]
  }
  return [next, reply]
}

export function extensionNext(state: Starting, { call, id }: On<'extension/next'>): Step {
  const extension = identify(state.extensions, id, 'next')
  if ('kind' in extension) return [state, { do: 'reply', call, reply: extension }]
  const refusal = mayPoll(extension)
  if (refusal) return [state, { do: 'reply', call, reply: refusal }]
  return advance({
    ...state,
    extensions: replace(state.extensions, extension, { state: 'Ready', poll: call }),
  })
}

export function extensionInitError(state: Starting, { call, id }: On<'extension/init-error'>): Step {
  const [extensions, ...effects] = reportInitError(state.extensions, call, id)
  return [{ ...state, extensions }, ...effects]
}

export function extensionExitError(state: Starting, { call, id }: On<'extension/exit-error'>): Step {
  const [extensions, ...effects] = reportExitError(state.extensions, call, id)
  return [{ ...state, extensions }, ...effects]
}

/** The runtime stays Ready: it has initialised, and it will ask again. */
export function gone(state: Starting, { call }: On<'gone'>): Step {
  return [{ ...state, ...dropPoll(state, call) }]
}

/** Init limit against the last poll: whichever is dispatched first; after the poll the timer is disarmed. */
export function initLimit(state: Starting): Step {
  return failInit(state, null, initTimeout(describeStall(state)))
}

/** The function timeout covers the second attempt; of a first attempt no deadline is armed. */
export function deadline(state: Starting, { id }: On<'deadline'>): Step {
  if (state.waiting !== id) return [state]
  const end: Verdict = { status: 'timeout', errorType: null }
  return beginStop(state, runtimeStateOf(state), 'timeout', { to: 'cold', retry: false }, [
    { do: 'settle', id, outcome: { kind: 'timeout' } },
    {
      do: 'record',
      record: { type: 'fault', process: null, fault: initTimeout(describeStall(state)), idle: false },
    },
    report(state, end),
    ...finishInvocation(id, end, false),
  ])
}

/** What is being started has read the old code. An invocation that waits has not begun: it gets a new first attempt. */
export function recycle(state: Starting): Step {
  const { waiting, attempt } = state
  const effects: Effect[] = [{ do: 'disarm', timer: 'init' }]
  if (waiting !== null && attempt === 'invoke') effects.push({ do: 'disarm-deadline', id: waiting })
  const next =
    waiting === null
      ? ({ to: 'cold', retry: false } as const)
      : ({ to: 'starting', attempt: 'init', waiting } as const)
  return beginStop(state, runtimeStateOf(state), 'spindown', next, effects)
}

/** A failed attempt was one of the old code. */
export function recycleCold(state: Cold): Step {
  return state.retry ? [{ ...state, retry: false }] : [state]
}

export function stop(state: Starting): Step {
  const { waiting } = state
  const effects: Effect[] = [{ do: 'disarm', timer: 'init' }]
  if (waiting !== null) {
    effects.push({ do: 'settle', id: waiting, outcome: { kind: 'shutdown' } })
    effects.push(...finishInvocation(waiting, verdict({ kind: 'shutdown' }), false))
  }
  return beginStop(state, runtimeStateOf(state), 'spindown', { to: 'stopped' }, effects)
}

/** Init is over when the runtime and all extensions have asked for an event. */
function advance(state: Starting): Step {
  if (state.runtime !== 'Ready' || !allReady(state.extensions)) return [state]
  const [next, ...effects] = serve(state)
  return [next, { do: 'disarm', timer: 'init' }, report(state, success), ...effects]
}

function failInit(state: Starting, process: ProcessName | null, fault: Fault, runtimeState?: string): Step {
  const { attempt, waiting } = state
  const late = fault.errorType === initTimeoutType
  const end: Verdict = late
    ? { status: 'timeout', errorType: null }
    : { status: 'error', errorType: fault.errorType }
  const effects: Effect[] = [
    { do: 'disarm', timer: 'init' },
    { do: 'record', record: { type: 'fault', process, fault, idle: false } },
    report(state, end, fault.errorType === 'Extension.LaunchError' ? process : null),
  ]
  const reason = late ? 'timeout' : 'failure'
  const name = runtimeState ?? runtimeStateOf(state)
  if (attempt === 'init') {
    const afterwards =
      waiting === null
        ? ({ to: 'cold', retry: true } as const)
        : ({ to: 'starting', attempt: 'invoke', waiting } as const)
    return beginStop(state, name, reason, afterwards, effects)
  }
  if (waiting !== null) {
    effects.unshift({ do: 'settle', id: waiting, outcome: { kind: 'fault', fault } })
    effects.push(...finishInvocation(waiting, end, false))
  }
  return beginStop(state, name, reason, { to: 'cold', retry: waiting === null }, effects)
}

const runtimeStateOf = (state: Starting): string =>
  state.runtime === 'absent' ? 'NotStarted' : state.runtime

/** Marks a process as ended. */
function exited(state: Starting, process: ProcessName): Starting {
  if (process === 'runtime') return { ...state, runtime: 'absent' }
  return { ...state, extensions: markExited(state.extensions, process) }
}

function report(state: Starting, end: Verdict, failed: ProcessName | null = null): Effect {
  const extensions = state.extensions.map(
    (extension): ExtensionReport => ({
      name: extension.name,
      state: failed === processOf(extension) ? 'LaunchError' : extension.state,
      events: extension.events,
    }),
  )
  return {
    do: 'record',
    record: { type: 'init-report', phase: state.attempt, verdict: end, extensions },
  }
}
