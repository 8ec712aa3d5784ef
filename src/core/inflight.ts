/** The invocations in flight of a serving environment, and what they say of its runtime. */

import type { RequestId } from './ids.ts'
import type { Inflight, Serving } from './state.ts'

/** A new invocation, not delivered yet. */
export const waiting = (id: RequestId): Inflight => ({ id, stage: 'waiting', begun: false, verdict: null })

export function find({ inflight }: Serving, id: RequestId): Inflight | undefined {
  for (const entry of inflight) if (entry.id === id) return entry
  return undefined
}

/** The first one at this stage. */
export function findAt({ inflight }: Serving, stage: Inflight['stage']): Inflight | undefined {
  for (const entry of inflight) if (entry.stage === stage) return entry
  return undefined
}

export function remove({ inflight }: Serving, entry: Inflight): void {
  // mostly it is the only one, and `splice` would make a list of what it takes out
  const last = inflight.pop()
  if (last === undefined || last === entry) return
  inflight.push(last)
  inflight.splice(inflight.indexOf(entry), 1)
}

/** The runtime's answer to it is being read. */
export const isRead = ({ stage }: Inflight): boolean => stage === 'responding' || stage === 'erroring'

const stageNames = {
  waiting: 'Ready',
  running: 'Running',
  responding: 'InvocationResponse',
  erroring: 'InvocationErrorResponse',
  broken: 'RuntimeResponseSentState',
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
