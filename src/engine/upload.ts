/**
 * What a runtime uploads: checked against the rules before a byte of it is read, then read, then reported to them. This
 * is the one place that knows these steps; how a body is read is the API's.
 *
 * An upload belongs to the generation of processes in which it began: `Environment.request` refuses what ends in a later
 * one, so that a process that is gone cannot fail the start of the next.
 */

import type { Reply } from '../core/effect.ts'
import type { Event, UploadResult } from '../core/event.ts'
import { refused } from '../core/failure.ts'
import type { ApiCallId, RequestId } from '../core/ids.ts'
import type { Invocation, Receiver } from './invocation.ts'
import type { PendingCall } from './performer.ts'

export type UploadTarget =
  /** `mode` is the response mode as it was sent */
  | { readonly to: 'response'; readonly id: RequestId; readonly mode: string | null }
  | { readonly to: 'error'; readonly id: RequestId; readonly errorType: string | null }
  | { readonly to: 'init-error'; readonly errorType: string }
  | { readonly to: 'restore-error'; readonly errorType: string }

/** The request that is an upload. */
export interface PendingUpload {
  /**
   * The rules allow it: read the body, then call `end` of the upload, which may be at once. Called at most once, perhaps
   * within a step, so that what it raises is performed later.
   */
  read(upload: Upload): void
  /** The last word; called once. */
  answer(reply: Reply): void
}

/** What an upload needs of its environment. */
export interface UploadHost {
  newCall(): ApiCallId
  request(event: Extract<Event, { call: ApiCallId }>, pending: PendingCall): void
  dispatch(event: Event): void
  withdraw(call: ApiCallId): boolean
  invocation(id: RequestId): Invocation | undefined
}

export class Upload implements PendingCall {
  readonly #host: UploadHost
  readonly #target: UploadTarget
  readonly #pending: PendingUpload
  readonly #call: ApiCallId

  constructor(host: UploadHost, target: UploadTarget, pending: PendingUpload) {
    this.#host = host
    this.#target = target
    this.#pending = pending
    this.#call = host.newCall()
  }

  /** Asks the rules; called once. */
  start(): void {
    const target = this.#target
    const call = this.#call
    switch (target.to) {
      case 'response':
        this.#host.request({ type: 'runtime/response', call, id: target.id, mode: target.mode }, this)
        return
      case 'error': {
        const { id, errorType } = target
        this.#host.request({ type: 'runtime/error', call, id, errorType }, this)
        return
      }
      case 'init-error':
      case 'restore-error':
        // the rules are asked when it has been read: the body is part of the event
        this.#pending.read(this)
    }
  }

  reply(reply: Reply): void {
    if (reply.kind === 'read') this.#pending.read(this)
    else this.#pending.answer(reply)
  }

  /** The invocation whose response this is; undefined of anything else. */
  get responseTo(): Invocation | undefined {
    const target = this.#target
    return target.to === 'response' ? this.#host.invocation(target.id) : undefined
  }

  /**
   * The first bytes of a response that is handed on as it comes. Returns what takes them; null when the invocation has
   * ended or its caller has gone. Not to be called within a step.
   */
  begin(contentType: string): Receiver | null {
    const target = this.#target
    if (target.to !== 'response') return null
    this.#host.dispatch({ type: 'runtime/streaming', id: target.id, contentType })
    return this.#host.invocation(target.id)?.receiver ?? null
  }

  /** The body has ended. Of a response that was handed on, the payload has none of the bytes. */
  end(received: UploadResult): void {
    const target = this.#target
    const call = this.#call
    // one that had to wait for another event is parked still
    this.#host.withdraw(call)
    if (target.to === 'init-error' || target.to === 'restore-error') {
      this.endReport(target.to, target.errorType, received)
      return
    }
    const errorType = target.to === 'error' ? target.errorType : null
    this.#host.request({ type: 'runtime/received', call, id: target.id, errorType, received }, this)
  }

  /** What breaks off is no report: if its process has died, the death is the failure. */
  private endReport(what: 'init-error' | 'restore-error', errorType: string, received: UploadResult): void {
    if (received.kind === 'truncated') {
      this.#pending.answer(refused('InvalidRequestFormat', 'The request body ended before it was complete'))
      return
    }
    const document = received.kind === 'complete' ? received.payload : null
    this.#host.request({ type: `runtime/${what}`, call: this.#call, errorType, document }, this)
  }
}
