/** What is printed: the answer, the log of an invocation, and errors. */

import type { Writer } from './streams.ts'

/**
 * Writes a chunk. Resolves when it was handed over: the program ends the process afterwards, which would cut off what
 * is still on its way. A reader that has left, as `head` does, has what it wanted: that is no error.
 */
export function print(writer: Writer, chunk: string | Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  writer.write(chunk, (error) => {
    if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error)
    else resolve()
  })
  return promise
}

/** A terminal gets a line break after an answer that has none; a pipe gets the answer's bytes alone. */
export async function endLine(stdout: Writer, last: number | undefined): Promise<void> {
  if (stdout.isTTY && last !== undefined && last !== 10) await print(stdout, '\n')
}

/** Prints the log tail, which comes in base64; nothing without one. */
export async function printLog(encoded: string | null | undefined, stderr: Writer): Promise<void> {
  if (encoded) await print(stderr, Buffer.from(encoded, 'base64'))
}

/**
 * Prints the document of a function error or of a refusal. A terminal gets it as people read errors; a pipe gets the
 * document itself, on one line of its own.
 */
export async function printError(status: number, body: string, stderr: Writer): Promise<void> {
  const text = stderr.isTTY ? (describe(body) ?? body) : body
  await print(stderr, `${text === '' ? `the emulator answered ${status} without a body` : text.trimEnd()}\n`)
}

/** `TYPE: MESSAGE` and the frames; undefined for a text that is no such document. */
function describe(body: string): string | undefined {
  let document: Record<string, unknown> | null
  try {
    document = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof document !== 'object' || document === null) return undefined
  const { errorType, Type, errorMessage, Message, message } = document
  const said = errorMessage ?? Message ?? message
  if (typeof said !== 'string') return undefined
  const type = errorType ?? Type
  const frames = document.trace ?? document.stackTrace
  const lines = Array.isArray(frames) ? frames.filter((line) => typeof line === 'string') : []
  // Node's client repeats type and message in the first lines of the trace
  const first = lines.findIndex((line) => /^\s+(at|File) /.test(line))
  const trace = first < 0 ? [] : lines.slice(first).map((line) => `\n${line.trimEnd()}`)
  return `${typeof type === 'string' ? `${type}: ` : ''}${said}${trace.join('')}`
}
