/** Where the lines of the functions go: to the terminal, to a callback, or into memory for `emulator.output()`. */

import type { EnvironmentId } from '../core/ids.ts'
import { bytesOf, type Lines, type Sink } from '../telemetry/sink.ts'
import { openOutput } from '../telemetry/terminal.ts'
import type { OutputOption } from './api.d.ts'
import { callback } from './callback.ts'

/** What is kept at most, in bytes; older lines go first. */
const maxKept = 16 * 1024 * 1024

interface Kept {
  readonly environment: number
  readonly functionName: string
  readonly bytes: Uint8Array
}

/** Where the log lines of all environments go, and what was kept of them. */
export interface Output {
  sinkOf(id: EnvironmentId, functionName: string): Sink
  flush(): void
  /**
   * The lines so far, of one environment or of all, of one function or of all, in the order in which they came; empty
   * unless they are kept.
   */
  text(environment?: number, functionName?: string): string
}

export function createOutput(option: OutputOption): Output {
  if (option === 'inherit') {
    const sink = openOutput()
    return { sinkOf: () => sink, flush: () => sink.flush(true), text: () => '' }
  }
  if (option !== 'collect') {
    const tell = callback(option)
    return {
      sinkOf: (id, functionName) => forwarding((lines) => tell(decode(bytesOf(lines)), id, functionName)),
      flush() {},
      text: () => '',
    }
  }
  const kept: (Kept | undefined)[] = []
  let size = 0
  let first = 0
  function keep(lines: Lines, environment: number, functionName: string): void {
    const bytes = bytesOf(lines)
    kept.push({ environment, functionName, bytes })
    size += bytes.byteLength
    while (size > maxKept) {
      size -= (kept[first] as Kept).bytes.byteLength
      // frees its bytes; its place goes later, with many
      kept[first++] = undefined
    }
    if (first > 1024 && first * 2 > kept.length) {
      kept.splice(0, first)
      first = 0
    }
  }
  return {
    sinkOf: (id, functionName) => forwarding((lines) => keep(lines, id, functionName)),
    flush() {},
    text(environment, functionName) {
      const wanted = (kept.slice(first) as Kept[])
        .filter((one) => environment === undefined || one.environment === environment)
        .filter((one) => functionName === undefined || one.functionName === functionName)
      return decode(Buffer.concat(wanted.map(({ bytes }) => bytes)))
    },
  }
}

function forwarding(write: Sink['write']): Sink {
  return { write, flush() {} }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}
