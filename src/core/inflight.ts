/** The list of invocations in flight, and the serving state around it. */

import type { Effect } from './effect.ts'
import type { Verdict } from './failure.ts'
import type { RequestId } from './ids.ts'
import type { Inflight, Serving } from './state.ts'

/** A step of `serving` that is being put together. */
export type Draft = [Serving, ...Effect[]]

/** The state of the same start with these in it. */
export function rebuild(
  { generation }: Serving,
  polls: Serving['polls'],
  inflight: Serving['inflight'],
  extensions: Serving['extensions'],
): Serving {
  return { phase: 'serving', generation, polls, inflight, extensions }
}

export function find({ inflight }: Serving, id: RequestId): Inflight | undefined {
  for (const entry of inflight) if (entry.id === id) return entry
  return undefined
}

export function staged(
  { id, verdict, exited }: Inflight,
  stage: Inflight['stage'],
  end: Verdict | null = verdict,
): Inflight {
  return { id, stage, verdict: end, exited }
}

/** The same list with `by` in place of `old`. */
export function swap(inflight: readonly Inflight[], old: Inflight, by: Inflight): readonly Inflight[] {
  return inflight.length === 1 ? [by] : inflight.map((entry) => (entry === old ? by : entry))
}

const stageNames = {
  waiting: 'Ready',
  running: 'Running',
  responding: 'InvocationResponse',
  erroring: 'InvocationErrorResponse',
  responded: 'RuntimeResponseSentState',
} as const

/** A runtime that has answered and polled is Ready again, even while extensions are still at work. */
export function stageName(state: Serving, { stage }: Inflight): string {
  return stage === 'responded' && state.polls.length > 0 ? 'Ready' : stageNames[stage]
}

/** The state of the runtime under its name in the reference's messages. */
export function runtimeState(state: Serving): string {
  const [entry] = state.inflight
  return entry ? stageName(state, entry) : 'Ready'
}
