/**
 * The figures as Prometheus reads them. The client library is asked only to write the format down: it is loaded with
 * the first request, and of it only the three parts that are needed (its index loads an HTTP client as well).
 */

import { readdirSync } from 'node:fs'
import type { Metric as AnyMetric } from 'prom-client'
import { version } from '../../package.json'
import type { RunCounts } from '../engine/durable.ts'
import { activities, type EnvironmentSnapshot } from '../engine/snapshot.ts'
import { type Distribution, type Metrics, outcomes } from './metrics.ts'
import type { SubscriberCounts } from './subscriber.ts'

/** What the pool tells at the moment of the request. */
export interface Situation {
  readonly waiting: number
  readonly waitingEvents: number
  /** of a durable function */
  readonly durable: RunCounts | null
  readonly environments: readonly EnvironmentSnapshot[]
  readonly limits: { readonly maxEnvironments: number; readonly maxQueue: number }
}

export interface Exposition {
  readonly contentType: string
  /** Reads all figures now. */
  text(): Promise<string>
}

interface PreparedFacts {
  readonly name: string
  readonly help: string
  readonly of: (metrics: Metrics) => Distribution
}

type OfOne = (one: MeasuredFunction) => Iterable<Sample>
type Sample = readonly [labels: Record<string, string | number>, value: number]

/** What is exposed of one function. */
export interface MeasuredFunction {
  readonly name: string
  readonly metrics: Metrics
  readonly situation: () => Situation
}

/** Loads the library, which takes some milliseconds. `named`: every figure of a function has its name for a label. */
export function createExposition(functions: readonly MeasuredFunction[], named: boolean): Exposition {
  const Registry = require('prom-client/lib/registry') as typeof import('prom-client').Registry
  const Counter = require('prom-client/lib/counter') as typeof import('prom-client').Counter
  const Gauge = require('prom-client/lib/gauge') as typeof import('prom-client').Gauge

  const labelNames = named ? ['function'] : []
  const labelOf = ({ name }: MeasuredFunction): Record<string, string> => (named ? { function: name } : {})
  /** The samples of each function, with its name. */
  const ofEach = (samples: OfOne) => (): Iterable<Sample> =>
    functions.flatMap((one) =>
      [...samples(one)].map(([labels, value]): Sample => [{ ...labelOf(one), ...labels }, value]),
    )

  /** The library's own histogram can be fed only one observation at a time. */
  class Prepared extends Gauge<string> {
    readonly #facts: PreparedFacts

    constructor(name: string, help: string, of: PreparedFacts['of']) {
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
      const values = functions.flatMap((one) => {
        const distribution = of(one.metrics)
        const own = labelOf(one)
        let sum = 0
        const buckets = distribution.bounds.map((le, index) => {
          sum += distribution.counts[index] as number
          return sample('_bucket', sum, { le, ...own })
        })
        return [
          ...buckets,
          sample('_bucket', distribution.count, { le: '+Inf', ...own }),
          sample('_sum', distribution.sum, own),
          sample('_count', distribution.count, own),
        ]
      })
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
  const counterOf = (name: string, help: string, labels: string[], samples: OfOne): void =>
    counter(name, help, [...labelNames, ...labels], ofEach(samples))
  const gaugeOf = (name: string, help: string, labels: string[], samples: OfOne): void =>
    gauge(name, help, [...labelNames, ...labels], ofEach(samples))
  const histogram = (name: string, help: string, of: PreparedFacts['of']): void =>
    add(new Prepared(name, help, of))

  counterOf(
    'lambda_rie_invocations_total',
    'Invocations that were answered, by outcome.',
    ['outcome'],
    ({ metrics }) =>
      (Object.keys(outcomes) as (keyof typeof outcomes)[]).map((kind) => [
        { outcome: outcomes[kind] },
        metrics.invocations[kind],
      ]),
  )
  histogram(
    'lambda_rie_invocation_duration_seconds',
    'Time from START to the answer.',
    ({ duration }) => duration,
  )
  histogram(
    'lambda_rie_first_byte_seconds',
    'Time from START to the first byte of a streamed answer.',
    ({ firstByte }) => firstByte,
  )
  histogram('lambda_rie_init_duration_seconds', 'Time that successful inits took.', ({ init }) => init)
  histogram('lambda_rie_queue_wait_seconds', 'Time from arrival to an environment.', ({ wait }) => wait)
  histogram(
    'lambda_rie_response_bytes',
    'Size of what runtimes answered.',
    ({ responseBytes }) => responseBytes,
  )
  gaugeOf('lambda_rie_queue_depth', 'Invocations that wait for an environment.', [], ({ situation }) => [
    [{}, situation().waiting],
  ])
  gaugeOf(
    'lambda_rie_async_events_waiting',
    'Events without a waiting caller that wait for an environment or for another try.',
    [],
    ({ situation }) => [[{}, situation().waitingEvents]],
  )
  counterOf(
    'lambda_rie_async_events_total',
    'Events without a waiting caller that have ended, by the condition of their record.',
    ['condition'],
    ({ metrics }) => Object.entries(metrics.events).map(([condition, count]) => [{ condition }, count]),
  )
  counterOf(
    'lambda_rie_destination_records_total',
    'Records of such events for their destinations.',
    ['result'],
    ({ metrics }) => Object.entries(metrics.deliveries).map(([result, count]) => [{ result }, count]),
  )
  if (functions.some(({ situation }) => situation().durable !== null)) {
    gaugeOf(
      'lambda_rie_durable_runs_open',
      'Durable executions that have not ended.',
      [],
      ({ situation }) => {
        const { durable } = situation()
        return durable === null ? [] : [[{}, durable.open]]
      },
    )
    counterOf(
      'lambda_rie_durable_runs_total',
      'Durable executions that have ended, by their status.',
      ['status'],
      ({ situation }) =>
        Object.entries(situation().durable?.ended ?? {}).map(([status, count]) => [{ status }, count]),
    )
  }
  gaugeOf(
    'lambda_rie_queue_limit',
    'How many invocations may wait; one more is refused.',
    [],
    ({ situation }) => [[{}, situation().limits.maxQueue]],
  )
  gaugeOf(
    'lambda_rie_environments_limit',
    'How many execution environments there may be.',
    [],
    ({ situation }) => [[{}, situation().limits.maxEnvironments]],
  )
  gaugeOf('lambda_rie_environments', 'Execution environments, by state.', ['state'], ({ situation }) => {
    const { environments } = situation()
    return activities.map((state) => [{ state }, environments.filter((one) => one.state === state).length])
  })
  gaugeOf(
    'lambda_rie_environment_memory_bytes',
    'Peak resident memory of all processes of an environment, as last measured.',
    ['environment'],
    ({ situation }) =>
      situation().environments.map(({ id, memoryBytes }) => [{ environment: id }, memoryBytes]),
  )
  counterOf(
    'lambda_rie_restarts_total',
    'Times that processes were ended by a failure.',
    ['cause'],
    ({ metrics }) => [...metrics.restarts].map(([cause, count]) => [{ cause }, count]),
  )
  const bySubscriber =
    (figure: keyof SubscriberCounts) =>
    ({ metrics }: MeasuredFunction): Iterable<Sample> =>
      [...metrics.subscribers].map(([extension, counts]) => [{ extension }, counts[figure]])
  counterOf(
    'lambda_rie_telemetry_deliveries_total',
    'Batches of telemetry records that a subscriber took.',
    ['extension'],
    bySubscriber('deliveries'),
  )
  counterOf(
    'lambda_rie_telemetry_retries_total',
    'Deliveries of telemetry records that were tried again.',
    ['extension'],
    bySubscriber('retries'),
  )
  counterOf(
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
