/**
 * A dashboard for Grafana on the figures of `prometheus.ts`, served at `/_rie/dashboard.json` to be imported. It asks for a
 * Prometheus data source, and shows one emulator or many, as several replicas. Loaded when somebody asks.
 */

/** What a query is shown as, where it has more than one line. */
interface Target {
  readonly expr: string
  readonly legend: string
}

interface Panel {
  readonly title: string
  readonly description: string
  readonly unit: string
  readonly targets: readonly Target[]
  /** lines are laid on each other, where their sum means something */
  readonly stacked?: boolean
  /** in units of the grid, which is 24 wide */
  readonly width: number
}

/** Of the emulators that were chosen above the panels. */
const chosen = 'job=~"$job", instance=~"$instance"'

const rate = (metric: string): string => `rate(${metric}{${chosen}}[$__rate_interval])`

/** The time, or size, that this share of them stayed below. */
function quantiles(metric: string, ...shares: number[]): Target[] {
  return shares.map((share) => ({
    expr: `histogram_quantile(${share}, sum by (le) (${rate(`${metric}_bucket`)}))`,
    legend: `p${share * 100}`,
  }))
}

const panels: readonly Panel[] = [
  {
    title: 'Invocations',
    description: 'Answered invocations a second, by outcome.',
    unit: 'reqps',
    stacked: true,
    width: 12,
    targets: [{ expr: `sum by (outcome) (${rate('lambda_rie_invocations_total')})`, legend: '{{outcome}}' }],
  },
  {
    title: 'Failed share',
    description: 'Share of invocations whose outcome is not success.',
    unit: 'percentunit',
    width: 12,
    targets: [
      {
        expr: `1 - sum(rate(lambda_rie_invocations_total{outcome="success", ${chosen}}[$__rate_interval])) / sum(${rate('lambda_rie_invocations_total')})`,
        legend: 'failed',
      },
    ],
  },
  {
    title: 'Duration',
    description: 'From the delivery of the event to the answer.',
    unit: 's',
    width: 8,
    targets: quantiles('lambda_rie_invocation_duration_seconds', 0.5, 0.9, 0.99),
  },
  {
    title: 'Queue wait',
    description: 'From arrival to an environment: what a caller waits before the function begins.',
    unit: 's',
    width: 8,
    targets: quantiles('lambda_rie_queue_wait_seconds', 0.5, 0.9, 0.99),
  },
  {
    title: 'Init',
    description: 'How long successful inits took, and how many there were a second.',
    unit: 's',
    width: 8,
    targets: [
      ...quantiles('lambda_rie_init_duration_seconds', 0.5, 0.99),
      { expr: `sum(${rate('lambda_rie_init_duration_seconds_count')})`, legend: 'inits a second' },
    ],
  },
  {
    title: 'Queue',
    description: 'Invocations that wait. Above the limit callers get 429.',
    unit: 'short',
    width: 8,
    targets: [
      { expr: `sum(lambda_rie_queue_depth{${chosen}})`, legend: 'waiting' },
      { expr: `sum(lambda_rie_queue_limit{${chosen}})`, legend: 'limit' },
    ],
  },
  {
    title: 'Environments',
    description: 'Execution environments by state, and how many there may be.',
    unit: 'short',
    width: 8,
    targets: [
      { expr: `sum by (state) (lambda_rie_environments{${chosen}})`, legend: '{{state}}' },
      { expr: `sum(lambda_rie_environments_limit{${chosen}})`, legend: 'limit' },
    ],
  },
  {
    title: 'Ended by a failure',
    description: 'Times that processes were ended by a failure, a second, by cause.',
    unit: 'cps',
    stacked: true,
    width: 8,
    targets: [{ expr: `sum by (cause) (${rate('lambda_rie_restarts_total')})`, legend: '{{cause}}' }],
  },
  {
    title: 'First byte of streams',
    description: 'From the delivery of the event to the first byte of a streamed answer.',
    unit: 's',
    width: 8,
    targets: quantiles('lambda_rie_first_byte_seconds', 0.5, 0.99),
  },
  {
    title: 'Response size',
    description: 'Bytes of what runtimes answered.',
    unit: 'bytes',
    width: 8,
    targets: quantiles('lambda_rie_response_bytes', 0.5, 0.99),
  },
  {
    title: 'Events without a caller',
    description:
      'Asynchronous events that wait, those that have ended a second, and records for destinations.',
    unit: 'short',
    width: 8,
    targets: [
      { expr: `sum(lambda_rie_async_events_waiting{${chosen}})`, legend: 'waiting' },
      {
        expr: `sum by (condition) (${rate('lambda_rie_async_events_total')})`,
        legend: '{{condition}} a second',
      },
      {
        expr: `sum by (result) (${rate('lambda_rie_destination_records_total')})`,
        legend: 'records {{result}} a second',
      },
    ],
  },
  {
    title: 'Telemetry',
    description:
      'Batches that subscribers took, tries that were repeated, and records that were dropped, a second.',
    unit: 'cps',
    width: 8,
    targets: [
      {
        expr: `sum by (extension) (${rate('lambda_rie_telemetry_deliveries_total')})`,
        legend: '{{extension}} taken',
      },
      {
        expr: `sum by (extension) (${rate('lambda_rie_telemetry_retries_total')})`,
        legend: '{{extension}} repeated',
      },
      {
        expr: `sum by (extension) (${rate('lambda_rie_telemetry_dropped_records_total')})`,
        legend: '{{extension}} dropped',
      },
    ],
  },
  {
    title: 'Memory',
    description: 'Peak of each environment as last measured, and what the emulator itself holds.',
    unit: 'bytes',
    width: 8,
    targets: [
      {
        expr: `lambda_rie_environment_memory_bytes{${chosen}}`,
        legend: '{{instance}} environment {{environment}}',
      },
      { expr: `process_resident_memory_bytes{${chosen}}`, legend: '{{instance}} emulator' },
    ],
  },
  {
    title: 'CPU of the emulator',
    description: 'Cores that the emulator itself uses; the function is not in it.',
    unit: 'short',
    width: 8,
    targets: [{ expr: rate('process_cpu_seconds_total'), legend: '{{instance}}' }],
  },
  {
    title: 'Open files of the emulator',
    description: 'File descriptors that the emulator has open.',
    unit: 'short',
    width: 8,
    targets: [{ expr: `process_open_fds{${chosen}}`, legend: '{{instance}}' }],
  },
]

const datasource = { type: 'prometheus', uid: '$datasource' } as const
const height = 8
const gridWidth = 24

/** One after the other, in rows. */
function placed(): object[] {
  let x = 0
  let y = 0
  return panels.map(({ title, description, unit, targets, stacked = false, width }, index) => {
    if (x + width > gridWidth) {
      x = 0
      y += height
    }
    const gridPos = { x, y, w: width, h: height }
    x += width
    return {
      id: index + 1,
      type: 'timeseries',
      title,
      description,
      datasource,
      gridPos,
      fieldConfig: {
        defaults: {
          unit,
          min: 0,
          custom: { fillOpacity: stacked ? 25 : 0, stacking: { mode: stacked ? 'normal' : 'none' } },
        },
        overrides: [],
      },
      options: {
        legend: { showLegend: true, displayMode: 'list', placement: 'bottom' },
        tooltip: { mode: 'multi' },
      },
      targets: targets.map(({ expr, legend }, at) => ({
        refId: String.fromCharCode('A'.charCodeAt(0) + at),
        datasource,
        expr,
        legendFormat: legend,
      })),
    }
  })
}

/** A choice above the panels of the values that a label has. */
function choiceOf(label: string, among: string): object {
  return {
    name: label,
    label,
    type: 'query',
    datasource,
    query: `label_values(${among}, ${label})`,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: '.+',
    current: { selected: true, text: 'All', value: '$__all' },
  }
}

/** The text of the dashboard, JSON. */
export function dashboard(): string {
  const model = {
    uid: 'lambda-rie',
    title: 'Lambda functions in the emulator',
    tags: ['lambda'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: 'browser',
    refresh: '5s',
    time: { from: 'now-15m', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        choiceOf('job', 'lambda_rie_build_info'),
        choiceOf('instance', 'lambda_rie_build_info{job=~"$job"}'),
      ],
    },
    annotations: { list: [] },
    links: [],
    panels: placed(),
  }
  return `${JSON.stringify(model, null, 2)}\n`
}
