/** JSON lines by pino. A module of its own because it is loaded for the first line only. */

import { pino, stdSerializers } from 'pino'
import type { LogLevel } from '../config.ts'
import type { Destination, Sink } from './log.ts'

export function createLines(level: LogLevel, target: Destination): Sink {
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
