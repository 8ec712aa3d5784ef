/** JSON lines by pino. A module of its own because it is loaded for the first line only. */

import { pino, stdSerializers } from 'pino'
import type { LogLevel } from '../config/values.ts'

/** Takes whole lines, their newline included. */
export interface LogDestination {
  write(line: string): void
}

/** Writes one line; `at` is in Unix milliseconds, by default now. */
export type LineWriter = (level: LogLevel, fields: object, message: string, at?: number) => void

/** Makes what writes lines from this level on. */
export function createJsonLines(level: LogLevel, target: LogDestination): LineWriter {
  let now = 0
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(now).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
    },
    target,
  )
  return (severity, fields, message, at = Date.now()) => {
    now = at
    logger[severity](fields, message)
  }
}
