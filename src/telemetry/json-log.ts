/**
 * The log of one environment in JSON: each platform event is a line with its record, if its level is high enough; lines
 * of the function that are JSON objects of a lower level than asked for are left out. Levels are those of AWS's page
 * "Log level event mapping". Subscribers of the Telemetry API get everything, whatever is left out here.
 */

import type { PlatformEvent, PlatformListener, ProcessLog } from '../engine/platform-event.ts'
import type { Clock } from '../engine/ports.ts'
import { formOf, type RecordFacts, recordCode, renderRecords } from './records.ts'
import type { LateLines, Lines } from './sink.ts'
import { endedRecord } from './text-log.ts'
import { WallClock } from './wall-clock.ts'

/** From the lowest to the highest. */
const applicationLevels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
type ApplicationLevel = (typeof applicationLevels)[number]
type SystemLevel = 'DEBUG' | 'INFO' | 'WARN'

export interface JsonLogOptions {
  readonly facts: RecordFacts
  readonly clock: Clock
  /** the lowest level of lines of the function */
  readonly applicationLevel: ApplicationLevel
  /** the lowest level of platform events */
  readonly systemLevel: SystemLevel
  write(lines: Lines): void
}

const systemLevels = { DEBUG: 0, INFO: 1, WARN: 2 } as const

export function jsonLog(options: JsonLogOptions): PlatformListener {
  const { applicationLevel, systemLevel, write } = options
  const wall = new WallClock(options.clock)
  const lowest = applicationLevels.indexOf(applicationLevel)
  return (event) => {
    if (event.type === 'log') {
      const bytes = lowest === 0 || event.process !== 'runtime' ? endedRecord(event) : filtered(event, lowest)
      if (bytes !== null) write(bytes)
      return
    }
    const level = levelOf(event, options.facts)
    if (level !== null && systemLevels[level] >= systemLevels[systemLevel])
      write(new Record(event, options.facts, wall))
  }
}

/** What each invocation passes through, see `compiler.ts`. */
export function jsonLogCode(): readonly (
  | ((...args: never[]) => unknown)
  | (abstract new (
      ...args: never[]
    ) => unknown)
)[] {
  const { now } = Date
  const listener = jsonLog({ clock: { now, epoch: now } } as JsonLogOptions)
  return [...recordCode, listener, levelOf, Record, WallClock]
}

/** A platform line is made when it is written out, after the caller has been answered. */
class Record implements LateLines {
  readonly #event: PlatformEvent
  readonly #facts: RecordFacts
  readonly #wall: WallClock

  constructor(event: PlatformEvent, facts: RecordFacts, wall: WallClock) {
    this.#event = event
    this.#facts = facts
    this.#wall = wall
  }

  render(): string {
    const event = this.#event
    this.#wall.follow(event.at)
    const form = event.type === 'subscribed' && event.api === 'logs' ? logsForm : fullForm
    let lines = ''
    for (const record of renderRecords(event, form, this.#facts, this.#wall)) lines += `${record}\n`
    return lines
  }
}

const logsForm = formOf('logs', '2021-03-18', false)
const fullForm = formOf('telemetry', '2025-01-29', false)

/** Null for an event that has no record. */
export function levelOf(event: PlatformEvent, { initializationType }: RecordFacts): SystemLevel | null {
  switch (event.type) {
    case 'start':
    case 'subscribed':
      return 'INFO'
    case 'initStart':
    case 'restoreStart':
      return 'DEBUG'
    case 'initRuntimeDone':
    case 'runtimeDone':
      return event.verdict.status === 'success' ? 'DEBUG' : 'WARN'
    case 'initReport':
      if (event.verdict.status !== 'success') return 'WARN'
      return initializationType === 'on-demand' ? 'DEBUG' : 'INFO'
    case 'restoreReport':
    case 'report':
      return event.verdict.status === 'success' ? 'INFO' : 'WARN'
    case 'extension':
      return event.state === 'Ready' || event.state === 'Registered' ? 'INFO' : 'WARN'
    default:
      return null
  }
}

const newline = 10
const brace = 123

/** Without lines of too low a level; null when nothing is left. */
function filtered(event: ProcessLog, lowest: number): Uint8Array | null {
  const { bytes, recordedAt } = event
  if (recordedAt !== null) return passes(bytes, lowest) ? endedRecord(event) : null
  const kept: Uint8Array[] = []
  let keptBytes = 0
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(newline, start) + 1 || bytes.length
    const line = bytes.subarray(start, end)
    if (passes(line, lowest)) {
      kept.push(line)
      keptBytes += line.length
    }
    start = end
  }
  if (keptBytes === bytes.length) return bytes
  return kept.length === 0 ? null : Buffer.concat(kept)
}

/** Levels as Python's loggers name them, AWS's own runtime client among them. */
const otherNames: { readonly [name: string]: ApplicationLevel } = { WARNING: 'WARN', CRITICAL: 'FATAL' }

/** Plain text passes; an object with no level, or one that nobody knows, counts as INFO. */
function passes(line: Uint8Array, lowest: number): boolean {
  if (line[0] !== brace) return true
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString())
  } catch {
    return true
  }
  const { level } = value as { level?: unknown }
  const name = typeof level === 'string' ? level.toUpperCase() : ''
  const named = applicationLevels.indexOf(otherNames[name] ?? (name as ApplicationLevel))
  return (named < 0 ? applicationLevels.indexOf('INFO') : named) >= lowest
}
