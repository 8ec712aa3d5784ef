/**
 * Ties asynchronous invocations to a function: their tries, and the destinations of their records. Loaded with the
 * first.
 */

import type { AsyncConfig } from './config/asynchronous.ts'
import type { RequestId } from './core/ids.ts'
import { Deliveries } from './destinations/deliveries.ts'
import type { EventDestination } from './destinations/destination.ts'
import { appendLine } from './destinations/file.ts'
import { post } from './destinations/http.ts'
import { recordOf } from './destinations/record.ts'
import { type Acceptance, AsyncEvents, type EndedEvent, type WaitingEvents } from './engine/async-events.ts'
import type { EventRequest } from './engine/event-invocation.ts'
import type { Pool } from './engine/pool.ts'
import type { Clock, Log } from './engine/ports.ts'
import { render } from './gateway/dialect.ts'
import { executedVersion } from './gateway/request.ts'
import type { Metrics } from './telemetry/metrics.ts'

/** What events need of their function. */
export interface EventsParts {
  readonly config: AsyncConfig
  readonly version: string
  readonly timeoutMs: number
  readonly pool: Pool
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Gives a record to another function of this emulator, as an event with the trace of the one that ended. */
  readonly toFunction: (name: string, record: string, traceId: string) => Acceptance
}

/** The events of one function. */
export interface FunctionEvents {
  accept(event: EventRequest): Acceptance
  has(id: RequestId): boolean
  readonly state: WaitingEvents
  /** all events have ended, and their records are delivered, or told not to be */
  readonly isIdle: boolean
  /** Resolves when that is so. */
  idle(): Promise<void>
  /** Takes no more, see `AsyncEvents`; the pool is drained next. */
  stop(): void
  /** After the pool: waits that long for records that are under way, or until `hurry` resolves, and tells of the rest. */
  drain(limitMs: number, hurry: Promise<void>): Promise<void>
}

export function openEvents(parts: EventsParts): FunctionEvents {
  const { config, clock, log, metrics, pool } = parts
  const onSuccess = deliveriesTo(config.onSuccess, parts)
  const onFailure = deliveriesTo(config.onFailure, parts)
  const both = [onSuccess, onFailure].filter((one) => one !== null)

  function ended(event: EndedEvent): void {
    metrics.events[event.condition]++
    const deliveries = event.condition === 'Success' ? onSuccess : onFailure
    const { id, traceId } = event.request
    deliveries?.deliver({ id, traceId, record: recordFor(event, parts) })
  }

  const events = new AsyncEvents({ ...config, clock, pool, log, ended })
  return {
    accept: (event) => events.accept(event),
    has: (id) => events.has(id),
    get state() {
      return events.state
    },
    get isIdle() {
      return events.isIdle && both.every((one) => one.isIdle)
    },
    async idle() {
      await events.idle()
      await Promise.all(both.map((one) => one.idle()))
    },
    stop: () => events.stop(),
    async drain(limitMs, hurry) {
      await Promise.all(both.map((one) => one.drain(limitMs, hurry)))
      events[Symbol.dispose]()
    },
  }
}

function recordFor(event: EndedEvent, { clock, version, timeoutMs }: EventsParts): string {
  const { request, outcome } = event
  const { id, arn } = request
  const timeoutSeconds = timeoutMs / 1000
  return recordOf(event, {
    epoch: clock.epoch(),
    version: executedVersion(arn.split(':')[7] ?? null, version),
    answer: outcome === null ? null : render(outcome, { dialect: 'lambda', id, timeoutSeconds }),
  })
}

function deliveriesTo(destination: EventDestination | null, parts: EventsParts): Deliveries | null {
  if (destination === null) return null
  const { clock, log, metrics, toFunction } = parts
  const { name, send } = senderTo(destination, toFunction)
  return new Deliveries({
    destination: name,
    send,
    clock,
    log,
    done: (delivered) => metrics.deliveries[delivered ? 'delivered' : 'failed']++,
  })
}

type Send = ConstructorParameters<typeof Deliveries>[0]['send']

function senderTo(
  destination: EventDestination,
  toFunction: EventsParts['toFunction'],
): { readonly name: string; readonly send: Send } {
  switch (destination.kind) {
    case 'file': {
      const { path } = destination
      return { name: `file:${path}`, send: ({ record }) => appendLine(path, record) }
    }
    case 'http': {
      const { url } = destination
      return { name: url, send: ({ record }, limitMs) => post(url, record, limitMs) }
    }
    case 'function': {
      const { name } = destination
      return {
        name,
        async send({ record, traceId }) {
          const acceptance = toFunction(name, record, traceId)
          if (acceptance === 'full') throw new Error('too many events wait for that function')
          if (acceptance === 'stopping') throw new Error('that function takes no events any more')
        },
      }
    }
  }
}
