/**
 * The last 200 invocations, as a listener of the platform events of all environments. It begins with the first visitor
 * of the console, and costs nothing before.
 */

import type { Outcome } from '../core/failure.ts'
import type { EnvironmentId, RequestId } from '../core/ids.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { PlatformEvent, PlatformListener } from '../engine/platform-event.ts'
import type { PoolTap } from '../engine/pool.ts'
import { type Detail, HistoryEntry, type ResponseHead, type State, type Summary } from './entry.ts'
import { Keeper, keep } from './kept.ts'

export const keptInvocations = 200

/** What both dialects make of an outcome. */
export interface Rendered {
  readonly rie: ResponseHead
  readonly lambda: ResponseHead
  /** in the `rie` dialect */
  readonly body: readonly Uint8Array[]
}

/** What is known of an invocation when it is answered. */
export interface HistoryFacts {
  readonly id: RequestId
  readonly traceId: string
  readonly arn: string | null
}

export interface HistoryOptions {
  /** monotonic milliseconds */
  readonly now: () => number
  /** Unix milliseconds */
  readonly epoch: () => number
  readonly render: (outcome: Outcome, of: HistoryFacts) => Rendered
  /** Called at each change, so it must be cheap. */
  readonly changed: () => void
}

/** What is going on in one environment. */
interface Course {
  /** what was written since the start of an init, or since the last invocation */
  before: Keeper
  current: HistoryEntry | null
  readonly functionName: string | null
}

export class History {
  readonly #options: HistoryOptions
  /** oldest first */
  readonly #entries = new Map<RequestId, HistoryEntry>()
  /** of those that have changed since they were asked for */
  readonly #changed = new Set<HistoryEntry>()

  constructor(options: HistoryOptions) {
    this.#options = options
  }

  /** An invocation has come, and has no environment yet. */
  #arrived({ id, payload, arn, traceId }: Invocation, functionName: string | null): void {
    const entry = this.#add(id)
    entry.functionName = functionName
    entry.event = keep(payload.chunks)
    entry.arn = arn
    entry.traceId = traceId
  }

  /** An invocation is answered that no environment took. */
  #refused({ id }: Invocation, outcome: Outcome): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) this.#answer(entry, outcome, this.#options.now())
  }

  /** Sees what comes for a function; `functionName` where there are several. */
  tap(functionName: string | null): PoolTap {
    return {
      arrived: (invocation) => this.#arrived(invocation, functionName),
      refused: (invocation, outcome) => this.#refused(invocation, outcome),
    }
  }

  /** Listens to one environment. */
  listener(environment: EnvironmentId, functionName: string | null = null): PlatformListener {
    const course: Course = { before: new Keeper(), current: null, functionName }
    return (event) => this.#told(environment, course, event)
  }

  /** Newest first. */
  summaries(): Summary[] {
    return [...this.#entries.values()].reverse().map((entry) => entry.summary())
  }

  detail(id: string): Detail | null {
    return this.#entries.get(id as RequestId)?.detail() ?? null
  }

  /** What has changed since this was last asked, oldest first. */
  takeChanged(): Summary[] {
    const changed = [...this.#changed].map((entry) => entry.summary())
    this.#changed.clear()
    return changed
  }

  /** No page is open that would ask for them. */
  forgetChanged(): void {
    this.#changed.clear()
  }

  #told(environment: EnvironmentId, course: Course, event: PlatformEvent): void {
    switch (event.type) {
      case 'initStart':
        course.before = new Keeper()
        return
      case 'log':
        ;(course.current?.log ?? course.before).add(event.bytes)
        if (course.current !== null) this.#note(course.current)
        return
      case 'start': {
        // one that had come before the console was opened
        const entry = this.#entries.get(event.id) ?? this.#add(event.id)
        entry.functionName = course.functionName
        entry.log = course.before
        course.before = new Keeper()
        course.current = entry
        entry.state = 'running'
        entry.environment = environment
        entry.traceId = event.traceId
        entry.startedAt = event.at
        this.#note(entry)
        return
      }
      case 'responseStart': {
        const entry = this.#entries.get(event.id)
        if (entry === undefined) return
        entry.firstByteAt = event.at
        this.#note(entry)
        return
      }
      case 'answered': {
        const entry = this.#entries.get(event.id)
        if (entry !== undefined) this.#answer(entry, event.outcome, event.at)
        return
      }
      case 'report': {
        course.current = null
        const entry = this.#entries.get(event.id)
        if (entry === undefined) return
        entry.reportedAt = event.at
        entry.initMs = event.initMs
        entry.memoryBytes = event.memoryBytes
        if (event.verdict.status !== 'success') entry.errorType ??= event.verdict.errorType
        this.#note(entry)
      }
    }
  }

  #answer(entry: HistoryEntry, outcome: Outcome, at: number): void {
    const { rie, lambda, body } = this.#options.render(outcome, entry)
    entry.state = stateOf(outcome)
    entry.answeredAt = at
    // what failed behind the first byte of a stream is a document all the same
    const streamed = entry.firstByteAt !== null && entry.state === 'succeeded'
    entry.heads = { rie, lambda }
    entry.answer = streamed ? null : keep(body)
    if (entry.state === 'failed') entry.errorType = errorTypeOf(keep(body).kept.text)
    this.#note(entry)
  }

  #add(id: RequestId): HistoryEntry {
    const entry = new HistoryEntry(id, this.#options.now(), this.#options.epoch())
    // an id that is used again is another invocation
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    if (this.#entries.size > keptInvocations) {
      const [oldest] = this.#entries.values()
      if (oldest !== undefined) {
        this.#entries.delete(oldest.id)
        this.#changed.delete(oldest)
      }
    }
    this.#note(entry)
    return entry
  }

  #note(entry: HistoryEntry): void {
    this.#changed.add(entry)
    this.#options.changed()
  }
}

/** As the document of an error has it. */
function errorTypeOf(document: string): string | null {
  try {
    const { errorType } = JSON.parse(document)
    return typeof errorType === 'string' ? errorType : null
  } catch {
    return null
  }
}

function stateOf(outcome: Outcome): State {
  switch (outcome.kind) {
    case 'response':
      return 'succeeded'
    case 'timeout':
      return 'timed out'
    case 'throttled':
    case 'shutdown':
      return 'refused'
    default:
      return 'failed'
  }
}
