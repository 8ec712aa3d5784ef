/**
 * Stopping: the processes of one generation end. How it begins, and the way out of it, stand in `enter.ts`.
 *
 * Without extensions every process group is killed at once. With extensions the runtime gets SIGTERM and its share of
 * the budget, telemetry that extensions subscribed to is delivered, then the external extensions that asked for it get
 * SHUTDOWN and the rest of the budget; what is left is killed. Requests that are parked stay parked, as on the service,
 * and are refused when all processes have ended.
 */

import { type Effects, finishInvocation } from './effect.ts'
import { finishStop, proceed, shutDownExtensions } from './enter.ts'
import type { On } from './event.ts'
import { identify, markExited, pollRefusal, processOf } from './extensions.ts'
import { illegal, verdict } from './failure.ts'
import { killWaitMs } from './limits.ts'
import type { LifecycleState, Stopping } from './state.ts'

export { extensionExitError, extensionInitError, gone } from './reports.ts'

/** The end of a process, or a launch that failed while another failure was being cleaned up. */
export function exit(
  state: Stopping,
  { process }: On<'exit' | 'launch-failed'>,
  out: Effects,
): LifecycleState {
  if (process === 'runtime') state.runtime = false
  else markExited(state.extensions, process)
  return proceed(state, out)
}

/** On the service `/next` hangs while SIGTERM is on its way, so it does here. */
export function runtimeNext(state: Stopping, { call }: On<'runtime/next'>, out: Effects): Stopping {
  if (state.runtimeState === 'InitError') out.reply(call, illegal('runtime', 'InitError', 'Ready'))
  else state.polls.push(call)
  return state
}

/** The poll before SHUTDOWN gets the event; a poll after it says that the extension has finished. */
export function extensionNext(state: Stopping, { call, id }: On<'extension/next'>, out: Effects): Stopping {
  const extension = identify(state.extensions, id, 'next')
  if ('kind' in extension) {
    out.reply(call, extension)
    return state
  }
  if (extension.shutdownSent && extension.poll === null) {
    extension.poll = call
    if (extension.alive) out.signal(processOf(extension), 'SIGKILL')
    return state
  }
  const refusal = pollRefusal(extension)
  if (refusal !== null) {
    out.reply(call, refusal)
    return state
  }
  extension.state = 'Ready'
  if (state.step === 'extensions' && extension.events.includes('SHUTDOWN')) {
    extension.shutdownSent = true
    out.reply(call, { kind: 'shutdown-event', reason: state.reason })
  } else {
    extension.poll = call
  }
  return state
}

/** The flush against the end of the budget: the first of them decides; the extensions get SHUTDOWN, or SIGKILL, once. */
export function flushed(state: Stopping, { generation }: On<'flushed'>, out: Effects): LifecycleState {
  return state.step === 'flush' && generation === state.generation ? shutDownExtensions(state, out) : state
}

export function graceOver(state: Stopping, _: On<'grace-over'>, out: Effects): Stopping {
  if (state.runtime) out.signal('runtime', 'SIGKILL')
  return state
}

export function budgetOver(state: Stopping, _: On<'budget-over'>, out: Effects): Stopping {
  state.step = 'extensions'
  if (state.runtime) out.signal('runtime', 'SIGKILL')
  for (const extension of state.extensions) {
    if (extension.external && extension.alive) out.signal(processOf(extension), 'SIGKILL')
  }
  out.arm('kill-wait', killWaitMs)
  return state
}

/** A process in uninterruptible sleep ignores SIGKILL and is left behind. */
export function killWaitOver(state: Stopping, _: On<'kill-wait-over'>, out: Effects): LifecycleState {
  return finishStop(state, out)
}

/** A stop while a reset runs: the reset goes on, but nothing starts after it. */
export function stop(state: Stopping, _: On<'stop'>, out: Effects): Stopping {
  const { afterwards } = state
  state.afterwards = { to: 'stopped' }
  if (afterwards.to !== 'starting') return state
  for (const id of afterwards.waiting) {
    out.settle(id, { kind: 'shutdown' })
    finishInvocation(id, verdict({ kind: 'shutdown' }), false, out)
  }
  return state
}
