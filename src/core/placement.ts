/**
 * Which environment takes an invocation. Like the service: one that is free, else a new one as long as the limit
 * allows, else the invocation waits in arrival order; an environment never serves two tenants.
 */

/** What placement has to know of an environment. */
export interface Candidate {
  /** it could take an invocation at once */
  readonly free: boolean
  /** an invocation may be bound to it: it is free, or will start or is starting for nobody */
  readonly open: boolean
  /** the tenant that it serves; null for invocations without one, undefined before its first invocation */
  readonly tenant: string | null | undefined
}

export type Placement<C extends Candidate> =
  | { readonly do: 'assign'; readonly environment: C }
  | { readonly do: 'create' }
  /** the limit is reached, and this idle environment belongs to another tenant: it makes room */
  | { readonly do: 'retire'; readonly environment: C }
  | { readonly do: 'wait' }

const create = { do: 'create' } as const
const wait = { do: 'wait' } as const

/**
 * Free environments first, in the order of their age, so that the youngest idle long enough to be stopped; then one
 * that is cold or starting for nobody; then a new one. An environment that starts is bound to the invocation that it
 * starts for, so no more are started than are waited for.
 */
export function place<C extends Candidate>(
  environments: readonly C[],
  limit: number,
  tenant: string | null,
): Placement<C> {
  let open: C | undefined
  let foreign: C | undefined
  for (const environment of environments) {
    if (environment.tenant === undefined || environment.tenant === tenant) {
      if (environment.free) return { do: 'assign', environment }
      if (open === undefined && environment.open) open = environment
    } else if (foreign === undefined && environment.open) {
      foreign = environment
    }
  }
  if (open !== undefined) return { do: 'assign', environment: open }
  if (environments.length < limit) return create
  return foreign === undefined ? wait : { do: 'retire', environment: foreign }
}

/**
 * Whether an invocation may join the queue. `limit` is how many may wait for an environment that exists; 0 refuses at
 * once when none can be had, as the service does.
 */
export const mayWait = (waiting: number, limit: number): boolean => waiting < limit
