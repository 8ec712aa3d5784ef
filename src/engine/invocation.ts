/** An invocation inside the engine: what its caller gave, and how the caller is told. */

import type { Outcome, Payload } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { Report } from './ports.ts'

/** Takes the pieces of a stream. */
export interface Receiver {
  /** False: write no more until `onDrain`, and leave the bytes as they are until then. */
  write(bytes: Uint8Array): boolean
  onDrain: (() => void) | null
}

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
  /**
   * Which responses it takes piece by piece: none, which is the default, those that the runtime declares to be streams,
   * or all that come in chunks. Go's client does not declare its streams.
   */
  readonly streams?: 'never' | 'declared' | 'chunked'
  /**
   * Where the pieces go, at its pace and without passing through the rules; null before `begin`, and for one that never
   * streams.
   */
  readonly receiver?: Receiver | null
  /** The first piece of a response is there; `receiver` is, when this returns. Called at most once, before `settle`. */
  begin?(contentType: string): void
  /** Nobody waits for it: it has no place among those that may wait, and runs while the pool drains. */
  readonly asynchronous?: boolean
  /** An environment takes it, or fails to be made for it; called once, before anything else is told of it. */
  placed?(): void
  /** Answers the caller, or ends what was begun; called once. */
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
