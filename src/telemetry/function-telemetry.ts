/** The telemetry subscriptions of one function: those of each of its environments, from the first to the last record. */

import type { EnvironmentId } from '../core/ids.ts'
import type { Clock, Log } from '../engine/ports.ts'
import type { Metrics } from './metrics.ts'
import type { RecordFacts } from './records.ts'
import { Subscriptions } from './subscriptions.ts'

export interface FunctionTelemetryParts {
  readonly clock: Clock
  readonly metrics: Metrics
  readonly facts: RecordFacts
  /** the log format of the function is JSON */
  readonly json: boolean
}

export class FunctionTelemetry {
  readonly #parts: FunctionTelemetryParts
  readonly #subscriptions = new Map<EnvironmentId, Subscriptions>()
  /** environments that have ended, and whose last records are being delivered */
  readonly #ending = new Set<Promise<void>>()
  /** the environment whose extension was the first to subscribe with a port */
  readonly #ports = new Map<number, EnvironmentId>()

  constructor(parts: FunctionTelemetryParts) {
    this.#parts = parts
  }

  /** Those of a new environment. */
  open(id: EnvironmentId, log: Log): Subscriptions {
    const { clock, facts, json, metrics } = this.#parts
    const subscriptions = new Subscriptions({
      clock,
      facts,
      json,
      counts: (name) => metrics.subscriber(name),
      warn: (fields, message) => log.warn(fields, message),
      destined: (port) => this.#destined(port, id, log),
    })
    this.#subscriptions.set(id, subscriptions)
    return subscriptions
  }

  /** An environment has ended for good, and `leftMs` of its shutdown budget are left for its last records. */
  close(id: EnvironmentId, leftMs: number): void {
    const subscriptions = this.#subscriptions.get(id)
    this.#subscriptions.delete(id)
    for (const [port, owner] of this.#ports) if (owner === id) this.#ports.delete(port)
    if (!subscriptions?.active) return
    const ending = subscriptions.flush(leftMs).then(() => {
      subscriptions[Symbol.dispose]()
      this.#ending.delete(ending)
    })
    this.#ending.add(ending)
  }

  /** Resolves when the last records of all environments that have ended are delivered, or have had their time. */
  async ended(): Promise<void> {
    await Promise.all(this.#ending)
  }

  /** On the service each environment has a network of its own; here they share this machine's. */
  #destined(port: number, id: EnvironmentId, log: Log): void {
    const first = this.#ports.get(port)
    if (first === undefined) this.#ports.set(port, id)
    else if (first !== id) {
      const shared =
        'extensions of several environments subscribe with one port: whoever listens there gets it all'
      log.warn({ port }, shared)
    }
  }
}
