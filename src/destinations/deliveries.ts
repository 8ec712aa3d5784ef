/**
 * The records on their way to one destination. Each is tried three times and then told in the log, with its id; none
 * waits for another, but no more than a few are under way at a time.
 */

import { Conditions } from '../engine/conditions.ts'
import type { Clock, Log } from '../engine/ports.ts'

/** Before the second and the third try, in milliseconds. */
const delaysMs = [1000, 2000] as const
/** How long one try may take, in milliseconds. */
const tryMs = 5000
/** How many tries run at a time. */
const atOnce = 16
/** How many bytes of records may be under way: what comes on top of them is told at once, and lost. */
const maxBytes = 64 * 1024 * 1024

/** What one destination is told of one event. */
export interface Delivery {
  /** of the event */
  readonly id: string
  readonly traceId: string
  /** as JSON */
  readonly record: string
}

export interface DeliveriesParts {
  /** as it was given, for the log */
  readonly destination: string
  /** Hands one record over. Rejects when it was not taken; may hang. */
  send(delivery: Delivery, limitMs: number): Promise<void>
  readonly clock: Clock
  readonly log: Pick<Log, 'error' | 'debug'>
  /** a record has been delivered, or not */
  done(delivered: boolean): void
}

export class Deliveries {
  readonly #parts: DeliveriesParts
  readonly #conditions: Conditions
  /** under way */
  readonly #records = new Set<Delivery>()
  #bytes = 0
  #running = 0
  /** those that wait for one of the tries that may run, in their order */
  readonly #turns: (() => void)[] = []
  #over = false

  constructor(parts: DeliveriesParts) {
    this.#parts = parts
    this.#conditions = new Conditions(parts.clock.now)
  }

  /** Delivers a record, now or after others. Never throws. */
  deliver(delivery: Delivery): void {
    const { id, record } = delivery
    const bytes = record.length
    if (this.#over || this.#bytes + bytes > maxBytes) {
      this.#failed(id, this.#over ? 'the emulator has stopped' : 'too many records wait for this destination')
      return
    }
    this.#records.add(delivery)
    this.#bytes += bytes
    void this.#carry(delivery).then(() => {
      this.#records.delete(delivery)
      this.#bytes -= bytes
      if (this.#records.size === 0) this.#conditions.check()
    })
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#records.size === 0
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#conditions.until(() => this.isIdle)
  }

  /** Waits that long for what is under way, or until `force` resolves, and tells of the rest. Takes no more. */
  async drain(limitMs: number, force: Promise<void>): Promise<void> {
    await this.#conditions.until(() => this.#records.size === 0, limitMs, force)
    this.#over = true
    for (const { id } of this.#records) this.#failed(id, 'the emulator has stopped')
    this.#conditions.check()
    for (const turn of this.#turns.splice(0)) turn()
  }

  async #carry(delivery: Delivery): Promise<void> {
    const { id } = delivery
    let reason = ''
    for (const delayMs of [0, ...delaysMs]) {
      if (delayMs > 0) await this.#conditions.until(() => this.#over, delayMs)
      await this.#turn()
      // told by `drain` already
      if (this.#over) return
      const problem = await this.#try(delivery)
      if (this.#over) return
      this.#turnOver()
      if (problem === null) {
        this.#parts.done(true)
        return
      }
      reason = problem
      const { destination, log } = this.#parts
      log.debug({ requestId: id, destination, reason }, 'a destination did not take a record')
    }
    this.#failed(id, reason)
  }

  async #turn(): Promise<void> {
    if (this.#over) return
    if (this.#running < atOnce) this.#running++
    else await new Promise<void>((resolve) => this.#turns.push(resolve))
  }

  #turnOver(): void {
    const next = this.#turns.shift()
    if (next === undefined) this.#running--
    else next()
  }

  /** Null when it was delivered, else why not. */
  async #try(delivery: Delivery): Promise<string | null> {
    let result: string | null = `it took longer than ${tryMs / 1000} s`
    const sent = this.#parts.send(delivery, tryMs).then(
      () => {
        result = null
      },
      (error: unknown) => {
        result = error instanceof Error ? error.message : String(error)
      },
    )
    await this.#conditions.until(() => this.#over, tryMs, sent)
    return result
  }

  #failed(id: string, reason: string): void {
    const { destination, log, done } = this.#parts
    log.error({ requestId: id, destination, reason }, 'a record of an event was not delivered')
    done(false)
  }
}
