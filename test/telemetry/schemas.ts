/**
 * The records that subscribers get, as JSON schemas: one for each API, schema version and type. Written from the fields
 * that AWS documents ("Lambda Telemetry API Event schema reference", "Using the Lambda Logs API"). No other field may
 * be in a record, so that a client that knows only these reads it.
 */
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'

type Schema = Readonly<Record<string, unknown>>

const text = { type: 'string' } as const
const name = { type: 'string', minLength: 1 } as const
const uuid = { type: 'string', format: 'uuid' } as const
const whole = { type: 'integer', minimum: 0 } as const
const duration = { type: 'number', minimum: 0 } as const
const time = {
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
  format: 'date-time',
} as const
const one = (...values: string[]): Schema => ({ enum: values })

/** An object with these fields and no others; a name with `?` may be missing. */
function record(fields: Readonly<Record<string, Schema>>): Schema {
  const entries = Object.entries(fields)
  return {
    type: 'object',
    additionalProperties: false,
    required: entries.filter(([key]) => !key.endsWith('?')).map(([key]) => key),
    properties: Object.fromEntries(entries.map(([key, schema]) => [key.replace('?', ''), schema])),
  }
}

const status = one('success', 'failure', 'error', 'timeout')
const phase = one('init', 'invoke')
const initializationType = one(
  'on-demand',
  'provisioned-concurrency',
  'snap-start',
  'lambda-managed-instances',
)
const tracing = record({
  'spanId?': name,
  type: one('X-Amzn-Trace-Id'),
  value: { type: 'string', pattern: '^(?=.*Root=)(?=.*Sampled=1)' },
})
const spans = (...names: string[]): Schema => ({
  type: 'array',
  uniqueItems: true,
  items: record({ name: one(...names), start: time, durationMs: duration }),
})
const metrics = record({
  durationMs: duration,
  billedDurationMs: whole,
  memorySizeMB: whole,
  maxMemoryUsedMB: whole,
  'initDurationMs?': duration,
  'restoreDurationMs?': duration,
})
const extension = record({
  name,
  state: name,
  events: { type: 'array', items: one('INVOKE', 'SHUTDOWN') },
  'errorType?': name,
})
const subscription = record({
  name,
  state: one('Subscribed'),
  types: { type: 'array', minItems: 1, items: one('platform', 'function', 'extension') },
})
const logsDropped = record({
  droppedBytes: whole,
  droppedRecords: { type: 'integer', minimum: 1 },
  reason: name,
})
const line: Schema = { type: ['string', 'object'] }

/** The Telemetry API from 2022-12-13 on. */
const full: Readonly<Record<string, Schema>> = {
  'platform.initStart': record({
    initializationType,
    phase,
    functionName: name,
    functionVersion: name,
    'instanceId?': name,
    'instanceMaxMemory?': whole,
    'runtimeVersion?': text,
    'runtimeVersionArn?': text,
  }),
  'platform.restoreStart': record({
    functionName: name,
    functionVersion: name,
    'instanceId?': name,
    'instanceMaxMemory?': whole,
  }),
  'platform.restoreRuntimeDone': record({ status, 'errorType?': name }),
  'platform.restoreReport': record({
    status,
    metrics: record({ durationMs: duration }),
    'errorType?': name,
  }),
  'platform.initRuntimeDone': record({ initializationType, phase, status, 'errorType?': name }),
  'platform.initReport': record({
    initializationType,
    phase,
    status,
    metrics: record({ durationMs: duration }),
    'errorType?': name,
  }),
  'platform.start': record({ requestId: uuid, version: name, 'tracing?': tracing }),
  'platform.runtimeDone': record({
    requestId: uuid,
    status,
    'errorType?': name,
    metrics: record({ durationMs: duration, 'producedBytes?': whole }),
    spans: spans('responseLatency', 'responseDuration', 'runtimeOverhead'),
    'tracing?': tracing,
  }),
  'platform.report': record({
    requestId: uuid,
    status,
    'errorType?': name,
    metrics,
    spans: spans('extensionOverhead'),
    'tracing?': tracing,
  }),
  'platform.extension': extension,
  'platform.telemetrySubscription': subscription,
  'platform.logsDropped': logsDropped,
  function: line,
  extension: line,
}

const first: Readonly<Record<string, Schema>> = {
  ...full,
  'platform.initStart': record({
    initializationType,
    phase,
    'runtimeVersion?': text,
    'runtimeVersionArn?': text,
  }),
  'platform.initRuntimeDone': record({ initializationType, status, 'errorType?': name }),
  'platform.initReport': record({ initializationType, phase, metrics: record({ durationMs: duration }) }),
  'platform.runtimeDone': record({
    requestId: uuid,
    status,
    'errorType?': name,
    metrics: record({ durationMs: duration, 'producedBytes?': whole }),
    spans: spans('responseLatency', 'responseDuration'),
    'tracing?': tracing,
  }),
  function: text,
  extension: text,
}

const logs: Readonly<Record<string, Schema>> = {
  'platform.start': record({ requestId: uuid, version: name }),
  'platform.end': record({ requestId: uuid }),
  'platform.report': record({ requestId: uuid, metrics }),
  'platform.fault': name,
  'platform.extension': extension,
  'platform.logsSubscription': subscription,
  'platform.logsDropped': logsDropped,
  function: text,
  extension: text,
}

/** Of Managed Instances: an invocation has fewer figures, and a record less. */
const { 'platform.runtimeDone': _, ...ofBoth } = full
const managed: Readonly<Record<string, Schema>> = {
  ...ofBoth,
  'platform.start': record({ requestId: uuid, version: name, functionArn: name, 'tracing?': tracing }),
  'platform.report': record({
    requestId: uuid,
    status,
    'errorType?': name,
    metrics: record({ durationMs: duration }),
    'tracing?': tracing,
    'spans?': spans('responseLatency', 'responseDuration'),
  }),
  function: text,
  extension: text,
}

/** By API and schema version. */
export const schemas: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  'telemetry 2022-07-01': first,
  'telemetry 2022-12-13': full,
  'telemetry 2025-01-29': full,
  'telemetry managed': managed,
  'logs 2020-08-15': logs,
  'logs 2021-03-18': {
    ...logs,
    'platform.runtimeDone': record({ requestId: uuid, status: one('success', 'failure', 'timeout') }),
  },
}

const ajv = addFormats(new Ajv({ allErrors: true, allowUnionTypes: true }))
const checks = new Map(
  Object.entries(schemas).map(([form, types]) => [
    form,
    new Map(
      Object.entries(types).map(([type, schema]) => [
        type,
        ajv.compile(record({ time, type: one(type), record: schema })),
      ]),
    ),
  ]),
)

/** What is wrong with a delivered record of this API and schema version; null if nothing is. */
export function flaw(form: string, delivered: unknown): string | null {
  const types = checks.get(form)
  if (types === undefined) throw new Error(`no schemas for ${form}`)
  const check = types.get((delivered as { type: string }).type)
  if (check === undefined) return `${form} has no such type: ${JSON.stringify(delivered)}`
  if (check(delivered)) return null
  return `${JSON.stringify(delivered)}: ${ajv.errorsText(check.errors)}`
}
