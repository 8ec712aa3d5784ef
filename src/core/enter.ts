/** How a phase begins: what leads from one phase into another stands here, so that no phase imports another. */

import { type Effects, recordStart } from './effect.ts'
import { type Extension, processOf } from './extensions.ts'
import { illegal } from './failure.ts'
import type { Generation, RequestId } from './ids.ts'
import { waiting as newInvocation } from './inflight.ts'
import { killWaitMs, shutdownBudget } from './limits.ts'
import type { Mode } from './mode.ts'
import {
  isFree,
  type LifecycleState,
  type NextPhase,
  type Restoring,
  type Serving,
  type ShutdownReason,
  type Starting,
  type Stopping,
} from './state.ts'

type Attempt = Pick<Starting, 'attempt' | 'last'>

export function firstAttempt({ retry }: Mode): Attempt {
  return { attempt: 'init', last: retry === 'none' }
}

/** The attempt that follows one that failed. */
export function afterFailure({ retry }: Mode): Attempt {
  return { attempt: retry === 'invoke' ? 'invoke' : 'init', last: true }
}

/** A new generation of processes. An attempt inside its invocation has the function timeout, which starts here. */
export function launch(
  generation: Generation,
  { attempt, last }: Attempt,
  waiting: readonly RequestId[],
  out: Effects,
): Starting {
  const [first] = waiting
  if (attempt === 'invoke' && first !== undefined) out.armDeadline(first)
  else out.arm('init')
  out.record({ type: 'init-start', phase: attempt })
  out.discover()
  return {
    phase: 'starting',
    generation: (generation + 1) as Generation,
    attempt,
    last,
    waiting: [...waiting],
    runtime: 'absent',
    failure: null,
    polls: [],
    extensions: [],
  }
}

/**
 * From starting: all are ready. The invocations that the start was for are delivered; those for which the runtime has
 * no poll wait elsewhere, where another environment may take them.
 */
export function serve(
  {
    generation,
    polls,
    extensions,
    waiting,
  }: Pick<Starting, 'generation' | 'polls' | 'extensions' | 'waiting'>,
  out: Effects,
  mode: Mode,
): Serving {
  const state: Serving = {
    phase: 'serving',
    generation,
    polls,
    inflight: [],
    extensions,
    exited: null,
    owed: 0,
    late: [],
  }
  for (const id of waiting) {
    if (isFree(state, mode)) admit(state, id, out)
    else out.giveBack(id)
  }
  return state
}

/** The runtime is let go. One whose poller went away is told when it asks again. */
export function beginRestore(state: Restoring, out: Effects): void {
  out.record({ type: 'restore-start' })
  out.arm('restore')
  for (const poll of state.polls.splice(0)) out.reply(poll, { kind: 'restore' })
}

/** Delivers an invocation to the runtime and its extensions; without a parked poll it waits for the next one. */
export function admit(state: Serving, id: RequestId, out: Effects): void {
  const entry = newInvocation(id)
  state.inflight.push(entry)
  const poll = state.polls.shift()
  if (poll !== undefined) entry.stage = 'running'
  out.armDeadline(id)
  if (poll === undefined) return
  recordStart(id, out)
  out.reply(poll, { kind: 'invocation', id })
  notify(state.extensions, id, out)
}

/** Every extension that subscribed to INVOKE gets the event now, or with its next poll if the poller went away. */
export function notify(all: readonly Extension[], id: RequestId, out: Effects): void {
  for (const extension of all) {
    if (extension.state !== 'Ready' || !extension.events.includes('INVOKE')) continue
    const { poll } = extension
    extension.state = 'Running'
    extension.poll = null
    if (poll === null) extension.pendingInvoke = id
    else out.reply(poll, { kind: 'invoke-event', id })
  }
}

/**
 * From starting or serving; the caller of an invocation has been answered before. `runtimeState` is for the text of
 * refusals; `runtimeGone` says that the runtime's process has ended already. What no process has to be waited for is
 * done at once, so that the next state may be cold, starting or stopped.
 */
export function beginStop(
  from: Starting | Restoring | Serving,
  runtimeState: string,
  reason: ShutdownReason,
  afterwards: NextPhase,
  out: Effects,
  runtimeGone = false,
): LifecycleState {
  const runtime = from.phase === 'starting' ? from.runtime !== 'absent' : !runtimeGone
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
  out.record({ type: 'shutdown', reason })
  if (extensions.length === 0) {
    if (!runtime) return finishStop(state, out)
    state.step = 'extensions'
    out.signal('runtime', 'SIGKILL')
    out.arm('kill-wait', killWaitMs)
    return state
  }
  const external = extensions.some((extension) => extension.external)
  out.arm('budget', external ? shutdownBudget.external : shutdownBudget.internal)
  if (!runtime) return flush(state, out)
  out.signal('runtime', 'SIGTERM')
  if (external) out.arm('grace', shutdownBudget.runtime)
  return state
}

/** The second step: what waits for extensions that subscribed to telemetry is delivered while they live. */
function flush(state: Stopping, out: Effects): LifecycleState {
  if (!state.extensions.some(({ subscribed, external, alive }) => subscribed && external && alive)) {
    return shutDownExtensions(state, out)
  }
  state.step = 'flush'
  out.flush(shutdownBudget.flush)
  return state
}

/** The last step: SHUTDOWN to the external extensions that asked for it, SIGKILL to the others. */
export function shutDownExtensions(state: Stopping, out: Effects): LifecycleState {
  state.step = 'extensions'
  for (const extension of state.extensions) {
    if (!extension.external || !extension.alive) continue
    const { poll } = extension
    const wants = extension.events.includes('SHUTDOWN')
    // an extension that reported an error never polls again, so SHUTDOWN could not reach it
    const able =
      extension.state === 'Ready' || extension.state === 'Running' || extension.state === 'Registered'
    if (!wants || !able) {
      out.signal(processOf(extension), 'SIGKILL')
    } else if (poll !== null) {
      extension.poll = null
      extension.shutdownSent = true
      out.reply(poll, { kind: 'shutdown-event', reason: state.reason })
    }
  }
  return proceed(state, out)
}

/** Goes on to the next step, or out of the phase, when the processes of this step have ended. */
export function proceed(state: Stopping, out: Effects): LifecycleState {
  if (state.runtime) return state
  if (state.step === 'runtime') {
    out.disarm('grace')
    return flush(state, out)
  }
  if (state.step === 'flush') return state
  return state.extensions.some(({ external, alive }) => external && alive) ? state : finishStop(state, out)
}

/** All processes have ended: their groups are released, parked requests are refused, and the next phase begins. */
export function finishStop(state: Stopping, out: Effects): LifecycleState {
  const { generation, afterwards } = state
  out.disarm('grace')
  out.disarm('budget')
  out.disarm('kill-wait')
  out.releaseProcesses()
  for (const call of state.polls) out.reply(call, illegal('runtime', 'Stopped', 'Ready'))
  for (const { id, poll } of state.extensions) {
    if (poll !== null) out.reply(poll, illegal(`extension ${id}`, 'Stopped', 'Ready'))
  }
  switch (afterwards.to) {
    case 'stopped':
      return { phase: 'stopped', generation }
    case 'cold':
      return { phase: 'cold', generation, retry: afterwards.retry }
    case 'starting':
      return launch(generation, afterwards, afterwards.waiting, out)
  }
}
