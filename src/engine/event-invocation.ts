/** An invocation whose caller does not wait, as the engine carries it: one try of an event, or one of a durable execution. */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Invocation } from './invocation.ts'

/** An event as its caller sent it. */
export type EventRequest = Pick<
  Invocation,
  'id' | 'payload' | 'arn' | 'traceId' | 'clientContext' | 'cognitoIdentity' | 'tenant'
>

/** An object of its own for each try of an event, since extensions may be busy with one when the next begins. */
export class EventInvocation implements Invocation {
  readonly id: RequestId
  readonly payload: Payload
  readonly arn: string
  readonly traceId: string
  readonly clientContext: string | null
  readonly cognitoIdentity: string | null
  readonly tenant: string | null
  readonly tail = false
  readonly asynchronous = true
  startedAt = 0
  deadline = 0
  deliveryId: string | null = null
  readonly placed: () => void
  readonly settle: (outcome: Outcome) => void

  constructor(request: EventRequest, { placed, settle }: { placed(): void; settle(outcome: Outcome): void }) {
    this.id = request.id
    this.payload = request.payload
    this.arn = request.arn
    this.traceId = request.traceId
    this.clientContext = request.clientContext
    this.cognitoIdentity = request.cognitoIdentity
    this.tenant = request.tenant
    this.placed = placed
    this.settle = settle
  }
}
