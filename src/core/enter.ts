/** How a phase begins: what leads from one phase into another stands here, so that no phase imports another. */

import { type Effect, kill, recordStart, type Step } from './effect.ts'
import { type Extension, processOf } from './extensions.ts'
import { illegal, type Refusal } from './failure.ts'
import type { Generation, RequestId } from './ids.ts'
import { type Draft, rebuild, staged } from './inflight.ts'
import { killWaitMs, shutdownBudget } from './limits.ts'
import type { Inflight, InitPhase, NextPhase, Serving, ShutdownReason, Starting, Stopping } from './state.ts'

/** A new generation of processes. The second attempt runs inside its invocation, so the function timeout starts here. */
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

/** From starting: all are ready. The invocation that caused the start, if one did, is delivered. */
export function serve({ generation, polls, extensions, waiting }: Starting): Step {
  const state: Serving = { phase: 'serving', generation, polls, inflight: [], extensions }
  return waiting === null ? [state] : admit(state, waiting)
}

/**
 * Delivers an invocation to the runtime and its extensions; without a parked poll it waits for the next one. START is
 * written when the event is delivered.
 */
export function admit(state: Serving, id: RequestId): Step {
  const { polls, inflight, extensions } = state
  const entry: Inflight = { id, stage: 'waiting', verdict: null, exited: null }
  const arm: Effect = { do: 'arm-deadline', id }
  const poll = polls[0]
  if (poll === undefined) return [rebuild(state, polls, [...inflight, entry], extensions), arm]
  const step: Draft = [
    state,
    arm,
    recordStart(id),
    { do: 'reply', call: poll, reply: { kind: 'invocation', id } },
  ]
  const notified = notify(extensions, id, step)
  step[0] = rebuild(state, polls.slice(1), [...inflight, staged(entry, 'running')], notified)
  return step
}

/** Every extension that subscribed to INVOKE gets the event now, or with its next poll if the poller went away. */
export function notify(all: readonly Extension[], id: RequestId, step: Draft): readonly Extension[] {
  if (all.length === 0) return all
  return all.map((extension) => {
    if (!extension.events.includes('INVOKE') || extension.state !== 'Ready') return extension
    if (extension.poll === null) return { ...extension, state: 'Running', pendingInvoke: id }
    step.push({ do: 'reply', call: extension.poll, reply: { kind: 'invoke-event', id } })
    return { ...extension, state: 'Running', poll: null }
  })
}

/**
 * From starting or serving. `before` are the effects that come first, the caller's answer above all. `runtimeState` is
 * for the text of refusals; `runtimeGone` says that the runtime's process has ended already. What no process has to be
 * waited for is done at once, so that the next state may be cold, starting or stopped.
 */
export function beginStop(
  from: Starting | Serving,
  runtimeState: string,
  reason: ShutdownReason,
  afterwards: NextPhase,
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
    if (!runtime) return finishStop(state, effects)
    effects.push(kill('runtime'), { do: 'arm', timer: 'give-up', ms: killWaitMs })
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

/** The second step: SHUTDOWN to the external extensions that asked for it, SIGKILL to the others. */
function shutDownExtensions(from: Stopping, effects: Effect[]): Step {
  const extensions = from.extensions.map((extension) => {
    if (!extension.external || !extension.alive) return extension
    const wants = extension.events.includes('SHUTDOWN')
    // an extension that reported an error never polls again, so SHUTDOWN could not reach it
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
    return { ...extension, poll: null, shutdownSent: true }
  })
  return proceed({ ...from, step: 'extensions', extensions }, effects)
}

/** Goes on to the next step, or out of the phase, when the processes of this step have ended. */
export function proceed(state: Stopping, effects: Effect[]): Step {
  if (state.runtime) return [state, ...effects]
  if (state.step === 'runtime')
    return shutDownExtensions(state, [...effects, { do: 'disarm', timer: 'grace' }])
  if (state.extensions.some((extension) => extension.external && extension.alive)) return [state, ...effects]
  return finishStop(state, effects)
}

/** All processes have ended: their groups are swept, parked requests are refused, and the next phase begins. */
export function finishStop(state: Stopping, effects: readonly Effect[]): Step {
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
