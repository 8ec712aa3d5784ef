/**
 * Starting: extensions are launched and register, then the runtime is launched, then everyone asks for an event.
 *
 * Attempt `init` has the init limit; when it fails its processes are stopped and attempt `invoke` follows inside the
 * invocation that waits (or the next one), under the function timeout. Only if that one fails does a caller see it.
 */

import { awaited } from './awaited.ts'
import {
  allReady,
  allRegistered,
  type Extension,
  exitFault,
  identify,
  launched,
  mayPoll,
  register as registerExtension,
  replace,
} from './extensions.ts'
import {
  type Fault,
  illegal,
  initTimeout,
  initTimeoutType,
  maxExtensions,
  type ProcessName,
  success,
  tooManyExtensions,
  type Verdict,
  verdict,
} from './failure.ts'
import type { RequestId } from './ids.ts'
import type { Cold, Effect, ExtensionReport, On, Starting, Step } from './lifecycle.ts'
import { reportExitError, reportInitError } from './reports.ts'
import { serve } from './serving.ts'
import { beginStop, launch } from './stopping.ts'

export function start(state: Cold): Step {
  return launch(state.generation, 'init', null)
}

export function invokeCold(state: Cold, { id }: On<'invoke'>): Step {
  return launch(state.generation, state.retry ? 'invoke' : 'init', id)
}

/** An eager start that nobody waited for so far. */
export function invoke(state: Starting, { id }: On<'invoke'>): Step {
  return [{ ...state, waiting: id }]
}

export function discovered(state: Starting, { extensions }: On<'discovered'>): Step {
  if (extensions.length > maxExtensions) return fail(state, null, tooManyExtensions)
  if (extensions.length === 0)
    return [
      { ...state, runtime: 'Started' },
      { do: 'spawn', process: 'runtime' },
    ]
  return [
    { ...state, extensions: extensions.map(launched) },
    ...extensions.map((name): Effect => ({ do: 'spawn', process: `extension:${name}` })),
  ]
}

export function launchFailed(state: Starting, { process, fault }: On<'launch-failed'>): Step {
  return fail(without(state, process), process, fault)
}

export function exit(state: Starting, { process, status }: On<'exit'>): Step {
  return fail(without(state, process), process, exitFault(state.extensions, process, status))
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
  const [next, ...effects] = fail(state, 'runtime', fault, 'InitError')
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

/** The runtime stays Ready: it has shown that it is, and it will ask again. */
export function gone(state: Starting, { call }: On<'gone'>): Step {
  return [{ ...state, ...forget(state, call) }]
}

/** Takes a poll whose peer went away out of wherever it is parked. */
export function forget<S extends Pick<Starting, 'polls' | 'extensions'>>(
  state: S,
  call: On<'gone'>['call'],
): Pick<Starting, 'polls' | 'extensions'> {
  const owner = state.extensions.find((extension) => extension.poll === call)
  return {
    polls: state.polls.includes(call) ? state.polls.filter((poll) => poll !== call) : state.polls,
    extensions: owner ? replace(state.extensions, owner, { poll: null }) : state.extensions,
  }
}

/** Init limit against the last poll: whichever is dispatched first; after the poll the timer is disarmed. */
export function initLimit(state: Starting): Step {
  return fail(state, null, initTimeout(awaited(state)))
}

/** The function timeout covers the second attempt; of a first attempt no deadline is armed. */
export function deadline(state: Starting, { id }: On<'deadline'>): Step {
  if (state.waiting !== id) return [state]
  const end: Verdict = { status: 'timeout', errorType: null }
  return beginStop(state, stateOf(state), 'timeout', { to: 'cold', retry: false }, [
    { do: 'settle', id, outcome: { kind: 'timeout' } },
    {
      do: 'record',
      record: { type: 'fault', process: null, fault: initTimeout(awaited(state)), idle: false },
    },
    report(state, end),
    ...over(id, end, false),
  ])
}

export function stop(state: Starting): Step {
  const { waiting } = state
  const effects: Effect[] = [{ do: 'disarm', timer: 'init' }]
  if (waiting !== null) {
    effects.push({ do: 'settle', id: waiting, outcome: { kind: 'shutdown' } })
    effects.push(...over(waiting, verdict({ kind: 'shutdown' }), false))
  }
  return beginStop(state, stateOf(state), 'spindown', { to: 'stopped' }, effects)
}

/** START of an invocation: written once, when its event is delivered or, if it never is, before its REPORT. */
export const begun = (id: RequestId): Effect => ({ do: 'record', record: { type: 'start', id } })

/** REPORT, then the engine may forget the invocation. */
export function over(id: RequestId, end: Verdict, delivered: boolean): Effect[] {
  const rest: Effect[] = [
    { do: 'record', record: { type: 'report', id, verdict: end } },
    { do: 'finish', id },
  ]
  return delivered ? rest : [begun(id), ...rest]
}

/** When everyone has asked for an event, init is over. */
function advance(state: Starting): Step {
  if (state.runtime !== 'Ready' || !allReady(state.extensions)) return [state]
  const [next, ...effects] = serve(state)
  return [next, { do: 'disarm', timer: 'init' }, report(state, success), ...effects]
}

function fail(state: Starting, process: ProcessName | null, fault: Fault, runtimeState?: string): Step {
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
  const name = runtimeState ?? stateOf(state)
  if (attempt === 'init') {
    const afterwards =
      waiting === null
        ? ({ to: 'cold', retry: true } as const)
        : ({ to: 'starting', attempt: 'invoke', waiting } as const)
    return beginStop(state, name, reason, afterwards, effects)
  }
  if (waiting !== null) {
    effects.unshift({ do: 'settle', id: waiting, outcome: { kind: 'fault', fault } })
    effects.push(...over(waiting, end, false))
  }
  return beginStop(state, name, reason, { to: 'cold', retry: waiting === null }, effects)
}

const stateOf = (state: Starting): string => (state.runtime === 'absent' ? 'NotStarted' : state.runtime)

const find = (state: Starting, process: ProcessName): Extension | undefined =>
  state.extensions.find((extension) => extension.external && `extension:${extension.name}` === process)

/** Marks a process as gone. */
function without(state: Starting, process: ProcessName): Starting {
  if (process === 'runtime') return { ...state, runtime: 'absent' }
  const extension = find(state, process)
  return extension ? { ...state, extensions: replace(state.extensions, extension, { alive: false }) } : state
}

function report(state: Starting, end: Verdict, failed: ProcessName | null = null): Effect {
  const extensions = state.extensions.map(
    (extension): ExtensionReport => ({
      name: extension.name,
      state: failed === `extension:${extension.name}` ? 'LaunchError' : extension.state,
      events: extension.events,
    }),
  )
  return {
    do: 'record',
    record: { type: 'init-report', phase: state.attempt, verdict: end, extensions },
  }
}
