/**
 * The console of a function: every line with its time, request id and level, in text or in JSON.
 *
 * Lines are written at once, so that what a handler logged is in the pipe before its answer is posted.
 */

import { writeSync } from 'node:fs'
import { patchConsoleMethods } from './console-methods.ts'
import { errorDocument, RuntimeError } from './errors.ts'
import { withoutOwnFrames } from './frames.ts'

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
type Level = (typeof levels)[number]

const methods = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
  fatal: 'FATAL',
} as const satisfies Record<string, Level>

/** What the lines of one invocation carry besides the message. */
export interface LogScope {
  requestId: string
  tenantId: string | undefined
}

/** The log that belongs to a patched console. */
export interface FunctionLog {
  /** Whose lines the next ones are. */
  scope: LogScope
  /** Where several invocations run at a time: whose line is being written, as far as that is known. */
  current?: () => LogScope | undefined
  /** Logs an error of the function the way AWS's client does. */
  error(title: string, thrown: unknown): void
}

/** Loaded when a line needs formatting: most have one string, and a cold start should not pay for the others. */
const format = (args: unknown[]): string => {
  if (args.length === 1 && typeof args[0] === 'string') return withoutOwnFrames(args[0])
  const { format } = require('node:util') as typeof import('node:util')
  return withoutOwnFrames(format(...args))
}

/** Writes all of it, however often a full pipe stops us; a pipe that nobody reads ends nothing. */
const write = (fd: number, bytes: Buffer) => {
  let rest = bytes
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Bun.sleepSync(1)
    }
  }
}

const stdout = 1

/** Where records are written whole, with their line feeds; undefined where there are only lines. */
const takeRecordsFd = (env: NodeJS.ProcessEnv): number | undefined => {
  const text = env._LAMBDA_TELEMETRY_LOG_FD
  delete env._LAMBDA_TELEMETRY_LOG_FD
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

/**
 * A record as the service takes it from runtime clients: a mark with level and kind, the length, the time in
 * microseconds, the text. In one write with all of it, so that nothing of another process comes between.
 */
const frame = (level: Level, now: Date, record: string, isJson: boolean): Buffer => {
  const text = Buffer.from(record)
  const header = Buffer.alloc(16)
  header.writeUInt32BE((0xa55a0000 | ((levels.indexOf(level) + 1) << 2) | (isJson ? 2 : 3)) >>> 0)
  header.writeUInt32BE(text.length, 4)
  header.writeBigUInt64BE(BigInt(now.getTime()) * 1000n, 8)
  return Buffer.concat([header, text])
}

/**
 * For `JSON.stringify`: errors become objects, each always the same one, so that an error that leads to itself is a
 * cycle, and not an object without end.
 */
const withErrors = (describe: (error: Error) => object) => {
  const known = new Map<Error, object>()
  return (_: string, value: unknown): unknown => {
    if (!(value instanceof Error)) return value
    const described = known.get(value) ?? describe(value)
    known.set(value, described)
    return described
  }
}

const jsonError = (error: Error) => ({
  // Class names of ours do not survive minification.
  errorType: error instanceof RuntimeError ? error.name : (error.constructor?.name ?? 'UnknownError'),
  errorMessage: error.message,
  stackTrace: typeof error.stack === 'string' ? withoutOwnFrames(error.stack).split('\n') : [],
  ...error,
})

const jsonLine = (now: Date, level: Level, scope: LogScope, args: unknown[]) => {
  const line: Record<string, unknown> = {
    timestamp: now.toISOString(),
    level,
    requestId: scope.requestId,
    ...(scope.tenantId && { tenantId: scope.tenantId }),
  }
  if (args.length === 1) {
    try {
      return JSON.stringify({ ...line, message: args[0] }, withErrors(jsonError))
    } catch {
      return JSON.stringify({ ...line, message: format(args) })
    }
  }
  const error = args.find((arg) => arg instanceof Error)
  const whole = { ...line, message: format(args) }
  try {
    return JSON.stringify({ ...whole, ...(error && jsonError(error)) }, withErrors(jsonError))
  } catch {
    return JSON.stringify(whole)
  }
}

// Line feeds stay, as the service's log shows them: a terminal writes each line of an entry over the one before it
// where there are carriage returns.
const textLine = (now: Date, level: Level, scope: LogScope, args: unknown[]) =>
  `${now.toISOString()}\t${scope.requestId}\t${level}\t${format(args)}`

/** One JSON text with everything that an error carries, as AWS's client puts it behind a title. */
const textError = (thrown: unknown) => {
  const plain = (error: Error) => ({
    errorType: error.name,
    errorMessage: error.message,
    code: (error as NodeJS.ErrnoException).code,
    ...error,
    ...(typeof error.stack === 'string' && { stack: withoutOwnFrames(error.stack).split('\n') }),
  })
  try {
    return JSON.stringify(thrown, withErrors(plain))
  } catch {
    return JSON.stringify(errorDocument(thrown))
  }
}

/** An error for what was thrown without being one; it comes from nowhere. */
const standIn = (message: string) => Object.assign(new Error(message), { stack: `Error: ${message}` })

/** Replaces the methods of the global console, by the log settings of `env`. */
export const patchConsole = (env: NodeJS.ProcessEnv): FunctionLog => {
  const isJson = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON'
  const least = levels.indexOf((env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase() ?? 'TRACE') as Level)
  const line = isJson ? jsonLine : textLine
  const records = takeRecordsFd(env)
  const log: FunctionLog = {
    scope: { requestId: '-', tenantId: undefined },
    error(title, thrown) {
      const error = thrown instanceof Error ? thrown : standIn(errorDocument(thrown).errorMessage)
      if (isJson) console.error(error)
      else console.error(title, `\t${textError(error)}`)
    },
  }
  for (const [method, level] of Object.entries(methods)) {
    const silent = levels.indexOf(level) < least
    const print = (...args: unknown[]) => {
      const now = new Date()
      const text = line(now, level, log.current?.() ?? log.scope, args)
      if (records === undefined) return write(stdout, Buffer.from(`${text}\n`))
      write(records, frame(level, now, isJson ? text : `${text}\n`, isJson))
    }
    Object.assign(console, { [method]: silent ? () => {} : print })
  }
  patchConsoleMethods()
  return log
}
