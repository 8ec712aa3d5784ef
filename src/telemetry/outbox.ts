/**
 * The records that wait for one subscriber, in order: when a batch of them is due, what is in it, and what is given up
 * when there are too many. Pure: time comes in with each call.
 */

import type { Buffering } from './subscription.ts'

/** Bytes of records that are kept for a subscriber that does not take them. */
export const maxHeldBytes = 8 * 1024 * 1024

/** What was given up. */
export interface Loss {
  readonly records: number
  readonly bytes: number
}

export interface Batch {
  readonly records: readonly string[]
  /** of all records together, without what goes between them */
  readonly bytes: number
  /** what was given up before the first of these records, and is told with them */
  readonly loss: Loss | null
}

interface Entry {
  readonly text: string
  readonly bytes: number
  /** when it came, in monotonic milliseconds */
  readonly at: number
}

export class Outbox {
  readonly #max: number
  #entries: (Entry | undefined)[] = []
  /** index of the oldest; those before it are gone, and their places empty */
  #first = 0
  #bytes = 0
  #lost = { records: 0, bytes: 0 }

  constructor(max: number = maxHeldBytes) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.length - this.#first
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes a record; returns what had to go for it, oldest first, null as long as there is room. */
  add(text: string, now: number): Loss | null {
    const bytes = Buffer.byteLength(text)
    this.#entries.push({ text, bytes, at: now })
    this.#bytes += bytes
    if (this.#bytes <= this.#max) return null
    const before = { ...this.#lost }
    while (this.#bytes > this.#max && this.size > 1) this.#drop()
    return { records: this.#lost.records - before.records, bytes: this.#lost.bytes - before.bytes }
  }

  /** Counts records that were lost elsewhere, to be told with the next batch. */
  lose({ records, bytes }: Loss): void {
    this.#lost = { records: this.#lost.records + records, bytes: this.#lost.bytes + bytes }
  }

  /** When the next batch has to go, in monotonic milliseconds; null when nothing waits. */
  due({ maxItems, maxBytes, timeoutMs }: Buffering): number | null {
    const oldest = this.#entries[this.#first]
    if (oldest === undefined) return null
    return this.size >= maxItems || this.#bytes >= maxBytes ? oldest.at : oldest.at + timeoutMs
  }

  /** The next batch, whether it is due or not: as much as fits, and one record at least. Null when nothing waits. */
  take({ maxItems, maxBytes }: Pick<Buffering, 'maxItems' | 'maxBytes'>): Batch | null {
    let bytes = 0
    let end = this.#first
    while (end < this.#entries.length && end - this.#first < maxItems) {
      const next = this.#entries[end] as Entry
      if (end > this.#first && bytes + next.bytes > maxBytes) break
      bytes += next.bytes
      end++
    }
    if (end === this.#first) return null
    const records: string[] = []
    for (; this.#first < end; this.#first++) {
      records.push((this.#entries[this.#first] as Entry).text)
      this.#entries[this.#first] = undefined
    }
    this.#bytes -= bytes
    this.#compact()
    const loss = this.#lost.records > 0 ? this.#lost : null
    this.#lost = { records: 0, bytes: 0 }
    return { records, bytes, loss }
  }

  /** Drops all records. */
  clear(): Loss {
    const loss = { records: this.size, bytes: this.#bytes }
    this.#entries = []
    this.#first = 0
    this.#bytes = 0
    return loss
  }

  #drop(): void {
    const { bytes } = this.#entries[this.#first] as Entry
    this.#entries[this.#first++] = undefined
    this.#bytes -= bytes
    this.lose({ records: 1, bytes })
    this.#compact()
  }

  /** Empty places are let go of when they are half of all, so that no entry is moved often. */
  #compact(): void {
    const { length } = this.#entries
    if (this.#first < length && (this.#first < 1024 || this.#first * 2 < length)) return
    this.#entries = this.#entries.slice(this.#first)
    this.#first = 0
  }
}
