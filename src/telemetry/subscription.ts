/**
 * What an extension asks for when it subscribes: `PUT /2022-07-01/telemetry` and `PUT /2020-08-15/logs`.
 *
 * Fields, ranges and defaults are those of AWS's pages "Accessing real-time telemetry data for extensions using the
 * Telemetry API" and "Using the Lambda Logs API". Unknown keys are ignored everywhere, as on the service.
 */

import type { TelemetryApi } from '../engine/ports.ts'
import type { TelemetryType } from './category.ts'

/** Where records go. Every host that may be named is this machine. */
export type Destination =
  | {
      readonly protocol: 'HTTP'
      readonly port: number
      /** path and query, as asked */
      readonly target: string
      readonly host: string
      readonly method: 'POST' | 'PUT'
    }
  | { readonly protocol: 'TCP'; readonly port: number }

/** A batch is sent when it has that many records or bytes, or when its first record is that old. */
export interface Buffering {
  readonly maxItems: number
  readonly maxBytes: number
  readonly timeoutMs: number
}

export interface Subscription {
  readonly api: TelemetryApi
  readonly schemaVersion: string
  /** as sent, repeats included */
  readonly types: readonly TelemetryType[]
  readonly destination: Destination
  readonly buffering: Buffering
}

/** `message` is what the extension is told. */
export type Parsed = Subscription | { readonly problem: string }

const schemaVersions: Readonly<Record<TelemetryApi, readonly string[]>> = {
  telemetry: ['2022-07-01', '2022-12-13', '2025-01-29'],
  logs: ['2020-08-15', '2021-03-18'],
}

const typeNames = ['platform', 'function', 'extension']
const ranges = {
  maxItems: [1000, 10_000, 10_000],
  maxBytes: [262_144, 1_048_576, 262_144],
  timeoutMs: [25, 30_000, 1000],
} as const satisfies Record<keyof Buffering, readonly [min: number, max: number, fallback: number]>
const hosts = ['sandbox.localdomain', 'sandbox', 'localhost', '127.0.0.1']

/**
 * Checks in the order of the reference: JSON, then the fields, all violations together, then the destination. `versions`
 * are the schema versions that may be asked for.
 */
export function parseSubscription(
  api: TelemetryApi,
  text: string,
  versions: readonly string[] = schemaVersions[api],
): Parsed {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    return { problem: `failed to parse JSON: ${(error as Error).message}` }
  }
  if (!isObject(document)) return { problem: 'schema validation error: the body should be an object' }
  const { schemaVersion, types, destination, buffering } = document
  const problems = [
    ...versionProblems(api, schemaVersion, versions),
    ...typeProblems(types),
    ...destinationProblems(api, destination),
    ...bufferingProblems(buffering),
  ]
  if (problems.length > 0) return { problem: `schema validation error: ${problems.join('; ')}` }
  const where = parseDestination(destination as Fields)
  if ('problem' in where) return where
  const limits = (buffering ?? {}) as Partial<Buffering>
  return {
    api,
    schemaVersion: (schemaVersion ?? versions[0]) as string,
    types: types as TelemetryType[],
    destination: where,
    buffering: {
      maxItems: limits.maxItems ?? ranges.maxItems[2],
      maxBytes: limits.maxBytes ?? ranges.maxBytes[2],
      timeoutMs: limits.timeoutMs ?? ranges.timeoutMs[2],
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function versionProblems(api: TelemetryApi, version: unknown, versions: readonly string[]): string[] {
  if (version === undefined && api === 'logs') return []
  if (version === undefined) return ['schemaVersion is not provided']
  return typeof version === 'string' && versions.includes(version)
    ? []
    : [`schemaVersion should be ${versions.join(', ').replace(/, ([^,]*)$/, ' or $1')}`]
}

function typeProblems(types: unknown): string[] {
  if (types === undefined) return ['types are not provided']
  if (!Array.isArray(types)) return ['types should be an array']
  if (types.length === 0) return ['types should not be empty']
  return types.every((type) => typeNames.includes(type))
    ? []
    : ['types should be platform, function or extension']
}

function destinationProblems(api: TelemetryApi, destination: unknown): string[] {
  if (destination === undefined) return ['destination is not provided']
  if (!isObject(destination)) return ['destination should be an object']
  const { protocol, URI, port, method, encoding } = destination
  const problems: string[] = []
  if (protocol === 'HTTP') {
    if (typeof URI !== 'string' || URI === '') problems.push('URI is not provided')
  } else if (protocol === 'TCP') {
    if (!isWhole(port, 1, 65_535)) problems.push('port should be a whole number from 1 to 65535')
  } else {
    problems.push('protocol should be HTTP or TCP')
  }
  if (api === 'telemetry') return problems
  if (method !== undefined && method !== 'POST' && method !== 'PUT')
    problems.push('method should be POST or PUT')
  if (encoding !== undefined && encoding !== 'JSON') problems.push('encoding should be JSON')
  return problems
}

function bufferingProblems(buffering: unknown): string[] {
  if (buffering === undefined) return []
  if (!isObject(buffering)) return ['buffering should be an object']
  return Object.entries(ranges).flatMap(([name, [min, max]]) => {
    const value = buffering[name]
    return value === undefined || isWhole(value, min, max)
      ? []
      : [`${name} should be a whole number from ${min} to ${max}`]
  })
}

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max

function parseDestination({
  protocol,
  URI,
  port,
  method,
}: Fields): Destination | { readonly problem: string } {
  if (protocol === 'TCP') return { protocol, port: port as number }
  const invalid = (why: string) => ({ problem: `Invalid destination: destination.URI ${why}` })
  let url: URL
  try {
    url = new URL(URI as string)
  } catch {
    return invalid(`is no URI: ${URI}`)
  }
  if (url.protocol !== 'http:') return invalid('scheme must be http')
  if (!hosts.includes(url.hostname)) return invalid(`host must be ${hosts[0]}`)
  return {
    protocol: 'HTTP',
    port: url.port === '' ? 80 : Number(url.port),
    target: url.pathname + url.search,
    host: url.host,
    method: method === 'PUT' ? 'PUT' : 'POST',
  }
}
