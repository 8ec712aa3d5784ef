/**
 * What is told of one environment: START, END and REPORT with the memory that it names, how init went, and what became
 * of its processes.
 */

import { type Fault, initTimeoutType, type Outcome, type ProcessName, type Verdict } from '../core/failure.ts'
import type { PlatformRecord } from '../core/lifecycle.ts'
import type { Invocation } from './invocation.ts'
import type { Clock, Journal, Log, Observer, Processes, RunningProcess } from './ports.ts'

/** Where it is told. */
export interface RecordParts {
  readonly processes: Processes
  readonly clock: Clock
  readonly journal: Journal
  readonly log: Log
  readonly observer?: Observer
}

/** Memory is looked at no more often than this, and never for more than one part in a hundred of the time. */
const memoryInterval = 250
const memoryShare = 100

export class Records {
  readonly #parts: RecordParts
  readonly #running: ReadonlyMap<ProcessName, RunningProcess>
  #initStarted = 0
  #initMs: number | null = null
  #memory = 0
  #memoryDue = 0

  /** `running` are the processes of the environment, as they come and go. */
  constructor(parts: RecordParts, running: ReadonlyMap<ProcessName, RunningProcess>) {
    this.#parts = parts
    this.#running = running
  }

  /** Peak of resident memory so far, in bytes, as of the last look. */
  get memory(): number {
    return this.#memory
  }

  /** The invocation is the one that the record names, if it names one that there is; `now` is in monotonic milliseconds. */
  write(record: PlatformRecord, invocation: Invocation | undefined, now: number): void {
    switch (record.type) {
      case 'start':
        if (invocation !== undefined) this.start(invocation, now)
        return
      case 'report':
        if (invocation !== undefined) this.report(invocation, record.verdict, now)
        return
      case 'init-start':
        this.#initStarted = now
        this.#initMs = null
        this.#parts.log.debug({ phase: record.phase }, 'init started')
        return
      case 'init-report':
        this.#initReport(record, now)
        return
      case 'fault':
        this.#fault(record.process, record.fault, record.idle)
        return
      case 'shutdown':
        this.#parts.log.debug({ reason: record.reason }, 'shutdown')
        if (record.reason === 'timeout') this.#parts.observer?.restarted('timeout')
    }
  }

  /** A caller is about to be answered. */
  settled(invocation: Invocation, outcome: Outcome, now: number): void {
    this.#parts.observer?.settled(outcome, invocation.startedAt === 0 ? null : now - invocation.startedAt)
  }

  /** A process has ended; `peakBytes` is the kernel's figure, for want of a better one. */
  ended(peakBytes: number): void {
    if (this.#memory === 0) this.#memory = peakBytes
  }

  /** The next processes start anew. */
  forgetMemory(): void {
    this.#memory = 0
    this.#memoryDue = 0
  }

  /** START. */
  start(invocation: Invocation, now: number): void {
    const { journal } = this.#parts
    if (invocation.startedAt === 0) invocation.startedAt = now
    if (invocation.tail) journal.keepTail()
    journal.start(invocation.id)
  }

  /** END and REPORT, behind what the processes wrote before. */
  report(invocation: Invocation, verdict: Verdict, now: number): void {
    const { journal } = this.#parts
    this.#drain()
    this.#lookAtMemory(now, verdict.status !== 'success')
    const report = {
      verdict,
      durationMs: now - invocation.startedAt,
      initMs: this.#initMs,
      memoryBytes: this.#memory,
    }
    this.#initMs = null
    journal.report(invocation.id, report)
    invocation.over?.(invocation.tail ? journal.takeTail() : null, report)
  }

  #initReport({ phase, verdict, extensions }: PlatformRecord & { type: 'init-report' }, now: number): void {
    const { journal, log, observer } = this.#parts
    this.#drain()
    const ms = now - this.#initStarted
    if (verdict.status === 'success' && phase === 'init') this.#initMs = ms
    journal.initReport(phase, verdict, ms, extensions)
    observer?.initialised(verdict, ms)
    log.debug({ phase, ...verdict, durationMs: ms }, 'init ended')
  }

  #fault(process: ProcessName | null, fault: Fault, idle: boolean): void {
    const { log, observer } = this.#parts
    const fields = { process: process ?? undefined, errorType: fault.errorType, reason: fault.text }
    log.warn(fields, idle ? 'a process ended while nothing ran' : 'an execution environment failed')
    // that one is a shutdown for the reason `timeout` as well
    if (fault.errorType !== initTimeoutType) observer?.restarted(fault.errorType)
  }

  #lookAtMemory(now: number, force: boolean): void {
    if (now < this.#memoryDue && !(force && this.#memory === 0)) return
    const { processes, clock } = this.#parts
    const bytes = processes.memory(this.#running.values())
    if (bytes > this.#memory) this.#memory = bytes
    const after = clock.now()
    this.#memoryDue = after + Math.max(memoryInterval, (after - now) * memoryShare)
  }

  /** What was written before stands before END. */
  #drain(): void {
    for (const process of this.#running.values()) process.drain()
  }
}
