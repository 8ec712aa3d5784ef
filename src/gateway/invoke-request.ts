/**
 * One invocation on its way from its caller to the pool and back. How its caller is answered is up to a front: there are
 * several ways to ask for an invocation, and one way through the emulator.
 */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { EventRequest } from '../engine/event-invocation.ts'
import type { Invocation, Receiver } from '../engine/invocation.ts'
import { encoded } from '../http/collect.ts'
import { type InvokeParameters, newRequestId } from './request.ts'
import type { ServedFunction } from './served.ts'

/** Answers one caller in its way. */
export interface Front {
  /** The trace header of the invocation with this id, which may be another one than was asked for. */
  traceFor(id: RequestId): string
  /** Which responses it takes piece by piece. */
  readonly streams: NonNullable<Invocation['streams']>
  /** The first piece of one is there. Null when there is nobody to take it. */
  begin(request: InvokeRequest, contentType: string): Receiver | null
  /**
   * What the invocation came to, also after `begin`; called once. `log` is the end of its log, if it asked for that and
   * ran.
   */
  answer(request: InvokeRequest, outcome: Outcome, log: Uint8Array | null): void
}

/** What an invocation without a body is given: Node's client ends on an empty event. */
export const emptyObject: Payload = encoded('{}')

export class InvokeRequest implements Invocation {
  id: RequestId
  payload: Payload = emptyObject
  readonly arn: string
  traceId = ''
  readonly clientContext: string | null
  readonly cognitoIdentity: string | null
  readonly tenant: string | null
  /** the answer waits for REPORT only if the caller asked for the log */
  readonly tail: boolean
  startedAt = 0
  deadline = 0
  deliveryId: string | null = null
  readonly streams: NonNullable<Invocation['streams']>
  receiver: Receiver | null = null
  readonly #front: Front
  readonly #own: boolean
  #outcome: Outcome | null = null

  /** `functionArn` has no qualifier. `own` says that the id is the caller's. */
  constructor(
    functionArn: string,
    { qualifier, clientContext, cognitoIdentity, tenant, tail }: Omit<InvokeParameters, 'dialect' | 'type'>,
    id: RequestId,
    own: boolean,
    front: Front,
  ) {
    this.id = id
    this.arn = qualifier === null ? functionArn : `${functionArn}:${qualifier}`
    this.clientContext = clientContext
    this.cognitoIdentity = cognitoIdentity
    this.tenant = tenant
    this.tail = tail
    this.streams = front.streams
    this.#own = own
    this.#front = front
  }

  /** Hands it to the pool. */
  run(served: ServedFunction, payload: Payload): void {
    this.complete(served, payload)
    served.pool.invoke(this)
  }

  /** The same for an event whose caller does not wait: without what is there to answer that caller. */
  event(served: ServedFunction, payload: Payload): EventRequest {
    this.complete(served, payload)
    const { id, arn, traceId, clientContext, cognitoIdentity, tenant } = this
    return { id, payload: this.payload, arn, traceId, clientContext, cognitoIdentity, tenant }
  }

  private complete(served: ServedFunction, payload: Payload): void {
    // another request may have come with the same id while this body was read
    if (this.#own && served.has(this.id)) this.id = newRequestId()
    if (payload.size > 0) this.payload = payload
    this.traceId = this.#front.traceFor(this.id)
  }

  begin(contentType: string): void {
    this.receiver = this.#front.begin(this, contentType)
  }

  settle(outcome: Outcome): void {
    const neverRan = outcome.kind === 'throttled' || (outcome.kind === 'shutdown' && this.startedAt === 0)
    if (this.tail && !neverRan) this.#outcome = outcome
    else this.#front.answer(this, outcome, null)
  }

  over(log: Uint8Array | null): void {
    if (this.#outcome !== null) this.#front.answer(this, this.#outcome, log)
  }
}
