/**
 * Platform events as the records that subscribers get: `{"time", "type", "record"}` in the form of the API and schema
 * version that they asked for. Fields are those of AWS's page "Lambda Telemetry API Event schema reference" and of the
 * Logs API's page; a client refuses a whole delivery for one type that it does not know, so each API has its own.
 */

import type { Verdict } from '../core/failure.ts'
import type { InvocationReport, PlatformEvent, ProcessLog, RuntimeDone } from '../engine/platform-event.ts'
import type { TelemetryApi } from '../engine/ports.ts'
import type { WallClock } from './wall-clock.ts'

/** What records say that is the same for all invocations. */
export interface RecordFacts {
  /** the records of Managed Instances: what one invocation among others used cannot be told */
  readonly managed: boolean
  readonly functionArn: string
  readonly functionName: string
  readonly functionVersion: string
  readonly memorySizeMb: number
  readonly instanceId: string
  /** as in AWS_LAMBDA_INITIALIZATION_TYPE */
  readonly initializationType: string
}

/** The form in which a subscriber wants its records. */
export interface RecordForm {
  readonly api: TelemetryApi
  readonly schemaVersion: string
  /** lines that are JSON objects are sent as objects: the log format is JSON, and the schema has them */
  readonly objects: boolean
}

/** The first schema version that has every field. */
const fullVersion = '2022-12-13'

/** The form for a subscription; `json` says that the log format of the function is JSON. */
export function formOf(api: TelemetryApi, schemaVersion: string, json: boolean): RecordForm {
  return { api, schemaVersion, objects: json && api === 'telemetry' && schemaVersion >= fullVersion }
}

/** The JSON texts of an event's records, in order; none where the API has no record of it. */
export function renderRecords(
  event: PlatformEvent,
  form: RecordForm,
  facts: RecordFacts,
  wall: WallClock,
): readonly string[] {
  if (event.type === 'log') return lines(event, form, wall, facts.managed)
  const time = wall.text(event.at)
  const typed =
    form.api === 'logs' ? logsRecords(event, form, facts) : telemetryRecords(event, form, facts, wall)
  const texts: string[] = []
  // a loop, for the compiler: see `recordCode`
  for (let index = 0; index < typed.length; index++) {
    const [type, record] = typed[index] as Typed
    texts.push(`{"time":"${time}","type":"platform.${type}","record":${record}}`)
  }
  return texts
}

/** A record of a subscriber's own losses. */
export function droppedRecord(time: string, records: number, bytes: number, reason: string): string {
  return `{"time":"${time}","type":"platform.logsDropped","record":{"droppedBytes":${bytes},"droppedRecords":${records},"reason":${JSON.stringify(reason)}}}`
}

type Typed = readonly [type: string, record: string]
const none: readonly Typed[] = []

/** The records of the Telemetry API, which are also the JSON lines of the log. */
export function telemetryRecords(
  event: Exclude<PlatformEvent, ProcessLog>,
  form: Pick<RecordForm, 'schemaVersion'>,
  facts: RecordFacts,
  wall: WallClock,
): readonly Typed[] {
  const full = form.schemaVersion >= fullVersion
  const { initializationType, functionName, functionVersion } = facts
  switch (event.type) {
    case 'initStart': {
      const { phase } = event
      const always = { initializationType, phase }
      const { instanceId, memorySizeMb } = facts
      const more = facts.managed
        ? {
            runtimeVersion: '',
            runtimeVersionArn: '',
            functionName,
            functionVersion,
            instanceId,
            instanceMaxMemory: memorySizeMb * 1_048_576,
          }
        : { functionName, functionVersion, instanceId, instanceMaxMemory: memorySizeMb }
      return [['initStart', JSON.stringify(full ? { ...always, ...more } : always)]]
    }
    case 'initRuntimeDone': {
      const phase = full ? { phase: event.phase } : {}
      return [
        ['initRuntimeDone', JSON.stringify({ initializationType, ...phase, ...statusOf(event.verdict) })],
      ]
    }
    case 'initReport': {
      const { phase, verdict, durationMs } = event
      const status = full ? `,${JSON.stringify(statusOf(verdict)).slice(1, -1)}` : ''
      return [
        [
          'initReport',
          `{"initializationType":${JSON.stringify(initializationType)},"phase":"${phase}"${status},"metrics":{"durationMs":${ms(durationMs)}}}`,
        ],
      ]
    }
    case 'restoreStart': {
      const { instanceId, memorySizeMb } = facts
      const of = { functionName, functionVersion, instanceId, instanceMaxMemory: memorySizeMb }
      return [['restoreStart', JSON.stringify(of)]]
    }
    case 'restoreReport': {
      const end = JSON.stringify(statusOf(event.verdict))
      const measured = `{${status(event.verdict)},"metrics":{"durationMs":${ms(event.durationMs)}}}`
      return [
        ['restoreRuntimeDone', end],
        ['restoreReport', measured],
      ]
    }
    case 'extension':
      return [['extension', extension(event)]]
    case 'subscribed': {
      const { api, name, types } = event
      return api === 'telemetry'
        ? [['telemetrySubscription', JSON.stringify({ name, state: 'Subscribed', types })]]
        : none
    }
    case 'start': {
      const version = JSON.stringify(functionVersion)
      const arn = facts.managed ? `,"functionArn":${JSON.stringify(facts.functionArn)}` : ''
      return [['start', `{"requestId":"${event.id}","version":${version}${arn}${tracing(event.traceId)}}`]]
    }
    case 'runtimeDone':
      return facts.managed ? none : [['runtimeDone', runtimeDone(event, full, wall)]]
    case 'report':
      return [['report', facts.managed ? shortReport(event, wall) : report(event, facts, wall)]]
    default:
      return none
  }
}

function logsRecords(
  event: Exclude<PlatformEvent, ProcessLog>,
  form: RecordForm,
  facts: RecordFacts,
): readonly Typed[] {
  switch (event.type) {
    case 'start':
      return [['start', `{"requestId":"${event.id}","version":${JSON.stringify(facts.functionVersion)}}`]]
    case 'runtimeDone': {
      if (form.schemaVersion < '2021-03-18') return none
      const { status } = event.verdict
      return [
        ['runtimeDone', `{"requestId":"${event.id}","status":"${status === 'error' ? 'failure' : status}"}`],
      ]
    }
    case 'report':
      return [
        ['end', `{"requestId":"${event.id}"}`],
        ['report', `{"requestId":"${event.id}","metrics":${metrics(event, facts)}}`],
      ]
    case 'extension':
      return [['extension', extension(event)]]
    case 'fault': {
      const { id, fault } = event
      const text = id === null ? fault.text : `RequestId: ${id} Error: ${fault.text}`
      return [['fault', JSON.stringify(`${text}\n${fault.errorType}\n`)]]
    }
    case 'subscribed': {
      const { api, name, types } = event
      return api === 'logs'
        ? [['logsSubscription', JSON.stringify({ name, state: 'Subscribed', types })]]
        : none
    }
    default:
      return none
  }
}

function runtimeDone(event: RuntimeDone, full: boolean, wall: WallClock): string {
  const { at, id, traceId, verdict, durationMs, producedBytes, respondingAt, respondedAt } = event
  const startedAt = at - durationMs
  const spans: string[] = []
  if (respondingAt !== null) spans.push(span('responseLatency', startedAt, respondingAt, wall))
  if (respondingAt !== null && respondedAt !== null) {
    spans.push(span('responseDuration', respondingAt, respondedAt, wall))
    if (full) spans.push(span('runtimeOverhead', respondedAt, at, wall))
  }
  const produced = producedBytes === null ? '' : `,"producedBytes":${producedBytes}`
  return (
    `{"requestId":"${id}",${status(verdict)},"metrics":{"durationMs":${ms(durationMs)}${produced}}` +
    `,"spans":[${spans.join(',')}]${tracing(traceId)}}`
  )
}

function report(event: InvocationReport, facts: RecordFacts, wall: WallClock): string {
  const { at, id, traceId, verdict, runtimeDoneAt } = event
  const spans =
    runtimeDoneAt === null ? '' : `,"spans":[${span('extensionOverhead', runtimeDoneAt, at, wall)}]`
  return `{"requestId":"${id}",${status(verdict)},"metrics":${metrics(event, facts)}${spans}${tracing(traceId)}}`
}

/** Of Managed Instances. A response that failed while it was read has a latency only, a timeout has no spans. */
function shortReport(event: InvocationReport, wall: WallClock): string {
  const { at, id, traceId, verdict, durationMs, respondingAt, respondedAt } = event
  const spans: string[] = []
  if (respondingAt !== null && verdict.status !== 'timeout') {
    spans.push(span('responseLatency', at - durationMs, respondingAt, wall))
    if (respondedAt !== null) spans.push(span('responseDuration', respondingAt, respondedAt, wall))
  }
  const all = spans.length === 0 ? '' : `,"spans":[${spans.join(',')}]`
  const measured = `"metrics":{"durationMs":${ms(durationMs)}}`
  return `{"requestId":"${id}",${status(verdict)},${measured}${tracing(traceId)}${all}}`
}

function metrics(
  { durationMs, initMs, restoreMs = null, memoryBytes }: InvocationReport,
  { memorySizeMb }: RecordFacts,
): string {
  const init = initMs === null ? '' : `,"initDurationMs":${ms(initMs)}`
  const restore = restoreMs === null ? '' : `,"restoreDurationMs":${ms(restoreMs)}`
  return (
    `{"durationMs":${ms(durationMs)},"billedDurationMs":${Math.ceil(durationMs)}` +
    `,"memorySizeMB":${memorySizeMb},"maxMemoryUsedMB":${Math.ceil(memoryBytes / 1048576)}${init}${restore}}`
  )
}

function extension({ name, state, events }: Extract<PlatformEvent, { type: 'extension' }>): string {
  return JSON.stringify({
    name,
    state,
    events,
    ...(state === 'LaunchError' && { errorType: 'UnknownError' }),
  })
}

/** One record per line, with its newline unless it is `bare`; or the one record of a logger. */
function lines(event: ProcessLog, { objects }: RecordForm, wall: WallClock, bare: boolean): string[] {
  const { process, bytes, recordedAt, at } = event
  const time = recordedAt === null ? wall.text(at) : new Date(recordedAt).toISOString()
  const type = process === 'runtime' ? 'function' : 'extension'
  const decoded = new TextDecoder().decode(bytes)
  const text = bare ? decoded.replace(/\r?\n$/, '') : decoded
  const split = text.split(bare ? /\r?\n/ : /(?<=\n)/)
  const texts = (recordedAt === null ? split : [text]).flatMap(pieces)
  return texts.map(
    (line) =>
      `{"time":"${time}","type":"${type}","record":${(objects && asObject(line)) || JSON.stringify(line)}}`,
  )
}

/** A line of more than 256 KiB is several records. */
const maxLine = 262_144
const pieces = (line: string): string | string[] =>
  line.length <= maxLine ? line : (line.match(/[\s\S]{1,262144}/g) as string[])

/** The text of a JSON object on one line; null for anything else. */
function asObject(line: string): string | null {
  const text = line.trim()
  if (!text.startsWith('{')) return null
  try {
    JSON.parse(text)
    // not written anew, so that numbers keep all their digits; JSON has line breaks between its tokens only
    return text.replace(/[\r\n]\s*/g, '')
  } catch {
    return null
  }
}

/** Milliseconds with three decimals. */
const ms = (duration: number): string => duration.toFixed(3)

const span = (name: string, from: number, to: number, wall: WallClock): string =>
  `{"name":"${name}","start":"${wall.text(from)}","durationMs":${ms(to - from)}}`

const statusOf = ({ status, errorType }: Verdict): object =>
  errorType === null ? { status } : { status, errorType }

/** The two fields as text; the usual one without asking anybody. */
const status = (verdict: Verdict): string =>
  verdict.status === 'success' ? '"status":"success"' : JSON.stringify(statusOf(verdict)).slice(1, -1)

/** Only for a trace that is sampled; its span is the parent that the caller named. */
function tracing(traceId: string): string {
  if (!traceId.includes('Sampled=1') || !/(?:^|;)\s*Root=/.test(traceId)) return ''
  const parent = /(?:^|;)\s*Parent=([^;]+)/.exec(traceId)?.[1]
  const spanId = parent === undefined ? '' : `"spanId":${JSON.stringify(parent)},`
  return `,"tracing":{${spanId}"type":"X-Amzn-Trace-Id","value":${JSON.stringify(traceId)}}`
}

/** What is written of each invocation, see `compiler.ts`. */
export const recordCode: readonly ((...args: never[]) => unknown)[] = [
  renderRecords,
  telemetryRecords,
  runtimeDone,
  report,
  shortReport,
  span,
  status,
  tracing,
]
