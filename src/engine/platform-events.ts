/**
 * The stream of platform events of one environment: the only place that knows what happened when.
 *
 * Whoever tells of an environment is a listener of this stream: the text log, the metrics, the emulator's own log,
 * telemetry subscriptions. An event is emitted in the step that caused it, before the effects that follow, so all
 * listeners see one order. Output of processes is part of the stream, as whole lines; what a process wrote before it
 * called the emulator is read from its pipe before the event that the call causes.
 */

import { type Outcome, type ProcessName, success, type Verdict } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { isRead } from '../core/inflight.ts'
import type { InitPhase, LifecycleState, PlatformRecord } from '../core/lifecycle.ts'
import type { Invocation } from './invocation.ts'
import { MemoryUse } from './memory-use.ts'
import type { Details, InvocationReport, PlatformEvent, PlatformListener } from './platform-event.ts'
import type {
  Clock,
  LogTail,
  OutputCutter,
  OutputEmit,
  Processes,
  RunningProcess,
  TelemetryApi,
} from './ports.ts'

/** When an invocation got where; times are monotonic milliseconds, null until then. */
interface Progress {
  respondingAt: number | null
  respondedAt: number | null
  producedBytes: number | null
  runtimeDoneAt: number | null
}

/** What an event stream is made of. */
export interface PlatformEventParts {
  readonly processes: Processes
  readonly clock: Clock
  readonly listeners: readonly PlatformListener[]
  readonly details?: Details
  /** Makes what cuts the output of one process into whole lines and records. */
  cutter(emit: OutputEmit): OutputCutter
  /** what keeps the end of the log of an invocation whose caller asked for it */
  readonly tail?: LogTail
}

export class PlatformEvents {
  readonly #parts: PlatformEventParts
  readonly #running: ReadonlyMap<ProcessName, RunningProcess>
  readonly #cutters = new Map<ProcessName, OutputCutter>()
  readonly #memory: MemoryUse
  #initStarted = 0
  #initMs: number | null = null
  #restoreStarted = 0
  #restoreMs: number | null = null
  /** the runtime has been started in this init, and has not asked for an event yet */
  #awaitsRuntime = false
  #initPhase: InitPhase = 'init'
  /** of what is in flight, while details are wanted */
  readonly #progress = new Map<RequestId, Progress>()
  /** of the last invocation that started */
  #lastId: RequestId | null = null

  /** `running` are the processes of the environment, as they come and go. */
  constructor(parts: PlatformEventParts, running: ReadonlyMap<ProcessName, RunningProcess>) {
    this.#parts = parts
    this.#running = running
    this.#memory = new MemoryUse(parts, running)
  }

  /** Peak of resident memory so far, in bytes, as of the last look. */
  get memory(): number {
    return this.#memory.bytes
  }

  /** A process wrote something. */
  output(process: ProcessName, chunk: Uint8Array): void {
    let cutter = this.#cutters.get(process)
    if (cutter === undefined) {
      cutter = this.cutterOf(process)
      this.#cutters.set(process, cutter)
    }
    cutter.push(chunk)
  }

  /** Takes what a process writes on a stream of its own, beside its usual output. */
  cutterOf(process: ProcessName): OutputCutter {
    return this.#parts.cutter((bytes, recordedAt) =>
      this.emit({ type: 'log', at: this.#parts.clock.now(), process, bytes, recordedAt }),
    )
  }

  /**
   * The invocation is the one that the record names, if it names one that there is; `now` is in monotonic milliseconds.
   */
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
        this.#initPhase = record.phase
        this.#awaitsRuntime = false
        this.emit({ type: 'initStart', at: now, phase: record.phase })
        return
      case 'init-report':
        this.initReport(record, now)
        return
      case 'restore-start':
        this.#restoreStarted = now
        // init is no part of the invocation
        this.#initMs = null
        this.emit({ type: 'restoreStart', at: now })
        return
      case 'restore-report': {
        const { verdict } = record
        const durationMs = now - this.#restoreStarted
        this.drain()
        this.#restoreMs = durationMs
        this.emit({ type: 'restoreReport', at: now, verdict, durationMs })
        return
      }
      case 'fault': {
        const { process, fault, idle } = record
        this.emit({ type: 'fault', at: now, process, fault, idle, id: idle ? null : this.#lastId })
        return
      }
      case 'shutdown':
        this.emit({ type: 'shutdown', at: now, reason: record.reason })
    }
  }

  /** An extension has subscribed to the Telemetry or Logs API. */
  subscribed(api: TelemetryApi, name: string, types: readonly string[]): void {
    this.drain()
    this.emit({ type: 'subscribed', at: this.#parts.clock.now(), api, name, types })
  }

  /** The runtime is about to be started. */
  runtimeStarts(): void {
    this.#awaitsRuntime = true
  }

  /** Looks how far the runtime has come, after each step of an init, and of an invocation while details are wanted. */
  observe(state: LifecycleState, invocation: (id: RequestId) => Invocation | undefined): void {
    if (state.phase === 'starting') {
      if (this.#awaitsRuntime && state.runtime === 'Ready')
        this.initRuntimeDone(success, this.#parts.clock.now())
      return
    }
    if (state.phase !== 'serving') return
    for (const entry of state.inflight) {
      const progress = this.#progress.get(entry.id)
      if (progress === undefined) continue
      if (isRead(entry)) progress.respondingAt ??= this.#parts.clock.now()
      else if (entry.stage === 'responded' && state.polls.length > 0) {
        const one = invocation(entry.id)
        if (one !== undefined)
          this.runtimeDone(one, progress, entry.verdict ?? success, this.#parts.clock.now())
      }
    }
  }

  /** Details are wanted, or an init has not come to its end. */
  get observes(): boolean {
    return this.#awaitsRuntime || this.#progress.size > 0
  }

  /** A caller is about to get the first byte of a stream. */
  began({ id, startedAt }: Invocation, now: number): void {
    const progress = this.#progress.size > 0 ? this.#progress.get(id) : undefined
    // the latency of a stream ends with its first byte, not with the head of the request
    if (progress !== undefined) progress.respondingAt = now
    this.emit({ type: 'responseStart', at: now, id, latencyMs: now - startedAt })
  }

  /** A caller is about to be answered. */
  settled({ id, startedAt }: Invocation, outcome: Outcome, now: number): void {
    if (this.#progress.size > 0) noteOutcome(this.#progress.get(id), outcome, now)
    const durationMs = startedAt === 0 ? null : now - startedAt
    this.emit({ type: 'answered', at: now, id, outcome, durationMs })
  }

  /** A process has ended; `peakBytes` is the kernel's figure, for want of a better one. */
  ended(peakBytes: number): void {
    this.#memory.ended(peakBytes)
  }

  /** The next processes start anew. */
  forgetMemory(): void {
    this.#memory.forget()
    for (const cutter of this.#cutters.values()) cutter.end()
  }

  /** The event of an invocation is delivered. */
  start(invocation: Invocation, now: number): void {
    if (invocation.startedAt === 0) invocation.startedAt = now
    this.endLines()
    if (invocation.tail) this.#parts.tail?.keep()
    const { id, traceId } = invocation
    this.#lastId = id
    if (this.#parts.details?.wanted === true) {
      this.#progress.set(id, {
        respondingAt: null,
        respondedAt: null,
        producedBytes: null,
        runtimeDoneAt: null,
      })
    }
    this.emit({ type: 'start', at: now, id, traceId })
  }

  /** The invocation is over. What the processes wrote before comes before. */
  report(invocation: Invocation, verdict: Verdict, now: number): void {
    this.drain()
    this.#memory.look(now, verdict.status !== 'success')
    const { id, traceId } = invocation
    const progress = this.#progress.size > 0 ? this.#progress.get(id) : undefined
    if (progress !== undefined) {
      this.runtimeDone(invocation, progress, verdict, now)
      this.#progress.delete(id)
    }
    const report: InvocationReport = {
      type: 'report',
      at: now,
      id,
      traceId,
      verdict,
      durationMs: now - invocation.startedAt,
      initMs: this.#initMs,
      restoreMs: this.#restoreMs,
      memoryBytes: this.#memory.bytes,
      runtimeDoneAt: progress?.runtimeDoneAt ?? null,
      respondingAt: progress?.respondingAt ?? null,
      respondedAt: progress?.respondedAt ?? null,
    }
    this.#initMs = null
    this.#restoreMs = null
    this.emit(report)
    invocation.over?.(invocation.tail ? (this.#parts.tail?.take() ?? null) : null, report)
  }

  private initReport(
    { phase, verdict, extensions }: PlatformRecord & { type: 'init-report' },
    now: number,
  ): void {
    this.drain()
    if (this.#awaitsRuntime) this.initRuntimeDone(verdict, now)
    const durationMs = now - this.#initStarted
    if (verdict.status === 'success' && phase === 'init') this.#initMs = durationMs
    for (const { name, state, events } of extensions) {
      this.emit({ type: 'extension', at: now, name, state, events })
    }
    this.emit({ type: 'initReport', at: now, phase, verdict, durationMs })
  }

  private initRuntimeDone(verdict: Verdict, now: number): void {
    this.#awaitsRuntime = false
    this.emit({ type: 'initRuntimeDone', at: now, phase: this.#initPhase, verdict })
  }

  /** Tells it once. */
  private runtimeDone(
    { id, traceId, startedAt }: Invocation,
    progress: Progress,
    verdict: Verdict,
    now: number,
  ): void {
    if (progress.runtimeDoneAt !== null) return
    progress.runtimeDoneAt = now
    const { producedBytes, respondingAt, respondedAt } = progress
    this.drain()
    this.emit({
      type: 'runtimeDone',
      at: now,
      id,
      traceId,
      verdict,
      durationMs: now - startedAt,
      producedBytes,
      respondingAt,
      respondedAt,
    })
  }

  /** Reads what was written before, and ends unfinished lines. */
  private drain(): void {
    for (const process of this.#running.values()) process.drain()
    this.endLines()
  }

  private endLines(): void {
    // of processes that write nothing there are none
    if (this.#cutters.size === 0) return
    for (const cutter of this.#cutters.values()) cutter.flush()
  }

  private emit(event: PlatformEvent): void {
    for (const listener of this.#parts.listeners) listener(event)
  }
}

/** A response that was read to its end has a duration and a size. */
function noteOutcome(progress: Progress | undefined, outcome: Outcome, now: number): void {
  if (progress === undefined || !('payload' in outcome)) return
  progress.respondingAt ??= now
  progress.respondedAt = now
  progress.producedBytes = outcome.payload?.size ?? 0
}
