/**
 * The log of one environment as text: what its processes write, and START, END, REPORT around it, in the words of the
 * service. Lines of our own are made when they are written out, after the caller has been answered.
 */

import type { RequestId } from '../core/ids.ts'
import type {
  ExtensionStatus,
  InitReport,
  InvocationReport,
  PlatformListener,
  ProcessLog,
  RestoreReport,
  Subscribed,
} from '../engine/platform-event.ts'
import type { Report } from '../engine/ports.ts'
import type { LateLines, Lines } from './sink.ts'

/** What lines say that is the same for all invocations. */
export interface TextLogOptions {
  readonly functionVersion: string
  /** in MB, printed as it is */
  readonly memorySize: string
  /** REPORT is that of Managed Instances: what an invocation among others used cannot be told */
  readonly managed: boolean
  /** INIT_REPORT is written of every init, as the service does for SnapStart */
  readonly snapStart?: boolean
  write(lines: Lines): void
}

export function textLog(options: TextLogOptions): PlatformListener {
  const { functionVersion, managed, snapStart = false, write } = options
  const memorySize = managed ? null : options.memorySize
  return (event) => {
    switch (event.type) {
      case 'start':
        write(new StartLine(event.id, functionVersion))
        return
      case 'log':
        write(endedRecord(event))
        return
      case 'report':
        write(new EndLines(event, memorySize))
        return
      case 'extension':
        write(extensionLine(event))
        return
      case 'subscribed':
        write(subscriptionLine(event))
        return
      case 'initReport':
        if (snapStart || event.verdict.status !== 'success') write(initReportLine(event))
        return
      case 'restoreReport':
        write(restoreReportLine(event))
    }
  }
}

/** The bytes of an event with a newline at their end; the record of a logger may come without. */
export function endedRecord({ bytes, recordedAt }: ProcessLog): Uint8Array {
  if (recordedAt === null || bytes[bytes.length - 1] === 10) return bytes
  const ended = new Uint8Array(bytes.length + 1)
  ended.set(bytes)
  ended[bytes.length] = 10
  return ended
}

export class StartLine implements LateLines {
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
export class EndLines implements LateLines {
  readonly #report: InvocationReport
  readonly #memorySize: string | null

  constructor(report: InvocationReport, memorySize: string | null) {
    this.#report = report
    this.#memorySize = memorySize
  }

  render(): string {
    const { id } = this.#report
    return `END RequestId: ${id}\n${reportLine(id, this.#report, this.#memorySize)}`
  }
}

/** As `toFixed(2)`, which takes four times as long: it is written for each invocation. */
export function twoDecimals(ms: number): string {
  const hundredths = Math.round(ms * 100)
  // beyond this, whole numbers take long too
  if (!(hundredths >= 0 && hundredths < 2 ** 31)) return ms.toFixed(2)
  const rest = hundredths % 100
  return `${(hundredths - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`
}

/**
 * Durations have two decimals; what is billed is rounded up to a whole millisecond. Without a memory size it is the
 * short one of Managed Instances.
 */
export function reportLine(id: RequestId, report: Report, memorySize: string | null): string {
  const { verdict, durationMs, initMs, restoreMs = null, memoryBytes } = report
  if (memorySize === null) {
    return `REPORT RequestId: ${id}\tDuration: ${twoDecimals(durationMs)} ms${failure(verdict, '\t').replace(' ', '\t')}\n`
  }
  const used = Math.ceil(memoryBytes / (1024 * 1024))
  const init = initMs === null ? '' : `Init Duration: ${initMs.toFixed(2)} ms\t`
  const restore =
    restoreMs === null
      ? ''
      : `Restore Duration: ${restoreMs.toFixed(2)} ms\tBilled Restore Duration: ${Math.ceil(restoreMs)} ms\t`
  return (
    `REPORT RequestId: ${id}\tDuration: ${twoDecimals(durationMs)} ms\tBilled Duration: ${Math.ceil(durationMs)} ms\t` +
    `Memory Size: ${memorySize} MB\tMax Memory Used: ${used} MB\t${init}${restore}${failure(verdict, ' ')}\n`
  )
}

export function initReportLine({ phase, verdict, durationMs }: Omit<InitReport, 'type' | 'at'>): string {
  const end = verdict.status === 'success' ? 'Status: success' : failure(verdict, '\t').trimStart()
  return `INIT_REPORT Init Duration: ${durationMs.toFixed(2)} ms\tPhase: ${phase}\t${end}\n`
}

export function restoreReportLine({ verdict, durationMs }: Omit<RestoreReport, 'type' | 'at'>): string {
  const end = verdict.status === 'success' ? '' : `\t${failure(verdict, '\t').trimStart()}`
  return `RESTORE_REPORT Restore Duration: ${durationMs.toFixed(2)} ms${end}\n`
}

export function extensionLine({ name, state, events }: Omit<ExtensionStatus, 'type' | 'at'>): string {
  const type = state === 'LaunchError' ? '\tError Type: UnknownError' : ''
  return `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(',')}]${type}\n`
}

export function subscriptionLine({ api, name, types }: Omit<Subscribed, 'type' | 'at'>): string {
  return `${api.toUpperCase()}\tName: ${name}\tState: Subscribed\tTypes: [${types.join(',')}]\n`
}

export function failure({ status, errorType }: Report['verdict'], separator: string): string {
  if (status === 'success') return ''
  return ` Status: ${status}${errorType === null ? '' : `${separator}Error Type: ${errorType}`}`
}
