/**
 * The figures as Prometheus reads them. The client library is asked only to write the format down: it is loaded with
 * the first request, and of it only the three parts that are needed (its index loads an HTTP client as well).
 */

import { readdirSync } from 'node:fs'
import type { Metric as AnyMetric } from 'prom-client'
import { version } from '../../package.json'
import { activities, type EnvironmentSnapshot } from '../engine/snapshot.ts'
import { type Distribution, type Metrics, outcomes } from './metrics.ts'
import type { SubscriberCounts } from './subscriber.ts'

/** What the pool tells at the moment of the request. */
export interface Situation {
  readonly waiting: number
  readonly waitingEvents: number
  readonly environments: readonly EnvironmentSnapshot[]
  readonly limits: { readonly maxEnvironments: number; readonly maxQueue: number }
}

export interface Exposition {
  readonly contentType: string
  /** Reads all figures now. */
  text(): Promise<string>
}

type Sample = readonly [labels: Record<string, string | number>, value: number]

/** Loads the library, which takes some milliseconds. */
export function createExposition(metrics: Metrics, situation: () => Situation): Exposition {
  const Registry = require('prom-client/lib/registry') as typeof import('prom-client').Registry
  const Counter = require('prom-client/lib/counter') as typeof import('prom-client').Counter
  const Gauge = require('prom-client/lib/gauge') as typeof import('prom-client').Gauge

  /** The library's own histogram can be fed only one observation at a time. */
  class Prepared extends Gauge<string> {
    readonly #facts: { readonly name: string; readonly help: string; readonly of: Distribution }

    constructor(name: string, help: string, of: Distribution) {
      super({ name, help, registers: [] })
      this.#facts = { name, help, of }
    }

    override async get() {
      const { name, help, of } = this.#facts
      const sample = (suffix: string, value: number, labels: Record<string, string | number> = {}) => ({
        metricName: name + suffix,
        labels,
        value,
      })
      let sum = 0
      const values = of.bounds.map((le, index) => {
        sum += of.counts[index] as number
        return sample('_bucket', sum, { le })
      })
      values.push(
        sample('_bucket', of.count, { le: '+Inf' }),
        sample('_sum', of.sum),
        sample('_count', of.count),
      )
      return { name, help, type: 'histogram' as never, aggregator: 'sum' as const, collect() {}, values }
    }
  }

  const registry = new Registry()
  const add = (metric: AnyMetric<string>): void => registry.registerMetric(metric)
  const counter = (name: string, help: string, labelNames: string[], samples: () => Iterable<Sample>): void =>
    add(
      new Counter({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const [labels, value] of samples()) this.inc(labels, value)
        },
      }),
    )
  const gauge = (name: string, help: string, labelNames: string[], samples: () => Iterable<Sample>): void =>
    add(
      new Gauge({
        name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset()
          for (const [labels, value] of samples()) this.set(labels, value)
        },
      }),
    )
  const histogram = (name: string, help: string, of: Distribution): void => add(new Prepared(name, help, of))

  counter('lambda_rie_invocations_total', 'Invocations that were answered, by outcome.', ['outcome'], () =>
    (Object.keys(outcomes) as (keyof typeof outcomes)[]).map((kind) => [
      { outcome: outcomes[kind] },
      metrics.invocations[kind],
    ]),
  )
  histogram('lambda_rie_invocation_duration_seconds', 'Time from START to the answer.', metrics.duration)
  histogram(
    'lambda_rie_first_byte_seconds',
    'Time from START to the first byte of a streamed answer.',
    metrics.firstByte,
  )
  histogram('lambda_rie_init_duration_seconds', 'Time that successful inits took.', metrics.init)
  histogram('lambda_rie_queue_wait_seconds', 'Time from arrival to an environment.', metrics.wait)
  histogram('lambda_rie_response_bytes', 'Size of what runtimes answered.', metrics.responseBytes)
  gauge('lambda_rie_queue_depth', 'Invocations that wait for an environment.', [], () => [
    [{}, situation().waiting],
  ])
  gauge(
    'lambda_rie_async_events_waiting',
    'Events without a waiting caller that wait for an environment or for another try.',
    [],
    () => [[{}, situation().waitingEvents]],
  )
  counter(
    'lambda_rie_async_events_total',
    'Events without a waiting caller that have ended, by the condition of their record.',
    ['condition'],
    () => Object.entries(metrics.events).map(([condition, count]) => [{ condition }, count]),
  )
  counter(
    'lambda_rie_destination_records_total',
    'Records of such events for their destinations.',
    ['result'],
    () => Object.entries(metrics.deliveries).map(([result, count]) => [{ result }, count]),
  )
  gauge('lambda_rie_queue_limit', 'How many invocations may wait; one more is refused.', [], () => [
    [{}, situation().limits.maxQueue],
  ])
  gauge('lambda_rie_environments_limit', 'How many execution environments there may be.', [], () => [
    [{}, situation().limits.maxEnvironments],
  ])
  gauge('lambda_rie_environments', 'Execution environments, by state.', ['state'], () => {
    const { environments } = situation()
    return activities.map((state) => [{ state }, environments.filter((one) => one.state === state).length])
  })
  gauge(
    'lambda_rie_environment_memory_bytes',
    'Peak resident memory of all processes of an environment, as last measured.',
    ['environment'],
    () => situation().environments.map(({ id, memoryBytes }) => [{ environment: id }, memoryBytes]),
  )
  counter('lambda_rie_restarts_total', 'Times that processes were ended by a failure.', ['cause'], () =>
    [...metrics.restarts].map(([cause, count]) => [{ cause }, count]),
  )
  const bySubscriber = (figure: keyof SubscriberCounts) => (): Iterable<Sample> =>
    [...metrics.subscribers].map(([extension, counts]) => [{ extension }, counts[figure]])
  counter(
    'lambda_rie_telemetry_deliveries_total',
    'Batches of telemetry records that a subscriber took.',
    ['extension'],
    bySubscriber('deliveries'),
  )
  counter(
    'lambda_rie_telemetry_retries_total',
    'Deliveries of telemetry records that were tried again.',
    ['extension'],
    bySubscriber('retries'),
  )
  counter(
    'lambda_rie_telemetry_dropped_records_total',
    'Telemetry records that a subscriber did not get.',
    ['extension'],
    bySubscriber('droppedRecords'),
  )
  gauge('lambda_rie_build_info', 'The version of the emulator.', ['version'], () => [[{ version }, 1]])
  gauge('process_resident_memory_bytes', "The emulator's own resident memory.", [], () => [
    [{}, process.memoryUsage.rss()],
  ])
  counter('process_cpu_seconds_total', "The emulator's own CPU time.", [], () => {
    const { user, system } = process.cpuUsage()
    return [[{}, (user + system) / 1e6]]
  })
  gauge('process_open_fds', 'File descriptors that the emulator has open.', [], () => [
    [{}, openDescriptors()],
  ])
  gauge('process_start_time_seconds', 'When the emulator started.', [], () => [
    [{}, performance.timeOrigin / 1000],
  ])
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

/** Linux has both folders, macOS the second. 0 where there is neither. */
function openDescriptors(): number {
  for (const folder of ['/proc/self/fd', '/dev/fd']) {
    try {
      return readdirSync(folder).length
    } catch {
      // the other one
    }
  }
  return 0
}
