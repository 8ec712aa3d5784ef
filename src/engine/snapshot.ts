/** What an environment is doing, in words for people, for `/_rie/state`, and for the figures. */

import type { RequestId } from '../core/ids.ts'
import type { LifecycleState } from '../core/lifecycle.ts'
import type { Environment } from './environment.ts'

/**
 * `cold`: nothing runs; `starting`: it initialises; `idle`: it could take an invocation; `busy`: one runs, or the runtime
 * or an extension has not asked for the next event yet; `stopping`: its processes are ending.
 */
export type Activity = 'cold' | 'starting' | 'idle' | 'busy' | 'stopping'

export const activities = ['cold', 'starting', 'idle', 'busy', 'stopping'] as const satisfies Activity[]

export interface EnvironmentSnapshot {
  readonly id: number
  readonly state: Activity
  readonly phase: string
  readonly free: boolean
  /** the invocations that run here or that this start is for */
  readonly invocations: readonly RequestId[]
  /** those of them whose response goes to its caller as it comes, and has begun */
  readonly streaming: readonly RequestId[]
  /** how often its processes have been started */
  readonly starts: number
  readonly extensions: readonly { readonly name: string; readonly state: string }[]
  /** process ids by name */
  readonly processes: Readonly<Record<string, number>>
  readonly tenant: string | null
  readonly memoryBytes: number
  /** milliseconds since its last invocation; 0 unless it is idle */
  readonly idleMs: number
}

export function snapshot(environment: Environment, now: number): EnvironmentSnapshot {
  const { state } = environment
  const { free } = environment
  return {
    id: environment.id,
    state: activity(state),
    phase: state.phase,
    free,
    invocations: invocationsOf(state),
    streaming: streamingOf(state),
    starts: state.generation,
    extensions:
      'extensions' in state ? state.extensions.map((one) => ({ name: one.name, state: one.state })) : [],
    processes: environment.pids(),
    tenant: environment.tenant ?? null,
    memoryBytes: environment.memory,
    idleMs: free && environment.vacant ? Math.round(now - environment.idleSince) : 0,
  }
}

function invocationsOf(state: LifecycleState): readonly RequestId[] {
  if (state.phase === 'serving') return state.inflight.map(({ id }) => id)
  if (state.phase === 'starting' || state.phase === 'restoring') return [...state.waiting]
  return state.phase === 'stopping' && state.afterwards.to === 'starting' ? state.afterwards.waiting : []
}

function streamingOf(state: LifecycleState): RequestId[] {
  if (state.phase !== 'serving') return []
  return state.inflight.filter(({ stage, begun }) => begun && stage === 'responding').map(({ id }) => id)
}

export function activity(state: LifecycleState): Activity {
  switch (state.phase) {
    case 'cold':
    case 'starting':
      return state.phase
    case 'restoring':
      return state.waiting.length === 0 ? 'idle' : 'starting'
    case 'serving':
      return state.inflight.length === 0 ? 'idle' : 'busy'
    case 'stopping':
    case 'stopped':
      return 'stopping'
  }
}
