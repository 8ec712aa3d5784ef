/**
 * Stopping: the processes of one generation end. How it begins, and the way out of it, stand in `enter.ts`.
 *
 * Without extensions every process group is killed at once. With extensions the runtime gets SIGTERM and its share of
 * the budget, then the external extensions that asked for it get SHUTDOWN and the rest of the budget; what is left is
 * killed. Requests that are parked stay parked, as on the service, and are refused when all processes have ended.
 */

import { type Effect, finishInvocation, kill, type Step } from './effect.ts'
import { finishStop, proceed } from './enter.ts'
import type { On } from './event.ts'
import { dropPoll, identify, markExited, mayPoll, processOf, replace } from './extensions.ts'
import { illegal, type ProcessName, verdict } from './failure.ts'
import { killWaitMs } from './limits.ts'
import { reportExitError, reportInitError } from './reports.ts'
import type { Cold, Stopping } from './state.ts'

export function stopCold(state: Cold): Step {
  return [{ phase: 'stopped', generation: state.generation }]
}

export function exit(state: Stopping, { process }: On<'exit'>): Step {
  return proceed(exited(state, process), [])
}

/** A process whose launch failed while another failure was being cleaned up. */
export function launchFailed(state: Stopping, { process }: On<'launch-failed'>): Step {
  return proceed(exited(state, process), [])
}

function exited(state: Stopping, process: ProcessName): Stopping {
  if (process === 'runtime') return { ...state, runtime: false }
  return { ...state, extensions: markExited(state.extensions, process) }
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
  if (extension.shutdownSent && extension.poll === null) {
    const finished = { ...state, extensions: replace(state.extensions, extension, { poll: call }) }
    return extension.alive ? [finished, kill(processOf(extension))] : [finished]
  }
  const refusal = mayPoll(extension)
  if (refusal) return [state, { do: 'reply', call, reply: refusal }]
  if (state.step === 'extensions' && extension.events.includes('SHUTDOWN')) {
    const extensions = replace(state.extensions, extension, { state: 'Ready', shutdownSent: true })
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
  return [{ ...state, ...dropPoll(state, call) }]
}

export function graceOver(state: Stopping): Step {
  return state.runtime ? [state, kill('runtime')] : [state]
}

export function budgetOver(state: Stopping): Step {
  const effects: Effect[] = state.runtime ? [kill('runtime')] : []
  for (const extension of state.extensions) {
    if (extension.external && extension.alive) effects.push(kill(processOf(extension)))
  }
  return [{ ...state, step: 'extensions' }, ...effects, { do: 'arm', timer: 'give-up', ms: killWaitMs }]
}

/** A process in uninterruptible sleep ignores SIGKILL and is left behind. */
export function givenUp(state: Stopping): Step {
  const extensions = state.extensions.map((extension) => ({ ...extension, alive: false }))
  return finishStop({ ...state, runtime: false, extensions }, [])
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
    ...finishInvocation(id, verdict({ kind: 'shutdown' }), false),
  ]
}
