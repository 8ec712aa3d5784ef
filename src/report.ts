/** Ties `--report` to the emulator: a recorder beside its figures, and a file at the end. Loaded only where it was asked for. */

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { version } from '../package.json'
import { ConfigError, type FunctionConfig } from './config/config.ts'
import type { Clock, Log } from './engine/ports.ts'
import { RunRecorder } from './telemetry/report.ts'
import { reportTable } from './telemetry/report-table.ts'

export interface ReportFile {
  readonly recorder: RunRecorder
  /** Writes the file, and the table to this descriptor unless it is null. What fails is told in the log. */
  write(terminal: number | null): void
}

/** Throws `ConfigError` when the file cannot be written: at the start, not after hours. */
export function openReport(path: string, of: FunctionConfig, clock: Clock, log: Log): ReportFile {
  try {
    closeSync(openSync(path, 'a'))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such folder' : code === 'EISDIR' ? 'it is a folder' : message
    throw new ConfigError(`--report: ${path} cannot be written: ${why}`)
  }
  const recorder = new RunRecorder({
    emulator: version,
    clock,
    settings: {
      function: of.name,
      maxEnvironments: of.maxEnvironments,
      maxQueue: of.maxQueue,
      timeoutSeconds: of.timeoutMs / 1000,
      memorySizeMb: Number(of.memorySize),
      recycleAfter: of.recycleAfter,
    },
  })
  return {
    recorder,
    write(terminal) {
      const report = recorder.report()
      try {
        writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
      } catch (error) {
        log.error({ file: path, reason: String(error) }, 'the report cannot be written')
      }
      if (terminal !== null) writeSync(terminal, `\n${reportTable(report)}`)
    },
  }
}
