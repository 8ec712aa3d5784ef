/** What the console shows of one invocation, and how it comes of what is told of it. */

import type { RequestId } from '../core/ids.ts'
import { Keeper, type Kept } from './kept.ts'
import { titleOf } from './title.ts'

/** Where an invocation is, in words for people. */
export type State = 'waiting' | 'running' | 'succeeded' | 'failed' | 'timed out' | 'refused'

/** Status and headers of an answer in one dialect. */
export interface ResponseHead {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** where it is another one than in the `rie` dialect */
  readonly body?: string
}

/** One line of the list. */
export interface Summary {
  readonly id: RequestId
  readonly state: State
  /** Unix milliseconds */
  readonly arrivedAt: number
  /** from its arrival to its answer; null until then */
  readonly durationMs: number | null
  readonly errorType: string | null
  /** the name of its event, as of its route or queue, else its beginning */
  readonly what: string
  /** an init was for it; known when it has ended */
  readonly cold: boolean
  /** its name, where there are several functions */
  readonly function?: string
}

/** All that is known. Durations are milliseconds, null where there is none (yet). */
export interface Detail extends Summary {
  readonly environment: number | null
  readonly arn: string | null
  readonly traceId: string
  readonly queueMs: number | null
  readonly initMs: number | null
  /** from its start to its answer, of a stream to the first byte */
  readonly latencyMs: number | null
  /** of a stream, from the first byte to the last */
  readonly streamMs: number | null
  readonly overheadMs: number | null
  readonly memoryBytes: number
  readonly event: Kept | null
  /** null until there is one; of a stream never, because its bytes go to the caller alone */
  readonly answer: Kept | null
  readonly heads: { readonly rie: ResponseHead; readonly lambda: ResponseHead } | null
  readonly log: Kept
}

export class HistoryEntry {
  state: State = 'waiting'
  environment: number | null = null
  arn: string | null = null
  traceId = ''
  event: Keeper | null = null
  answer: Keeper | null = null
  heads: { rie: ResponseHead; lambda: ResponseHead } | null = null
  log = new Keeper()
  errorType: string | null = null
  startedAt: number | null = null
  /** of a stream */
  firstByteAt: number | null = null
  answeredAt: number | null = null
  reportedAt: number | null = null
  initMs: number | null = null
  memoryBytes = 0
  #what: string | undefined
  functionName: string | null = null
  readonly id: RequestId
  /** monotonic */
  readonly arrivedAt: number
  readonly arrivedEpoch: number

  constructor(id: RequestId, arrivedAt: number, arrivedEpoch: number) {
    this.id = id
    this.arrivedAt = arrivedAt
    this.arrivedEpoch = arrivedEpoch
  }

  summary(): Summary {
    return {
      id: this.id,
      state: this.state,
      arrivedAt: this.arrivedEpoch,
      durationMs: this.answeredAt === null ? null : this.answeredAt - this.arrivedAt,
      errorType: this.errorType,
      what: this.what,
      cold: this.initMs !== null,
      ...(this.functionName !== null && { function: this.functionName }),
    }
  }

  private get what(): string {
    if (this.event === null) return ''
    this.#what ??= titleOf(this.event.kept.text)
    return this.#what
  }

  detail(): Detail {
    const { startedAt, firstByteAt, answeredAt, reportedAt, initMs } = this
    const respondedAt = firstByteAt ?? answeredAt
    const waited = startedAt === null ? null : startedAt - this.arrivedAt
    return {
      ...this.summary(),
      environment: this.environment,
      arn: this.arn,
      traceId: this.traceId,
      // init runs while the invocation waits, except for what of an eager one came before
      queueMs: waited === null ? null : Math.max(0, waited - (initMs ?? 0)),
      initMs: initMs === null || waited === null ? initMs : Math.min(initMs, waited),
      latencyMs: startedAt === null || respondedAt === null ? null : respondedAt - startedAt,
      streamMs: firstByteAt === null || answeredAt === null ? null : answeredAt - firstByteAt,
      overheadMs: reportedAt === null || answeredAt === null ? null : Math.max(0, reportedAt - answeredAt),
      memoryBytes: this.memoryBytes,
      event: this.event?.kept ?? null,
      answer: this.answer?.kept ?? null,
      heads: this.heads,
      log: this.log.kept,
    }
  }
}
