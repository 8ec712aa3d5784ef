/**
 * Which environment takes an invocation, when another one is made, and when one is stopped: decided here from plain
 * data and the time, performed by the pool. All times are monotonic milliseconds.
 *
 * Like the service: an invocation gets an environment that is free, else a new one as long as the limit allows, else it
 * waits in arrival order; an environment never serves two tenants. Unlike the service, an environment that is about to
 * be free is waited for a moment: for a caller that comes back at once that is sooner than another one could start. Not
 * for longer, because an extension may go on for seconds after the answer.
 */

import { patienceMs } from './limits.ts'

/** What placement has to know of an environment. */
export interface Candidate {
  /** it can take an invocation at once */
  readonly free: boolean
  /** an invocation may be bound to it: it is free, cold, or starting without one */
  readonly open: boolean
  /** no invocation runs there, and none waits for its start */
  readonly vacant: boolean
  /** the tenant that it serves; null for invocations without one, undefined before its first invocation */
  readonly tenant: string | null | undefined
  /** no invocation needs it any more, and it will be open again by itself: after an answer, or after a failure */
  readonly recovering: boolean
  /** it is being stopped for good, or will be when nothing runs there, and makes room for another */
  readonly leaving: boolean
  /** it initialises, and will have several slots */
  readonly filling: boolean
}

/** An invocation that looks for an environment. */
export interface Applicant {
  readonly tenant: string | null
  /** when it arrived */
  readonly since: number
  /** how many wait before it, and how many of them are of its tenant */
  readonly ahead: number
  readonly rivals: number
}

/** What holds for all of them. */
export interface PlacementLimits {
  /** most environments */
  readonly limit: number
  /** none can be made before this: the last attempt failed */
  readonly notBefore: number
  readonly now: number
}

export type Placement<C extends Candidate> =
  | { readonly do: 'assign'; readonly environment: C }
  | { readonly do: 'create' }
  /** the limit is reached, and this environment belongs to another tenant: it makes room, when nothing runs there */
  | { readonly do: 'retire'; readonly environment: C }
  /** ask again at `until`, or when an environment has changed; null: only then */
  | { readonly do: 'wait'; readonly until: number | null }

const create = { do: 'create' } as const
const wait = { do: 'wait', until: null } as const

/**
 * Free environments first, in the order of their age, so that the youngest idle long enough to be stopped; then one
 * that is cold or starting without an invocation; then a new one. An environment that starts is bound to the invocation
 * that it starts for, so no more are started than are waited for.
 */
export function place<C extends Candidate>(
  environments: readonly C[],
  applicant: Applicant,
  terms: PlacementLimits,
): Placement<C> {
  const { tenant } = applicant
  let open: C | undefined
  let foreign: C | undefined
  for (const environment of environments) {
    if (environment.tenant === undefined || environment.tenant === tenant) {
      if (environment.free) return { do: 'assign', environment }
      if (open === undefined && environment.open) open = environment
    } else if (environment.open && (!foreign || (environment.vacant && !foreign.vacant))) {
      foreign = environment
    }
  }
  if (open !== undefined) return { do: 'assign', environment: open }
  if (environments.length < terms.limit) return mayCreate(environments, applicant, terms)
  // an environment that leaves makes room for one
  if (foreign === undefined || count(environments, 'leaving') > applicant.ahead) return wait
  return { do: 'retire', environment: foreign }
}

/** Below the limit: another environment, unless one that is about to be free will do. */
function mayCreate<C extends Candidate>(
  environments: readonly C[],
  { tenant, since, rivals }: Applicant,
  { notBefore, now }: PlacementLimits,
): Placement<C> {
  // without any environment, try: nothing else would serve the queue
  if (environments.length === 0) return create
  if (now < notBefore) return { do: 'wait', until: notBefore }
  const soon = environments.filter(
    (one) => one.recovering && (one.tenant === tenant || one.tenant === undefined),
  )
  const until = since + patienceMs
  return soon.length <= rivals || until <= now ? create : { do: 'wait', until }
}

/** Whether any invocation could be placed now. While all environments are busy, the queue need not be looked at. */
export function couldPlace(
  environments: readonly Candidate[],
  { limit, notBefore, now }: PlacementLimits,
): boolean {
  const { length } = environments
  if (length === 0 || (length < limit && notBefore <= now)) return true
  for (const { open } of environments) if (open) return true
  return false
}

/**
 * Whether one more invocation may wait behind `others`. `limit` is how many may wait for an environment; 0 refuses at
 * once, as the service does. Those that wait for an environment that is about to be free, or to make room, do not
 * count, and none that wait for one whose slots are not known yet.
 */
export function mayWait(others: number, limit: number, environments: readonly Candidate[]): boolean {
  if (others < limit || environments.some(({ filling }) => filling)) return true
  return others < limit + count(environments, 'leaving') + count(environments, 'recovering')
}

function count(environments: readonly Candidate[], what: 'leaving' | 'recovering'): number {
  let all = 0
  for (const environment of environments) if (environment[what]) all++
  return all
}

/** What has to be known of an environment that runs several at a time, to tell whether it moves. */
export interface Moving extends Pick<Candidate, 'tenant'> {
  /** when it took an invocation last; null: it does not serve now, so it will change */
  readonly tookAt: number | null
}

/**
 * Until when an invocation waits for a slot: one that has waited for `patienceMs` while no environment that could take it
 * has taken any, waits for workers that hang. Null: an environment is about to change.
 */
export function waitsUntil(
  environments: readonly Moving[],
  { tenant, since }: Pick<Applicant, 'tenant' | 'since'>,
  patienceMs: number,
): number | null {
  const own = environments.filter((one) => one.tenant === tenant || one.tenant === undefined)
  let last = since
  for (const { tookAt } of own.length > 0 ? own : environments) {
    if (tookAt === null) return null
    last = Math.max(last, tookAt)
  }
  return last + patienceMs
}

/** What idle eviction has to know of an environment. */
export interface Idle {
  readonly free: boolean
  /** nothing runs there: with several slots one may be free beside an invocation */
  readonly vacant: boolean
  /** it has no processes, but still a listener */
  readonly cold: boolean
  /** its processes run, or start */
  readonly warm: boolean
  /** the end of its last invocation */
  readonly idleSince: number
}

/** The environments that have been idle for `ttlMs`, and when to ask again; null: when one becomes idle. */
export interface Eviction<C extends Idle> {
  readonly stop: readonly C[]
  readonly next: number | null
}

/** The oldest environment that is not cold is kept, however long it is idle. */
export function evict<C extends Idle>(environments: readonly C[], ttlMs: number, now: number): Eviction<C> {
  const kept = environments.find(({ warm }) => warm) ?? environments[0]
  const idle = environments.filter((one) => one !== kept && one.vacant && (one.free || one.cold))
  const stop = idle.filter(({ idleSince }) => idleSince + ttlMs <= now)
  const later = idle.filter((one) => !stop.includes(one)).map(({ idleSince }) => idleSince + ttlMs)
  return { stop, next: later.length === 0 ? null : Math.min(...later) }
}
