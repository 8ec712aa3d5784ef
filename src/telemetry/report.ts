/**
 * What happened from the start to the end, for `--report`: counts, percentiles, and answers over time. Loaded only where a
 * report was asked for. It stays as small as it began, however long the emulator runs.
 */

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Outcome } from '../core/failure.ts'
import { isInitTimeout, type PlatformListener } from '../engine/platform-event.ts'
import type { Clock, PoolObserver } from '../engine/ports.ts'
import { outcomes } from './metrics.ts'

/** In milliseconds; each percentile is at most a tenth of a percent too high. All are null when nothing was counted. */
export interface Percentiles {
  readonly count: number
  readonly min: number | null
  readonly mean: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly p999: number | null
  readonly max: number | null
}

/** The answers of one interval. */
export interface Slot {
  /** seconds since the start at which it begins */
  readonly at: number
  readonly seconds: number
  /** successes, and all other outcomes */
  readonly succeeded: number
  readonly failed: number
}

export interface RunReport {
  /** of this format */
  readonly version: 1
  readonly emulator: string
  /** ISO 8601 */
  readonly startedAt: string
  readonly endedAt: string
  readonly seconds: number
  readonly settings: Readonly<Record<string, string | number>>
  readonly invocations: {
    readonly total: number
    /** by the label of `lambda_rie_invocations_total` */
    readonly outcomes: Readonly<Record<string, number>>
  }
  /** from START to the answer, of all that started */
  readonly duration: Percentiles
  /** from arrival to an environment, of all that found one */
  readonly queueWait: Percentiles
  /** from START to the first byte of a streamed answer */
  readonly firstByte: Percentiles
  /** of init attempts that succeeded */
  readonly init: Percentiles
  readonly initFailures: number
  /** times that processes were ended by a failure, by cause */
  readonly restarts: Readonly<Record<string, number>>
  /** highest of all environments */
  readonly maxMemoryBytes: number
  readonly throughput: readonly Slot[]
}

/** What the report says beside what happened. */
export interface ReportFacts {
  readonly emulator: string
  readonly settings: Readonly<Record<string, string | number>>
  readonly clock: Clock
}

/** With more slots, two become one: an hour is told in steps of 32 s, a minute in seconds. */
const mostSlots = 120

/** Durations in microseconds, to three digits. The library takes no zero. */
class Durations {
  readonly #of: RecordableHistogram = createHistogram({ figures: 3, lowest: 1, highest: 86_400_000_000 })

  add(ms: number): void {
    this.#of.record(Math.max(1, Math.round(ms * 1000)))
  }

  get percentiles(): Percentiles {
    const { count, min, max, mean } = this.#of
    const ms = (us: number): number | null => (count === 0 ? null : Math.min(us, max) / 1000)
    const at = (percent: number): number | null => ms(this.#of.percentile(percent))
    return {
      count,
      min: ms(min),
      mean: count === 0 ? null : Math.round(mean) / 1000,
      p50: at(50),
      p90: at(90),
      p95: at(95),
      p99: at(99),
      p999: at(99.9),
      max: ms(max),
    }
  }
}

/** Counts what all environments tell, and what the pool tells of invocations that no environment took. */
export class RunRecorder implements PoolObserver {
  readonly #facts: ReportFacts
  readonly #startedAt: number
  readonly #begin: number
  readonly #outcomes = new Map<string, number>(Object.values(outcomes).map((name) => [name, 0]))
  readonly #duration = new Durations()
  readonly #wait = new Durations()
  readonly #firstByte = new Durations()
  readonly #init = new Durations()
  readonly #restarts = new Map<string, number>()
  #initFailures = 0
  #maxMemoryBytes = 0
  #slotMs = 1000
  #slots: { succeeded: number; failed: number }[] = []

  constructor(facts: ReportFacts) {
    this.#facts = facts
    this.#startedAt = facts.clock.epoch()
    this.#begin = facts.clock.now()
  }

  readonly listener: PlatformListener = (event) => {
    switch (event.type) {
      case 'answered':
        this.#answered(event.outcome, event.at)
        if (event.durationMs !== null) this.#duration.add(event.durationMs)
        return
      case 'responseStart':
        this.#firstByte.add(event.latencyMs)
        return
      case 'initReport':
        if (event.verdict.status === 'success') this.#init.add(event.durationMs)
        else this.#initFailures++
        return
      case 'report':
        this.#maxMemoryBytes = Math.max(this.#maxMemoryBytes, event.memoryBytes)
        return
      case 'fault':
        if (!isInitTimeout(event)) this.#restarted(event.fault.errorType)
        return
      case 'shutdown':
        if (event.reason === 'timeout') this.#restarted('timeout')
    }
  }

  placed(waitMs: number): void {
    this.#wait.add(waitMs)
  }

  refused(outcome: Outcome): void {
    this.#answered(outcome, this.#facts.clock.now())
  }

  /** All of it until now. */
  report(): RunReport {
    const { clock, emulator, settings } = this.#facts
    const seconds = Math.round(clock.now() - this.#begin) / 1000
    return {
      version: 1,
      emulator,
      startedAt: new Date(this.#startedAt).toISOString(),
      endedAt: new Date(clock.epoch()).toISOString(),
      seconds,
      settings,
      invocations: {
        total: [...this.#outcomes.values()].reduce((sum, count) => sum + count, 0),
        outcomes: Object.fromEntries(this.#outcomes),
      },
      duration: this.#duration.percentiles,
      queueWait: this.#wait.percentiles,
      firstByte: this.#firstByte.percentiles,
      init: this.#init.percentiles,
      initFailures: this.#initFailures,
      restarts: Object.fromEntries(this.#restarts),
      maxMemoryBytes: this.#maxMemoryBytes,
      throughput: this.#slots.map((slot, index) => ({
        at: (index * this.#slotMs) / 1000,
        seconds: this.#slotMs / 1000,
        ...slot,
      })),
    }
  }

  #restarted(cause: string): void {
    this.#restarts.set(cause, (this.#restarts.get(cause) ?? 0) + 1)
  }

  #answered(outcome: Outcome, at: number): void {
    const name = outcomes[outcome.kind]
    this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1)
    const slot = this.#slotAt(at - this.#begin)
    if (outcome.kind === 'response') slot.succeeded++
    else slot.failed++
  }

  #slotAt(ms: number): { succeeded: number; failed: number } {
    while (ms >= this.#slotMs * mostSlots) this.#halve()
    const index = Math.max(0, Math.floor(ms / this.#slotMs))
    while (this.#slots.length <= index) this.#slots.push({ succeeded: 0, failed: 0 })
    return this.#slots[index] as { succeeded: number; failed: number }
  }

  #halve(): void {
    this.#slotMs *= 2
    const halved: { succeeded: number; failed: number }[] = []
    this.#slots.forEach(({ succeeded, failed }, index) => {
      if (index % 2 === 0) halved.push({ succeeded, failed })
      else {
        const slot = halved.at(-1) as { succeeded: number; failed: number }
        slot.succeeded += succeeded
        slot.failed += failed
      }
    })
    this.#slots = halved
  }
}
