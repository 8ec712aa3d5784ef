/** Functions as their callers reach them. */

import type { RequestId } from '../core/ids.ts'
import type { Acceptance, WaitingEvents } from '../engine/async-events.ts'
import type { DurableFunction } from '../engine/durable.ts'
import type { EventRequest } from '../engine/event-invocation.ts'
import type { Failure } from '../engine/last-failure.ts'
import type { Pool } from '../engine/pool.ts'

/** One function. */
export interface ServedFunction {
  readonly name: string
  readonly pool: Pool
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly arn: string
  readonly version: string
  readonly timeoutMs: number
  /** environments run several invocations at a time */
  readonly managed: boolean
  /** the limits of the pool, shown as they are */
  readonly limits: { readonly maxEnvironments: number; readonly maxQueue: number }
  /** events without a waiting caller that wait for an environment or for another try */
  readonly asyncEvents: WaitingEvents
  /** why the function is not initialised, if it should be */
  readonly lastFailure: { readonly value: Failure | null }
  /** null: it is an ordinary function */
  readonly durable: DurableFunction | null
  /** An invocation of this id waits, runs, or is an event that has not ended. */
  has(id: RequestId): boolean
  /** Takes an event whose caller does not wait. */
  accept(event: EventRequest): Acceptance
}

/** What one gateway serves: a function that every name means, or functions by their names. */
export type ServedFunctions = OneFunction | NamedFunctions

export interface OneFunction {
  readonly only: ServedFunction
}

export interface NamedFunctions {
  readonly only: null
  readonly all: readonly ServedFunction[]
  /** By a name without account and qualifier; null: there is none. */
  find(name: string): ServedFunction | null
  /** ARN of a function of this name, whether there is one or not */
  arnOf(name: string): string
}
