/** The error of an init that failed, as the runtime posted it, with its place in the code: for a developer's terminal. */

import { readFileSync } from 'node:fs'
import type { Payload } from '../core/failure.ts'

/** As loggers have errors. */
export interface ReportedError {
  /** the error type; pino shows it as the type, because there is no constructor to ask */
  readonly name: string
  readonly constructor: undefined
  readonly message: string
  /** with the line of code in front, as Node shows errors of syntax */
  readonly stack: string
}

/** Larger documents, in bytes, are not read: no error of a function is that long. */
const maxBytes = 262_144

/** Longer lines of code, in characters, are not shown: a bundler has made them, and nobody reads them. */
const maxLine = 500

/** Reads what was posted to `/init/error`; undefined for a document that has not the form of AWS's. */
export function reportedError({ size, chunks }: Payload): ReportedError | undefined {
  if (size > maxBytes) return undefined
  try {
    const { errorType, errorMessage, trace, stackTrace } = JSON.parse(Buffer.concat(chunks).toString())
    if (typeof errorType !== 'string' || typeof errorMessage !== 'string') return undefined
    const lines = [trace ?? stackTrace ?? []].flat().filter((line) => typeof line === 'string')
    const stack = lines.map((line) => line.trimEnd()).join('\n')
    return { name: errorType, constructor: undefined, message: errorMessage, stack: frameOf(stack) + stack }
  } catch {
    return undefined
  }
}

/** The first line that a frame names and that can be shown, unless the stack begins with one; empty where there is none. */
function frameOf(stack: string): string {
  if (/^\S+:\d+\n/.test(stack)) return ''
  for (const [, file, line, column] of stack.matchAll(
    /^\s+at (?:.*\()?(?:file:\/\/)?(\/[^():]+):(\d+):(\d+)\)?$/gm,
  )) {
    const text = lineOf(file as string, Number(line))
    if (text !== undefined)
      return `${file}:${line}\n${text}\n${' '.repeat(Math.max(0, Number(column) - 1))}^\n\n`
  }
  return ''
}

function lineOf(file: string, line: number): string | undefined {
  if (file.includes('/node_modules/')) return undefined
  try {
    const text = readFileSync(file, 'utf8').split('\n')[line - 1]
    return text !== undefined && text.length <= maxLine ? text : undefined
  } catch {
    return undefined
  }
}
