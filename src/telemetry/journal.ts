/**
 * The log lines of one environment: what its processes write, as whole lines, and START, END, REPORT around it.
 * The formats are the service's (behaviour.md 7.1 to 7.4).
 */

import type { ProcessName, Verdict } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import type { ExtensionReport, InitPhase } from '../core/lifecycle.ts'
import type { Journal, Report } from '../engine/ports.ts'
import { bytesOf, type LateLines, type Lines, type Sink } from './sink.ts'

/** Bytes of log that `X-Amz-Log-Result` carries at most. */
const tailBytes = 4096

/** Cuts a stream of bytes into runs of whole lines; `flush` ends an unfinished one. */
export interface LineCutter {
  push(chunk: Uint8Array): void
  flush(): void
}

export interface JournalOptions {
  readonly sink: Sink
  readonly functionVersion: string
  /** in MB, printed as it is */
  readonly memorySize: string
  cutter(emit: (lines: Uint8Array) => void): LineCutter
}

export function createJournal({ sink, functionVersion, memorySize, cutter }: JournalOptions): Journal {
  const cutters = new Map<ProcessName, LineCutter>()
  let tail: Uint8Array[] | null = null

  const write = (lines: Lines): void => {
    sink.write(lines)
    if (tail !== null) tail = keep(tail, bytesOf(lines))
  }
  const finishLines = (): void => {
    // of a function that writes nothing there are none
    if (cutters.size === 0) return
    for (const one of cutters.values()) one.flush()
  }
  return {
    output(process, chunk) {
      let lines = cutters.get(process)
      if (lines === undefined) {
        lines = cutter(write)
        cutters.set(process, lines)
      }
      lines.push(chunk)
    },
    start(id: RequestId) {
      finishLines()
      write(new Start(id, functionVersion))
    },
    report(id, report) {
      finishLines()
      write(new End(id, report, memorySize))
    },
    initReport(phase, verdict, durationMs, extensions) {
      finishLines()
      for (const extension of extensions) write(extensionLine(extension))
      if (verdict.status !== 'success') write(initReportLine(phase, verdict, durationMs))
    },
    keepTail() {
      tail = []
    },
    takeTail() {
      const kept = Buffer.concat(tail ?? [])
      tail = null
      return kept.subarray(Math.max(0, kept.byteLength - tailBytes))
    },
  }
}

class Start implements LateLines {
  readonly #id: RequestId
  readonly #version: string

  constructor(id: RequestId, version: string) {
    this.#id = id
    this.#version = version
  }

  render(): string {
    return `START RequestId: ${this.#id} Version: ${this.#version}\n`
  }
}

/** END and REPORT. */
class End implements LateLines {
  readonly #id: RequestId
  readonly #report: Report
  readonly #memorySize: string

  constructor(id: RequestId, report: Report, memorySize: string) {
    this.#id = id
    this.#report = report
    this.#memorySize = memorySize
  }

  render(): string {
    return `END RequestId: ${this.#id}\n${reportLine(this.#id, this.#report, this.#memorySize)}`
  }
}

/** Keeps at least the last 4 KB, and not much more. */
function keep(tail: Uint8Array[], lines: Uint8Array): Uint8Array[] {
  if (lines.byteLength >= tailBytes) return [lines.slice(-tailBytes)]
  tail.push(lines)
  if (tail.length < 64) return tail
  return [Buffer.concat(tail).subarray(-tailBytes)]
}

/** Durations have two decimals; what is billed is rounded up to a whole millisecond. */
export function reportLine(id: RequestId, report: Report, memorySize: string): string {
  const { verdict, durationMs, initMs, memoryBytes } = report
  const used = Math.ceil(memoryBytes / (1024 * 1024))
  const init = initMs === null ? '' : `Init Duration: ${initMs.toFixed(2)} ms\t`
  return (
    `REPORT RequestId: ${id}\tDuration: ${durationMs.toFixed(2)} ms\tBilled Duration: ${Math.ceil(durationMs)} ms\t` +
    `Memory Size: ${memorySize} MB\tMax Memory Used: ${used} MB\t${init}${failure(verdict, ' ')}\n`
  )
}

export function initReportLine(phase: InitPhase, verdict: Verdict, durationMs: number): string {
  return `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: ${phase}\t${failure(verdict, '\t').trimStart()}\n`
}

export function extensionLine({ name, state, events }: ExtensionReport): string {
  const type = state === 'LaunchError' ? '\tError Type: UnknownError' : ''
  return `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(',')}]${type}\n`
}

function failure({ status, errorType }: Verdict, separator: string): string {
  if (status === 'success') return ''
  return ` Status: ${status}${errorType === null ? '' : `${separator}Error Type: ${errorType}`}`
}
