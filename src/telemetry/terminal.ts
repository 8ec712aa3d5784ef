/**
 * Lines of a function on a terminal. Lambda's runtime clients write `\r` in place of the line feeds within one record, so
 * that CloudWatch takes it for one; on a terminal each line of a stack trace would be painted over the one before. There
 * they are line feeds; everywhere else they stay as they are.
 */

import { isTerminal } from '../stdio.ts'
import { type Lines, openSink, type Sink, type SinkOptions } from './sink.ts'

const carriageReturn = 13
const lineFeed = 10

/** The sink of this program's stdout, or of another descriptor. */
export function openOutput(fd = 1, options: SinkOptions = {}): Sink {
  const sink = openSink(fd, options)
  if (!isTerminal(fd)) return sink
  return {
    write: (lines) => sink.write(forTerminal(lines)),
    flush: (wait) => sink.flush(wait),
  }
}

/**
 * Whole lines, with a line feed for each carriage return that none follows. The bytes that were given stay as they are.
 */
export function forTerminal(lines: Lines): Lines {
  // Text is ours: START, END and REPORT have none.
  if (!(lines instanceof Uint8Array)) return lines
  let changed: Uint8Array | undefined
  for (let at = lines.indexOf(carriageReturn); at >= 0; at = lines.indexOf(carriageReturn, at + 1)) {
    if (lines[at + 1] === lineFeed) continue
    changed ??= lines.slice()
    changed[at] = lineFeed
  }
  return changed ?? lines
}
