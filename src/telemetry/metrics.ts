/**
 * The counters of the emulator, as plain numbers, because counting is part of every invocation. `prometheus.ts` writes
 * them down; it is loaded with the first request for them.
 */

import type { EventCondition } from '../core/asynchronous.ts'
import type { Outcome } from '../core/failure.ts'
import { isInitTimeout, type PlatformListener } from '../engine/platform-event.ts'
import type { PoolObserver } from '../engine/ports.ts'
import type { SubscriberCounts } from './subscriber.ts'

/** How many numbers are kept until they are sorted into buckets. */
const unsorted = 256

/**
 * Numbers sorted into buckets, many at a time or when somebody looks: adding one only keeps it, because the code that
 * sorts is out of the processor's caches whenever an invocation comes by.
 */
export class Distribution {
  /** upper bounds, ascending; what is over the last one counts in `count` only */
  readonly bounds: readonly number[]
  readonly #counts: Float64Array
  readonly #fresh: Float64Array = new Float64Array(unsorted)
  #freshCount = 0
  #count = 0
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length)
  }

  /** how many fell into each bucket, not cumulated */
  get counts(): Float64Array {
    this.sort()
    return this.#counts
  }

  get count(): number {
    this.sort()
    return this.#count
  }

  get sum(): number {
    this.sort()
    return this.#sum
  }

  add(value: number): void {
    this.#fresh[this.#freshCount++] = value
    if (this.#freshCount === unsorted) this.sort()
  }

  private sort(): void {
    // plain loops: iterators and `findIndex` would be compiled for the last time, which `compiler.ts` cannot spare
    const { bounds } = this
    for (let index = 0; index < this.#freshCount; index++) {
      const value = this.#fresh[index] as number
      this.#sum += value
      let bucket = 0
      while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++
      if (bucket < bounds.length) this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    }
    this.#count += this.#freshCount
    this.#freshCount = 0
  }
}

const seconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
] as const
const bytes = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 6_291_556] as const

/** How an invocation can end, in the words of the metric's label. */
export const outcomes = {
  response: 'success',
  error: 'error',
  oversize: 'response_too_large',
  'broken-stream': 'broken_stream',
  timeout: 'timeout',
  fault: 'environment_failed',
  throttled: 'throttled',
  shutdown: 'shutdown',
} as const satisfies Record<Outcome['kind'], string>

/** All figures of one emulator since its start. Durations are in seconds, as Prometheus wants them. */
export class Metrics implements PoolObserver {
  readonly invocations: Record<Outcome['kind'], number> = {
    response: 0,
    error: 0,
    oversize: 0,
    'broken-stream': 0,
    timeout: 0,
    fault: 0,
    throttled: 0,
    shutdown: 0,
  }
  /** asynchronous invocations that have ended */
  readonly events: Record<EventCondition, number> = {
    Success: 0,
    RetriesExhausted: 0,
    EventAgeExceeded: 0,
    ZeroReservedConcurrency: 0,
    EmulatorStopped: 0,
  }
  /** records of such for their destinations */
  readonly deliveries = { delivered: 0, failed: 0 }
  /** from START to the answer, of all that started */
  readonly duration: Distribution = new Distribution(seconds)
  /** of init attempts that succeeded */
  readonly init: Distribution = new Distribution(seconds)
  /** from arrival to an environment, 0 of those who need not wait */
  readonly wait: Distribution = new Distribution(seconds)
  /** from START to the first byte of a streamed answer */
  readonly firstByte: Distribution = new Distribution(seconds)
  /** of everything that a runtime answered with */
  readonly responseBytes: Distribution = new Distribution(bytes)
  /** by cause; the two that are most likely are there from the start, so that they can be seen to be 0 */
  readonly restarts: Map<string, number> = new Map([
    ['timeout', 0],
    ['Runtime.ExitError', 0],
  ])

  /** of telemetry subscribers, by the name of their extension */
  readonly subscribers: Map<string, SubscriberCounts> = new Map()

  /** What is counted of the extension of that name, in all environments together. */
  subscriber(name: string): SubscriberCounts {
    let counts = this.subscribers.get(name)
    if (counts === undefined) {
      counts = { deliveries: 0, retries: 0, droppedRecords: 0 }
      this.subscribers.set(name, counts)
    }
    return counts
  }

  /** The listener of every environment's platform events. */
  readonly listener: PlatformListener = (event) => {
    switch (event.type) {
      case 'responseStart':
        this.firstByte.add(event.latencyMs / 1000)
        return
      case 'answered':
        this.answered(event.outcome, event.durationMs)
        return
      case 'initReport':
        if (event.verdict.status === 'success') this.init.add(event.durationMs / 1000)
        return
      case 'fault':
        if (!isInitTimeout(event)) this.restarted(event.fault.errorType)
        return
      case 'shutdown':
        if (event.reason === 'timeout') this.restarted('timeout')
    }
  }

  placed(waitMs: number): void {
    this.wait.add(waitMs / 1000)
  }

  refused(outcome: Outcome): void {
    this.answered(outcome, null)
  }

  private answered(outcome: Outcome, ms: number | null): void {
    this.invocations[outcome.kind]++
    if (ms !== null) this.duration.add(ms / 1000)
    if ('payload' in outcome && outcome.payload !== null) this.responseBytes.add(outcome.payload.size)
  }

  private restarted(cause: string): void {
    this.restarts.set(cause, (this.restarts.get(cause) ?? 0) + 1)
  }
}
