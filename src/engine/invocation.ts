import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Report } from './ports.ts'

/** One invocation as the engine carries it from its caller to the runtime and back. */
export interface Invocation {
  readonly id: RequestId
  readonly payload: Payload
  /** with the qualifier, if the caller gave one */
  readonly arn: string
  readonly traceId: string
  /** decoded, as ASCII JSON */
  readonly clientContext: string | null
  /** of Cognito, as ASCII JSON */
  readonly cognitoIdentity: string | null
  readonly tenant: string | null
  /** the caller wants the last 4 KB of the log */
  readonly tail: boolean
  /** Answers the caller; called once. */
  settle(outcome: Outcome): void
  /** Called when REPORT has been written, with the tail of the log if that was asked for. */
  over?(tail: Uint8Array | null, report: Report): void
  /** monotonic milliseconds of its START; 0 before */
  startedAt: number
  /** Unix milliseconds at which the function timeout ends; 0 before the event is delivered */
  deadline: number
  /** a UUID of the delivery to a runtime, which an answer may echo; null before the event is delivered */
  deliveryId: string | null
}
