/** What can happen to an execution environment. */

import type { Registration } from './extensions.ts'
import type { ExitStatus, Fault, Payload, ProcessName, TelemetryApi } from './failure.ts'
import type { ApiCallId, ExtensionId, Generation, RequestId } from './ids.ts'

/** How the upload of a response or error ended. `bytes` of an oversize one is its whole size, as far as that is known. */
export type UploadResult =
  | { readonly kind: 'complete'; readonly payload: Payload; readonly contentType: string | null }
  /** `limit` is the one that it passed, in bytes, if that is not the one of buffered responses */
  | { readonly kind: 'oversize'; readonly bytes: number; readonly limit?: number }
  | { readonly kind: 'truncated' }
  /** the trailers of an error followed the body; type and document as in the outcome `broken-stream` */
  | {
      readonly kind: 'trailers'
      readonly payload: Payload | null
      readonly contentType: string | null
      readonly errorType: string | null
      readonly sentType?: string
      readonly document: Payload | null
    }

/** Everything that can happen to an environment. `call` is the HTTP request that waits for a `reply`. */
export type Event =
  /** initialise without an invocation */
  | { readonly type: 'start' }
  | { readonly type: 'invoke'; readonly id: RequestId }
  /** the extensions that are to be started, or why there can be none of them started */
  | { readonly type: 'discovered'; readonly extensions: readonly string[] }
  | { readonly type: 'launch-failed'; readonly process: ProcessName; readonly fault: Fault }
  | { readonly type: 'exit'; readonly process: ProcessName; readonly status: ExitStatus }
  /** `concurrentPoll`: another poll of the runtime was parked when it came, so it does not ask for a lost event */
  | { readonly type: 'runtime/next'; readonly call: ApiCallId; readonly concurrentPoll?: boolean }
  | {
      readonly type: 'runtime/response'
      readonly call: ApiCallId
      readonly id: RequestId
      readonly mode: string | null
    }
  | {
      readonly type: 'runtime/error'
      readonly call: ApiCallId
      readonly id: RequestId
      readonly errorType: string | null
    }
  /** the first bytes of a response came that is handed on as it comes; only of one whose caller takes it so */
  | {
      readonly type: 'runtime/streaming'
      readonly id: RequestId
      readonly contentType: string
    }
  /** the upload of a response or error has ended; of one that was handed on, `received` has none of its bytes */
  | {
      readonly type: 'runtime/received'
      readonly call: ApiCallId
      readonly id: RequestId
      readonly errorType: string | null
      readonly received: UploadResult
    }
  | {
      readonly type: 'runtime/init-error'
      readonly call: ApiCallId
      readonly errorType: string
      /** null: too large */
      readonly document: Payload | null
    }
  /** it has initialised, and waits to be restored */
  | { readonly type: 'runtime/restore-next'; readonly call: ApiCallId }
  | {
      readonly type: 'runtime/restore-error'
      readonly call: ApiCallId
      readonly errorType: string
      /** null: too large */
      readonly document: Payload | null
    }
  | { readonly type: 'extension/register'; readonly call: ApiCallId; readonly registration: Registration }
  | { readonly type: 'extension/next'; readonly call: ApiCallId; readonly id: ExtensionId }
  /** `errorType` is the type that it names, null if that is none of an extension */
  | {
      readonly type: 'extension/init-error' | 'extension/exit-error'
      readonly call: ApiCallId
      readonly id: ExtensionId
      readonly errorType: string | null
    }
  /** it wants the telemetry of this environment, and what it asks for is in order */
  | {
      readonly type: 'extension/subscribe'
      readonly call: ApiCallId
      readonly id: ExtensionId
      readonly api: TelemetryApi
    }
  /** the peer of a parked request went away */
  | { readonly type: 'gone'; readonly call: ApiCallId }
  | { readonly type: 'init-limit' }
  /** the time for a restore and the hooks after it has passed */
  | { readonly type: 'restore-limit' }
  /** the end of a process was waited for, and did not come */
  | { readonly type: 'exit-wait-over' }
  | { readonly type: 'deadline'; readonly id: RequestId }
  /** telemetry has been delivered as far as there was time, in a shutdown of this generation */
  | { readonly type: 'flushed'; readonly generation: Generation }
  /** the runtime's share of the shutdown budget has passed */
  | { readonly type: 'grace-over' }
  /** the whole shutdown budget has passed */
  | { readonly type: 'budget-over' }
  /** processes are still there although SIGKILL was sent long ago */
  | { readonly type: 'kill-wait-over' }
  /**
   * New processes are to serve: those in which nothing runs end as a spindown, and the next start runs what is there
   * then.
   */
  | { readonly type: 'recycle' }
  /** end for good; running invocations are aborted */
  | { readonly type: 'stop' }

/** The event of one type. */
export type On<T extends Event['type']> = Extract<Event, { type: T }>
