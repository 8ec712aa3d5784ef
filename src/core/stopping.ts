/**
 * Stopping: the processes of one generation end. Also the way out of it: cold, a new start, or the end.
 *
 * Without extensions every group is killed at once. With extensions the runtime gets SIGTERM and its share of the
 * budget, then those external extensions that asked for it get SHUTDOWN and the rest of the budget; whoever is left
 * is killed (lambda-service.md 6, rie-classic.md 7.6). Requests that are parked stay parked, as on the service; what
 * is left of them when all processes have ended is refused.
 */

import { identify, mayPoll, processOf, replace } from './extensions.ts'
import { illegal, type ProcessName, type Refusal, verdict } from './failure.ts'
import type { Generation, RequestId } from './ids.ts'
import type {
  Afterwards,
  Cold,
  Effect,
  InitPhase,
  On,
  Serving,
  ShutdownReason,
  Starting,
  Step,
  Stopping,
} from './lifecycle.ts'
import { reportExitError, reportInitError } from './reports.ts'
import { forget, over } from './starting.ts'

/** Budgets in milliseconds; `runtime` is the runtime's share when external extensions share it. */
export const shutdownBudget = { internal: 500, external: 2000, runtime: 600, afterKill: 2000 } as const

/** A new generation of processes; the second attempt runs inside its invocation, so its timeout starts here. */
export function launch(generation: Generation, attempt: InitPhase, waiting: RequestId | null): Step {
  const state: Starting = {
    phase: 'starting',
    generation: (generation + 1) as Generation,
    attempt,
    waiting,
    runtime: 'absent',
    polls: [],
    extensions: [],
  }
  const begin: Effect[] =
    attempt === 'invoke' && waiting !== null
      ? [{ do: 'arm-deadline', id: waiting }]
      : [{ do: 'arm', timer: 'init' }]
  return [
    state,
    ...begin,
    { do: 'record', record: { type: 'init-start', phase: attempt } },
    { do: 'discover' },
  ]
}

export function stopCold(state: Cold): Step {
  return [{ phase: 'stopped', generation: state.generation }]
}

/**
 * From starting or serving. `before` are the effects that come first, the caller's answer above all; `runtimeGone`
 * says that the runtime's process has ended already.
 */
export function beginStop(
  from: Starting | Serving,
  runtimeState: string,
  reason: ShutdownReason,
  afterwards: Afterwards,
  before: readonly Effect[],
  runtimeGone = false,
): Step {
  const runtime = from.phase === 'serving' ? !runtimeGone : from.runtime !== 'absent'
  const { generation, polls, extensions } = from
  const state: Stopping = {
    phase: 'stopping',
    generation,
    reason,
    step: 'runtime',
    runtime,
    runtimeState,
    polls,
    extensions,
    afterwards,
  }
  const effects: Effect[] = [...before, { do: 'record', record: { type: 'shutdown', reason } }]
  if (extensions.length === 0) {
    if (!runtime) return finish(state, effects)
    effects.push(kill('runtime'), { do: 'arm', timer: 'give-up', ms: shutdownBudget.afterKill })
    return [{ ...state, step: 'extensions' }, ...effects]
  }
  const external = extensions.some((extension) => extension.external)
  effects.push({
    do: 'arm',
    timer: 'budget',
    ms: external ? shutdownBudget.external : shutdownBudget.internal,
  })
  if (!runtime) return shutDownExtensions(state, effects)
  effects.push({ do: 'signal', process: 'runtime', signal: 'SIGTERM' })
  if (external) effects.push({ do: 'arm', timer: 'grace', ms: shutdownBudget.runtime })
  return [state, ...effects]
}

/** The second step: SHUTDOWN to those who asked for it, SIGKILL to the others. */
function shutDownExtensions(from: Stopping, effects: Effect[]): Step {
  const extensions = from.extensions.map((extension) => {
    if (!extension.external || !extension.alive) return extension
    const wants = extension.events.includes('SHUTDOWN')
    // a failed extension never polls again, so it could not be told
    const able =
      extension.state === 'Ready' || extension.state === 'Running' || extension.state === 'Registered'
    if (!wants || !able) {
      effects.push(kill(processOf(extension)))
      return extension
    }
    if (extension.poll === null) return extension
    effects.push({
      do: 'reply',
      call: extension.poll,
      reply: { kind: 'shutdown-event', reason: from.reason },
    })
    return { ...extension, poll: null, told: true }
  })
  return settle({ ...from, step: 'extensions', extensions }, effects)
}

/** Goes on when the step's processes have ended. */
function settle(state: Stopping, effects: Effect[]): Step {
  if (state.runtime) return [state, ...effects]
  if (state.step === 'runtime')
    return shutDownExtensions(state, [...effects, { do: 'disarm', timer: 'grace' }])
  if (state.extensions.some((extension) => extension.external && extension.alive)) return [state, ...effects]
  return finish(state, effects)
}

/** All processes have ended: what is left of their groups goes, parked requests are refused, and on to what follows. */
function finish(state: Stopping, effects: readonly Effect[]): Step {
  const { generation, afterwards } = state
  const end: Effect[] = [
    { do: 'disarm', timer: 'grace' },
    { do: 'disarm', timer: 'budget' },
    { do: 'disarm', timer: 'give-up' },
    { do: 'sweep' },
  ]
  const refusal = (subject: string): Refusal => illegal(subject, 'Stopped', 'Ready')
  for (const call of state.polls) end.push({ do: 'reply', call, reply: refusal('runtime') })
  for (const { id, poll } of state.extensions) {
    if (poll !== null) end.push({ do: 'reply', call: poll, reply: refusal(`extension ${id}`) })
  }
  if (afterwards.to === 'stopped') return [{ phase: 'stopped', generation }, ...effects, ...end]
  if (afterwards.to === 'cold') {
    return [{ phase: 'cold', generation, retry: afterwards.retry }, ...effects, ...end]
  }
  const [next, ...more] = launch(generation, afterwards.attempt, afterwards.waiting)
  return [next, ...effects, ...end, ...more]
}

export function exit(state: Stopping, { process }: On<'exit'>): Step {
  return settle(dead(state, process), [])
}

/** A process whose launch failed while another failure was being cleaned up. */
export function launchFailed(state: Stopping, { process }: On<'launch-failed'>): Step {
  return settle(dead(state, process), [])
}

function dead(state: Stopping, process: ProcessName): Stopping {
  if (process === 'runtime') return { ...state, runtime: false }
  const extension = state.extensions.find((one) => one.external && processOf(one) === process)
  return extension ? { ...state, extensions: replace(state.extensions, extension, { alive: false }) } : state
}

/** On the service `/next` hangs while SIGTERM is on its way, so it does here. */
export function runtimeNext(state: Stopping, { call }: On<'runtime/next'>): Step {
  if (state.runtimeState === 'InitError') {
    return [state, { do: 'reply', call, reply: illegal('runtime', 'InitError', 'Ready') }]
  }
  return [{ ...state, polls: [...state.polls, call] }]
}

/** The poll before SHUTDOWN gets the event; a poll after it says that the extension has finished. */
export function extensionNext(state: Stopping, { call, id }: On<'extension/next'>): Step {
  const extension = identify(state.extensions, id, 'next')
  if ('kind' in extension) return [state, { do: 'reply', call, reply: extension }]
  if (extension.told && extension.poll === null) {
    const finished = { ...state, extensions: replace(state.extensions, extension, { poll: call }) }
    return extension.alive ? [finished, kill(processOf(extension))] : [finished]
  }
  const refusal = mayPoll(extension)
  if (refusal) return [state, { do: 'reply', call, reply: refusal }]
  if (state.step === 'extensions' && extension.events.includes('SHUTDOWN')) {
    const extensions = replace(state.extensions, extension, { state: 'Ready', told: true })
    return [
      { ...state, extensions },
      { do: 'reply', call, reply: { kind: 'shutdown-event', reason: state.reason } },
    ]
  }
  return [{ ...state, extensions: replace(state.extensions, extension, { state: 'Ready', poll: call }) }]
}

export function extensionInitError(state: Stopping, { call, id }: On<'extension/init-error'>): Step {
  const [extensions, ...effects] = reportInitError(state.extensions, call, id)
  return [{ ...state, extensions }, ...effects]
}

export function extensionExitError(state: Stopping, { call, id }: On<'extension/exit-error'>): Step {
  const [extensions, ...effects] = reportExitError(state.extensions, call, id)
  return [{ ...state, extensions }, ...effects]
}

export function gone(state: Stopping, { call }: On<'gone'>): Step {
  return [{ ...state, ...forget(state, call) }]
}

export function graceOver(state: Stopping): Step {
  return state.runtime ? [state, kill('runtime')] : [state]
}

export function budgetOver(state: Stopping): Step {
  const effects: Effect[] = state.runtime ? [kill('runtime')] : []
  for (const extension of state.extensions) {
    if (extension.external && extension.alive) effects.push(kill(processOf(extension)))
  }
  return [
    { ...state, step: 'extensions' },
    ...effects,
    { do: 'arm', timer: 'give-up', ms: shutdownBudget.afterKill },
  ]
}

/** A process in uninterruptible sleep ignores SIGKILL; nobody waits for it longer than this. */
export function givenUp(state: Stopping): Step {
  const extensions = state.extensions.map((extension) => ({ ...extension, alive: false }))
  return finish({ ...state, runtime: false, extensions }, [])
}

/** A stop while a reset runs: the reset goes on, but nothing starts after it. */
export function stop(state: Stopping): Step {
  const { afterwards } = state
  const next: Stopping = { ...state, afterwards: { to: 'stopped' } }
  if (afterwards.to !== 'starting') return [next]
  const id = afterwards.waiting
  return [
    next,
    { do: 'settle', id, outcome: { kind: 'shutdown' } },
    ...over(id, verdict({ kind: 'shutdown' }), false),
  ]
}

const kill = (process: ProcessName): Effect => ({ do: 'signal', process, signal: 'SIGKILL' })
