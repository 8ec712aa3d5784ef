/**
 * One subscriber: records are gathered into batches and delivered in order, one delivery at a time.
 *
 * A delivery that fails is tried again after 100 ms, twice that and so on up to 2 s, for 10 s in all; then its records
 * are given up. Meanwhile what comes waits in the outbox, whose oldest records go when it is full. Both losses are told
 * with the next batch. Nothing here waits for the subscriber but the delivery itself.
 */

import type { PlatformEvent } from '../engine/platform-event.ts'
import type { TelemetryType } from './category.ts'
import type { Delivered, Transport } from './delivery.ts'
import { type Batch, type Loss, Outbox } from './outbox.ts'
import type { Buffering } from './subscription.ts'

/** How long one attempt of a delivery may take, in milliseconds. */
export const attemptMs = 2000
/** First and longest pause between two attempts, and how long a delivery is tried, in milliseconds. */
const retryMs = { first: 100, longest: 2000, all: 10_000 } as const

/** Events that are rendered together: doing so one by one would be in the way of every invocation. */
const together = 256
/** Bytes of output that are worth rendering at once. */
const togetherBytes = 64 * 1024

/** Time as a subscriber sees it; tests have one that they turn. */
export interface Timing {
  /** monotonic milliseconds */
  now(): number
  /** Calls back once after so many milliseconds; the function returned cancels that. */
  after(ms: number, call: () => void): () => void
}

/** Real time. */
export const realTiming = (now: () => number): Timing => ({
  now,
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
})

/** What is counted of one subscriber. */
export interface SubscriberCounts {
  deliveries: number
  retries: number
  droppedRecords: number
}

export interface SubscriberParts {
  readonly timing: Timing
  readonly counts: SubscriberCounts
  /** The JSON texts of an event's records. */
  render(event: PlatformEvent): readonly string[]
  /** A record of losses, or null where the subscription has none. */
  renderLoss(loss: Loss, reason: string): string | null
  /** Told once for each time that records begin to be lost. */
  losing(reason: string): void
}

/** What of a subscription may change when the same extension subscribes again. */
export interface SubscriptionTerms {
  readonly types: readonly TelemetryType[]
  readonly buffering: Buffering
  readonly transport: Transport
}

export class Subscriber implements Disposable {
  readonly #parts: SubscriberParts
  #terms: SubscriptionTerms
  readonly #outbox = new Outbox()
  #fresh: PlatformEvent[] = []
  #freshBytes = 0
  /** when the oldest of the fresh events came */
  #freshSince = 0
  #reason = slow
  #losing = false
  #delivering = false
  /** what an attempt is under way on */
  #busy: Transport | null = null
  /** ends the pause before the next attempt */
  #resume: (() => void) | null = null
  #cancelTimer: (() => void) | null = null
  #timerDue = 0
  /** those who wait for everything to be delivered; while there are any, all batches are due */
  readonly #flushes = new Set<() => void>()
  #disposed = false

  constructor(parts: SubscriberParts, terms: SubscriptionTerms) {
    this.#parts = parts
    this.#terms = terms
  }

  get types(): readonly TelemetryType[] {
    return this.#terms.types
  }

  /** Records that have not been delivered, as far as they have been rendered, and events that have not been. */
  get pending(): number {
    return this.#outbox.size + this.#fresh.length
  }

  /** The extension subscribed again: what waits goes the new way, once a delivery that is under way has ended. */
  change(terms: SubscriptionTerms): void {
    this.#render()
    const { transport } = this.#terms
    this.#terms = terms
    // an attempt that is under way ends first, and then its way
    if (transport !== this.#busy) transport[Symbol.dispose]()
    this.#resume?.()
    this.#look()
  }

  /** Takes an event that it subscribed to. Costs a push; rendering and delivery come later. */
  push(event: PlatformEvent): void {
    if (this.#disposed) return
    this.#fresh.push(event)
    if (event.type === 'log') this.#freshBytes += event.bytes.byteLength
    if (this.#fresh.length === 1) {
      const now = this.#parts.timing.now()
      this.#freshSince = now
      this.#arm(now + this.#terms.buffering.timeoutMs)
    }
    if (this.#fresh.length >= together || this.#freshBytes >= togetherBytes) {
      this.#render()
      this.#look()
    }
  }

  /** Counts records that were lost before they came here. */
  lose(loss: Loss, reason: string): void {
    if (loss.records === 0) return
    this.#outbox.lose(loss)
    this.#lost(loss, reason)
  }

  /**
   * Delivers everything that has come so far, due or not. Resolves when that is done, when nobody listens any more, or
   * after `limitMs` at the latest.
   */
  flush(limitMs: number): Promise<void> {
    this.#render()
    if (this.#disposed || limitMs <= 0 || (this.#outbox.size === 0 && !this.#delivering))
      return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        cancel()
        this.#flushes.delete(done)
        resolve()
      }
      const cancel = this.#parts.timing.after(limitMs, done)
      this.#flushes.add(done)
      this.#resume?.()
      this.#look()
    })
  }

  /** Ends deliveries; what has not been delivered is lost. */
  [Symbol.dispose](): void {
    this.#disposed = true
    this.#fresh = []
    this.#outbox.clear()
    this.#cancelTimer?.()
    this.#terms.transport[Symbol.dispose]()
    if (this.#busy !== this.#terms.transport) this.#busy?.[Symbol.dispose]()
    this.#resume?.()
    this.#flushed()
  }

  #render(): void {
    if (this.#fresh.length === 0) return
    const fresh = this.#fresh
    this.#fresh = []
    this.#freshBytes = 0
    for (const event of fresh) {
      for (const text of this.#parts.render(event)) {
        const loss = this.#outbox.add(text, this.#freshSince)
        if (loss !== null) this.#lost(loss, slow)
      }
    }
  }

  /** Starts the next delivery if one is due, else sees to it that somebody looks again. */
  #look(): void {
    if (this.#delivering || this.#disposed) return
    const { timing } = this.#parts
    const due = this.#outbox.due(this.#terms.buffering)
    if (due === null) {
      this.#flushed()
      return
    }
    const now = timing.now()
    if (due > now && this.#flushes.size === 0) {
      this.#arm(due)
      return
    }
    const batch = this.#outbox.take(this.#terms.buffering)
    if (batch !== null) void this.#deliver(batch)
  }

  #arm(due: number): void {
    if (this.#cancelTimer !== null && this.#timerDue <= due) return
    this.#cancelTimer?.()
    this.#timerDue = due
    this.#cancelTimer = this.#parts.timing.after(Math.max(0, due - this.#parts.timing.now()), () => {
      this.#cancelTimer = null
      this.#render()
      this.#look()
    })
  }

  async #deliver(batch: Batch): Promise<void> {
    this.#delivering = true
    const told = batch.loss && this.#parts.renderLoss(batch.loss, this.#reason)
    const records = told === null ? batch.records : [told, ...batch.records]
    const outcome = await this.#attempts(records)
    this.#delivering = false
    if (this.#disposed) return
    if (outcome.kind === 'delivered') {
      this.#parts.counts.deliveries++
      this.#losing = false
    } else {
      const { records: count, bytes } = batch.loss ?? { records: 0, bytes: 0 }
      // losses that could not be told are told later
      this.#outbox.lose({ records: batch.records.length + count, bytes: batch.bytes + bytes })
      this.#lost(
        { records: batch.records.length, bytes: batch.bytes },
        `could not send events: ${outcome.reason}`,
      )
    }
    this.#look()
  }

  async #attempts(records: readonly string[]): Promise<Delivered> {
    const { timing, counts } = this.#parts
    const until = timing.now() + retryMs.all
    let pause: number = retryMs.first
    for (;;) {
      const { transport } = this.#terms
      this.#busy = transport
      const outcome = await transport.deliver(records, attemptMs)
      this.#busy = null
      const replaced = transport !== this.#terms.transport
      if (replaced) transport[Symbol.dispose]()
      if (outcome.kind === 'delivered' || this.#disposed) return outcome
      // a flush does not wait for somebody to come back and listen
      if (outcome.refused) this.#flushed()
      if (!replaced) {
        if (timing.now() + pause > until) return outcome
        await this.#pause(pause)
        if (this.#disposed) return outcome
        pause = Math.min(pause * 2, retryMs.longest)
      }
      counts.retries++
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const resume = (): void => {
        cancel()
        this.#resume = null
        resolve()
      }
      const cancel = this.#parts.timing.after(ms, resume)
      this.#resume = resume
    })
  }

  #flushed(): void {
    for (const done of [...this.#flushes]) done()
  }

  #lost({ records }: Loss, reason: string): void {
    this.#parts.counts.droppedRecords += records
    this.#reason = reason
    if (this.#losing) return
    this.#losing = true
    this.#parts.losing(reason)
  }
}

const slow = 'Some logs were dropped because the downstream consumer is slower than the logs production rate'
