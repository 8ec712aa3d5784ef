/**
 * Errors as AWS's client for Node.js reports them.
 */

import { withoutOwnFrames } from './frames.ts'

/** The document that is posted for a failed init or invocation. */
export interface ErrorDocument {
  errorType: string
  errorMessage: string
  trace: string[]
}

/** An error of the runtime, not of the function; its name is the error type that callers see. */
export class RuntimeError extends Error {
  constructor(type: string, message: string, stack?: string) {
    super(message)
    this.name = `Runtime.${type}`
    // The frames of this program mean nothing to the author of the function.
    this.stack = stack ?? `${this.name}: ${message}`
  }
}

/** Tells errors, also those of another realm or library, from other thrown values. */
const isError = (value: unknown): value is Error =>
  value instanceof Error ||
  (typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'message' in value &&
    typeof value.message === 'string' &&
    'stack' in value &&
    typeof value.stack === 'string')

// AWS's client escapes DEL, which the service refuses in an error document.
const clean = (text: unknown) => String(text).replaceAll('\x7f', '%7F')

/**
 * The stack as V8 writes it. Bun begins that of a class derived from TypeError and its like with `Error`, and gives a
 * DOMException, as an AbortSignal throws it, none at all.
 */
const traceOf = (error: Error): string[] => {
  const { name, message, stack } = error
  if (typeof stack !== 'string') return error instanceof DOMException ? [clean(`${name}: ${message}`)] : []
  const misnamed = name !== 'Error' && !Object.hasOwn(error, 'name') && /^Error(?=: |\n|$)/.test(stack)
  return clean(withoutOwnFrames(misnamed ? name + stack.slice('Error'.length) : stack)).split('\n')
}

/** Describes whatever was thrown; never throws itself. */
export const errorDocument = (thrown: unknown): ErrorDocument => {
  try {
    if (!isError(thrown)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
    return {
      errorType: clean(thrown.name),
      errorMessage: clean(thrown.message),
      trace: traceOf(thrown),
    }
  } catch {
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its ' +
        'message, name, and stack',
      trace: [],
    }
  }
}

/** The error that stands for a rejection that nobody handled: its own type, the frames of its cause. */
export const unhandledRejection = (reason: unknown): RuntimeError => {
  const message = reason === undefined ? '' : describe(reason)
  const frames = isError(reason)
    ? withoutOwnFrames(reason.stack ?? '')
        .split('\n')
        .filter((line) => /^\s+at /.test(line))
    : []
  const stack = [`Runtime.UnhandledPromiseRejection: ${message}`, ...frames].join('\n')
  return new RuntimeError('UnhandledPromiseRejection', message, stack)
}

const describe = (value: unknown) => {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
