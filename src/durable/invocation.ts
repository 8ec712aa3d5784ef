/** One invocation of a run's function, as the engine carries it. Nobody waits for it: it takes its turn beside callers. */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Invocation } from '../engine/invocation.ts'
import { encoded } from '../http/collect.ts'

export interface RunInvocationParts {
  readonly id: string
  readonly event: string
  /** with its version */
  readonly arn: string
  readonly traceId: string
  readonly tenantId: string | null
  /** It is handed to an environment. */
  placed(): void
  settle(outcome: Outcome): void
}

export class RunInvocation implements Invocation {
  readonly id: RequestId
  readonly payload: Payload
  readonly arn: string
  readonly traceId: string
  readonly clientContext = null
  readonly cognitoIdentity = null
  readonly tenant: string | null
  readonly tail = false
  readonly asynchronous = true
  startedAt = 0
  deadline = 0
  deliveryId: string | null = null
  readonly placed: () => void
  readonly settle: (outcome: Outcome) => void

  constructor({ id, event, arn, traceId, tenantId, placed, settle }: RunInvocationParts) {
    this.id = id as string as RequestId
    this.payload = encoded(event)
    this.arn = arn
    this.traceId = traceId
    this.tenant = tenantId
    this.placed = placed
    this.settle = settle
  }
}
