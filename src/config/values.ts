/** The values that only options of the emulator have: their types, spelled as the service does, and how each is read. */

import { destinationsAllowed } from '../destinations/allowed.ts'
import { type Address, address, choice, type Kind, optional, parsed, same } from './kinds.ts'

/** Whose answers callers get; `auto` decides by the request (DECISIONS.md, "Two dialects"). */
export type Dialect = 'auto' | 'rie' | 'lambda'
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
/** How the Function URL answers: when the function has ended, or as it goes. */
export type InvokeMode = 'BUFFERED' | 'RESPONSE_STREAM'

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const satisfies LogLevel[]
export const level = choice<LogLevel>({ panic: 'fatal', ...same(levels), warning: 'warn' })

// Few starts are given one of these three: what reads them is loaded for those.
export const origins = parsed(
  'origin,…',
  'origins as http://localhost:3000',
  (text) => (require('../gateway/cors.ts') as typeof import('../gateway/cors.ts')).parseOrigins(text),
  (value) => (Array.isArray(value) ? value.join(',') : undefined),
)
export const urlCors = parsed(
  'json',
  'the JSON of the service',
  (text) => (require('../gateway/url/cors.ts') as typeof import('../gateway/url/cors.ts')).parseUrlCors(text),
  (value) => JSON.stringify(value),
)
export const destination = parsed(
  'destination',
  destinationsAllowed,
  (text) => destinations().parseDestination(text),
  (value) => (typeof value === 'string' ? value : undefined),
)

function destinations(): typeof import('../destinations/destination.ts') {
  return require('../destinations/destination.ts')
}

/** Programs say whether there is one; where it listens is told by `emulator.functionUrl`. */
export const urlAddress: Kind<Address | null> = {
  ...optional(address),
  accepted: `true, false or ${address.allowed}`,
  accept: (value) => {
    if (typeof value === 'string') return address.read(value)
    return typeof value === 'boolean' ? (value ? { hostname: '127.0.0.1', port: 0 } : null) : undefined
  },
}
export const invokeMode: Kind<InvokeMode> = {
  ...choice<InvokeMode>({ buffered: 'BUFFERED', response_stream: 'RESPONSE_STREAM' }),
  placeholder: 'mode',
  allowed: 'BUFFERED or RESPONSE_STREAM',
}

/** What the lines of the function's log look like, spelled as the service does. */
export type LogFormat = 'Text' | 'JSON'
export const applicationLevels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
export const systemLevels = ['DEBUG', 'INFO', 'WARN'] as const
export type ApplicationLevel = (typeof applicationLevels)[number]
export type SystemLevel = (typeof systemLevels)[number]

/** One of these words, in any case. */
export function upperCase<T extends string>(names: readonly T[]): Kind<T> {
  const values = Object.fromEntries(names.map((name) => [name.toLowerCase(), name])) as Record<string, T>
  return { ...choice<T>(values), allowed: `one of ${names.join(', ')}`, placeholder: 'level' }
}

/** See `LogFormat`. */
export const logFormat: Kind<LogFormat> = {
  ...choice<LogFormat>({ text: 'Text', json: 'JSON' }),
  allowed: 'Text or JSON',
}
