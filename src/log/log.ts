/**
 * The emulator's own log: JSON lines on stderr, or lines for people when stderr is a terminal.
 *
 * Loading pino takes several milliseconds, half of what a whole cold start may take, and pino-pretty as much again.
 * So neither is imported before the first line that the level lets through, and the first lines are held back until
 * an invocation that comes right at the start has had its chance to be answered. No transports: they are worker threads,
 * which a compiled program cannot start, and every line is on its way when the call returns.
 */

import { writeSync } from 'node:fs'
import type { LogLevel } from '../config/values.ts'
import { isTerminal, reopenNonBlocking } from '../stdio.ts'
import type { LineWriter, LogDestination } from './json.ts'

/**
 * What the rest of the program logs with. Fields named `level`, `time` or `msg` would stand in the line twice, and one
 * named `timestamp` is not shown to people.
 */
export interface Logger {
  trace(fields: object, message: string): void
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  fatal(fields: object, message: string): void
  /** A log that adds these fields to each of its lines, as that of one environment. */
  child(bindings: object): Logger
}

/** The log of the program, which may hold lines back for a moment. */
export interface RootLogger extends Logger {
  /** Writes out what is held back; to be called before the program ends. */
  flush(): void
}

export interface LogOptions {
  /** how long the first lines are held back, in milliseconds, so that loading pino delays no cold start; default 0 */
  readonly holdMs?: number
  /** the least severe level that is written */
  readonly level: LogLevel
  /** default: stderr */
  readonly destination?: LogDestination
  /** lines for people; default: whether stderr is a terminal, and no if there is a `destination` */
  readonly pretty?: boolean
}

const severities: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

function logTo(sink: LineWriter, bindings: object): Logger {
  const write =
    (level: LogLevel) =>
    (fields: object, message: string): void => {
      // An error has no fields of its own to spread; pino's word for it is `err`.
      sink(level, { ...bindings, ...(fields instanceof Error ? { err: fields } : fields) }, message)
    }
  return {
    trace: write('trace'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    child: (more) => logTo(sink, { ...bindings, ...more }),
  }
}

/** How often a full pipe is tried again, 1 ms apart, before its reader has stopped for good. */
const patience = 100

/**
 * Writes whole lines, or none when stderr is closed: a log must not end the program. Nor must it stop it: a reader who
 * takes nothing is waited for once, and lines are lost until it reads again.
 */
function openStderr(): LogDestination {
  const target = reopenNonBlocking(2)
  let stopped = false
  /** the end of a line whose beginning was written */
  let owed: Buffer = Buffer.alloc(0)
  function put(bytes: Buffer): Buffer {
    let rest = bytes
    for (let tries = 0; rest.length > 0; ) {
      try {
        rest = rest.subarray(writeSync(target, rest))
        stopped = false
        tries = 0
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return rest.subarray(rest.length)
        if (stopped || ++tries >= patience) {
          stopped = true
          return rest
        }
        Bun.sleepSync(1)
      }
    }
    return rest
  }
  return {
    write(line) {
      owed = put(owed)
      if (owed.length > 0) return
      const whole = Buffer.from(line)
      const rest = put(whole)
      if (rest.length < whole.length) owed = rest
    },
  }
}

let opened: LogDestination | undefined
/** One for all logs of the process: each has a descriptor of its own. */
function theStderr(): LogDestination {
  opened ??= openStderr()
  return opened
}

function open({ level, destination, pretty }: LogOptions): LineWriter {
  let target = destination ?? theStderr()
  if (pretty ?? (destination === undefined && isTerminal(2))) {
    const { createPretty } = require('./pretty.ts') as typeof import('./pretty.ts')
    const render = createPretty(destination === undefined)
    const raw = target
    target = { write: (line) => raw.write(render(line)) }
  }
  const { createJsonLines } = require('./json.ts') as typeof import('./json.ts')
  return createJsonLines(level, target)
}

/** Makes the log. Costs nothing until a line is written; the first one loads pino, which takes 5 to 10 ms. */
export function createLog(options: LogOptions): RootLogger {
  const { holdMs = 0 } = options
  const threshold = severities.indexOf(options.level)
  let sink: LineWriter | undefined
  const held: [LogLevel, object, string, number][] = []
  function flush(): void {
    if (held.length === 0) return
    sink ??= open(options)
    for (const line of held.splice(0)) sink(...line)
  }
  const lazily: LineWriter = (level, fields, message) => {
    if (severities.indexOf(level) < threshold) return
    if (sink !== undefined || holdMs === 0) {
      sink ??= open(options)
      sink(level, fields, message)
      return
    }
    if (held.push([level, fields, message, Date.now()]) === 1) setTimeout(flush, holdMs)
  }
  return { ...logTo(lazily, {}), flush }
}

/** One line of a `memoryLog`, the fields of its log and its own merged. */
export interface LogEntry {
  readonly level: LogLevel
  readonly fields: object
  readonly message: string
}

/** A log for tests that keeps everything and writes nothing. */
export function memoryLog(): { readonly log: Logger; readonly entries: LogEntry[] } {
  const entries: LogEntry[] = []
  return { log: logTo((level, fields, message) => entries.push({ level, fields, message }), {}), entries }
}
