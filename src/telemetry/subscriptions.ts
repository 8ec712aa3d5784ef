/**
 * The telemetry subscriptions of one environment.
 *
 * During init everything is kept, so that whoever subscribes later in that init gets it too. A subscription belongs to
 * an extension's name: it stands when the environment starts again, and changes when that extension subscribes anew.
 */

import type { Details, PlatformEvent, PlatformListener } from '../engine/platform-event.ts'
import type {
  Clock,
  SubscribeRequest,
  SubscribeResult,
  TelemetryApi,
  TelemetryPort,
} from '../engine/ports.ts'
import { categoryOf, type TelemetryType } from './category.ts'
import type { Transport } from './delivery.ts'
import type { RecordFacts } from './records.ts'
import type { Subscriber, SubscriberCounts } from './subscriber.ts'
import type { Subscription } from './subscription.ts'

/** Loaded with the first subscription: most functions have none. */
const delivery = () => require('./delivery.ts') as typeof import('./delivery.ts')
const records = () => require('./records.ts') as typeof import('./records.ts')
const subscribers = () => require('./subscriber.ts') as typeof import('./subscriber.ts')
const requests = () => require('./subscription.ts') as typeof import('./subscription.ts')
const clocks = () => require('./wall-clock.ts') as typeof import('./wall-clock.ts')

/** Bytes of events that are kept during init. */
const maxReplayBytes = 8 * 1024 * 1024

/** The only schema version that Managed Instances have. */
const managedVersions = ['2025-01-29']

export interface SubscriptionsParts {
  readonly facts: RecordFacts
  readonly clock: Clock
  /** the log format of the function is JSON */
  readonly json: boolean
  /** what is counted of the extension of that name */
  counts(name: string): SubscriberCounts
  warn(fields: object, message: string): void
  /** A subscription goes to this port of the machine. */
  destined(port: number): void
}

interface Entry {
  readonly subscriber: Subscriber
  subscription: Subscription
  /** number of the init in which it subscribed last */
  init: number
}

export class Subscriptions implements TelemetryPort, Details, Disposable {
  /** somebody has subscribed: how far an invocation has come is worth knowing */
  wanted: boolean
  readonly #parts: SubscriptionsParts
  readonly #entries = new Map<string, Entry>()
  /** what has happened in this init; null once it has succeeded */
  #replay: PlatformEvent[] | null = null
  #replayBytes = 0
  #lostBytes = 0
  #lostEvents = 0
  #init = 0

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts
    // a log of JSON has a line for each runtime that is done and has failed
    this.wanted = parts.json
  }

  /** Told of everything that happens to the environment. */
  readonly listener: PlatformListener = (event) => {
    if (event.type === 'initStart') this.#begin()
    const type = this.#replay === null && this.#entries.size === 0 ? null : categoryOf(event)
    if (type === null) return
    for (const { subscriber } of this.#entries.values()) {
      if (subscriber.types.includes(type)) subscriber.push(event)
    }
    if (this.#replay !== null) this.#keep(this.#replay, event)
    if (event.type === 'initReport' && event.verdict.status === 'success') this.#replay = null
  }

  /** Somebody has subscribed. */
  get active(): boolean {
    return this.#entries.size > 0
  }

  async subscribe({ api, name, body, accept }: SubscribeRequest): Promise<SubscribeResult> {
    const versions = this.#parts.facts.managed ? managedVersions : undefined
    const parsed = requests().parseSubscription(api, body, versions)
    if ('problem' in parsed) return { kind: 'invalid', message: parsed.problem }
    const transport = await delivery().openTransport(parsed.destination, subscribers().attemptMs)
    if ('problem' in transport)
      return { kind: 'invalid', message: `Invalid destination: ${transport.problem}` }
    const other = this.#entries.get(name)
    const refused = this.#refusal(other, api) ?? (accept() ? null : ({ kind: 'refused' } as const))
    if (refused !== null) {
      transport[Symbol.dispose]()
      return refused
    }
    this.#parts.destined(parsed.destination.port)
    if (other === undefined) this.#add(name, parsed, transport)
    else this.#change(other, parsed, transport)
    return { kind: 'subscribed', types: parsed.types }
  }

  /** Delivers what has come so far; resolves after `limitMs` at the latest. */
  async flush(limitMs: number): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ subscriber }) => subscriber.flush(limitMs)))
  }

  /** Ends all subscriptions; what has not been delivered is lost. */
  [Symbol.dispose](): void {
    for (const { subscriber } of this.#entries.values()) subscriber[Symbol.dispose]()
    this.#entries.clear()
    this.#replay = null
  }

  /** An extension uses one of the two APIs, until it starts again. */
  #refusal(other: Entry | undefined, api: TelemetryApi): SubscribeResult | null {
    if (other === undefined || other.init !== this.#init || other.subscription.api === api) return null
    return { kind: 'invalid', message: 'an extension can subscribe to one of Telemetry API and Logs API' }
  }

  #begin(): void {
    this.#replay = []
    this.#replayBytes = 0
    this.#lostBytes = 0
    this.#lostEvents = 0
    this.#init++
  }

  #keep(replay: PlatformEvent[], event: PlatformEvent): void {
    replay.push(event)
    this.#replayBytes += sizeOf(event)
    while (this.#replayBytes > maxReplayBytes) {
      const oldest = replay.shift() as PlatformEvent
      this.#replayBytes -= sizeOf(oldest)
      this.#lostBytes += sizeOf(oldest)
      this.#lostEvents++
    }
  }

  #add(name: string, subscription: Subscription, transport: Transport): void {
    const { clock, facts, json, warn } = this.#parts
    const { types, buffering } = subscription
    const { droppedRecord, formOf, renderRecords } = records()
    const { Subscriber, realTiming } = subscribers()
    const wall = new (clocks().WallClock)(clock)
    const entry: Entry = {
      subscription,
      init: this.#init,
      subscriber: new Subscriber(
        {
          timing: realTiming(clock.now),
          counts: this.#parts.counts(name),
          // of the subscription as it is when the event is rendered
          render: (event) => {
            const { api, schemaVersion } = entry.subscription
            wall.follow(event.at)
            return renderRecords(event, formOf(api, schemaVersion, json), facts, wall)
          },
          renderLoss: ({ records, bytes }, reason) =>
            entry.subscription.types.includes('platform')
              ? droppedRecord(wall.text(clock.now()), records, bytes, reason)
              : null,
          losing: (reason) => warn({ extension: name, reason }, 'telemetry records are lost'),
        },
        { types, buffering, transport },
      ),
    }
    this.#entries.set(name, entry)
    this.wanted = true
    entry.subscriber.lose(
      { records: this.#lostEvents, bytes: this.#lostBytes },
      'too much was logged during init',
    )
    this.#catchUp(entry, types)
  }

  /** What was delivered in this init, or waits to be, is not sent again. */
  #change(entry: Entry, subscription: Subscription, transport: Transport): void {
    const known = new Set(entry.subscription.types)
    const { types, buffering } = subscription
    entry.subscriber.change({ types, buffering, transport })
    entry.subscription = subscription
    entry.init = this.#init
    this.#catchUp(
      entry,
      types.filter((type) => !known.has(type)),
    )
  }

  #catchUp({ subscriber }: Entry, types: readonly TelemetryType[]): void {
    for (const event of this.#replay ?? []) {
      const type = categoryOf(event)
      if (type !== null && types.includes(type)) subscriber.push(event)
    }
  }
}

/** About what an event takes in memory, in bytes. */
const sizeOf = (event: PlatformEvent): number => (event.type === 'log' ? event.bytes.byteLength + 100 : 200)
