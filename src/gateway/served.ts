/** A function as its callers reach it. */

import type { RequestId } from '../core/ids.ts'
import type { Acceptance, EventRequest } from '../engine/async-events.ts'
import type { DurableFunction } from '../engine/durable.ts'
import type { Pool } from '../engine/pool.ts'

export interface ServedFunction {
  readonly pool: Pool
  /** `arn:aws:lambda:REGION:ACCOUNT:function:NAME` */
  readonly arn: string
  readonly version: string
  readonly timeoutMs: number
  /** null: it is an ordinary function */
  readonly durable: DurableFunction | null
  /** An invocation of this id waits, runs, or is an event that has not ended. */
  has(id: RequestId): boolean
  /** Takes an event whose caller does not wait. */
  accept(event: EventRequest): Acceptance
}
