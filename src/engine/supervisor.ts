/** The processes of one environment, from their start until their process groups are released. */

import type { ExitStatus, Fault, ProcessName } from '../core/failure.ts'
import type { Generation } from '../core/ids.ts'
import type { LaunchFailure, Log, Processes, ProcessSpec, RunningProcess } from './ports.ts'

export interface SupervisorParts {
  readonly processes: Processes
  readonly log: Log
  specify(process: ProcessName): ProcessSpec
}

/** The supervisor's view of its environment, and what it reports to it. */
export interface SupervisorHooks {
  generation(): Generation
  /** an init or an invocation waits for these processes */
  awaited(): boolean
  output(process: ProcessName, chunk: Uint8Array): void
  launchFailed(process: ProcessName, fault: Fault): void
  /** `peakBytes` is the kernel's figure for its memory */
  exited(process: ProcessName, status: ExitStatus, peakBytes: number): void
}

/** Milliseconds after the last invocation within which the processes are assumed to be alive: asking costs more. */
const aliveMs = 1
/**
 * The same for processes that have served `proof` invocations: of several environments under load each is idle for a
 * millisecond or two all the time. A runtime that exits after each response never reaches this count.
 */
const provenAliveMs = 20
const proof = 16

export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #hooks: SupervisorHooks
  readonly #running = new Map<ProcessName, RunningProcess>()
  readonly #ended: RunningProcess[] = []
  /** exits that are held back for two turns of the event loop */
  readonly #heldExits = new Set<() => void>()
  /** invocations that these processes have served */
  #survived = 0

  constructor(parts: SupervisorParts, hooks: SupervisorHooks) {
    this.#parts = parts
    this.#hooks = hooks
  }

  /** The processes that are not known to have ended. */
  get running(): ReadonlyMap<ProcessName, RunningProcess> {
    return this.#running
  }

  spawn(name: ProcessName): void {
    const { log } = this.#parts
    const started = this.start(name)
    if ('reason' in started) {
      const fields = { process: name, reason: started.text }
      // the log warns of the fault that follows
      log.debug(fields, 'a process could not be started')
      this.#hooks.launchFailed(name, launchFault(name, started))
      return
    }
    log.debug({ process: name, pid: started.pid }, 'process started')
    this.#running.set(name, started)
  }

  /** What throws on the way is why it could not be started: an init that nobody fails would take all of its time. */
  private start(name: ProcessName): RunningProcess | LaunchFailure {
    const generation = this.#hooks.generation()
    try {
      return this.#parts.processes.spawn(this.#parts.specify(name), {
        output: (chunk) => this.#hooks.output(name, chunk),
        exit: (status, peak) => this.exited(name, generation, status, peak ?? 0),
      })
    } catch (error) {
      return { reason: 'entrypoint', text: error instanceof Error ? error.message : String(error) }
    }
  }

  signal(name: ProcessName, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#running.get(name)?.signal(signal)
  }

  /** They have served one more invocation. */
  survived(): void {
    this.#survived++
  }

  /** Whether all are assumed to be alive `idleMs` milliseconds after their last invocation. */
  trusted(idleMs: number): boolean {
    return this.#heldExits.size === 0 && idleMs < (this.#survived < proof ? aliveMs : provenAliveMs)
  }

  /** Reports at once every exit that the system knows of. */
  noticeDeaths(): void {
    const generation = this.#hooks.generation()
    for (const tell of [...this.#heldExits]) tell()
    for (const [name, process] of this.#running) {
      const status = process.ended()
      if (status !== null) this.tell(name, generation, status, 0)
    }
  }

  /** Kills what is left of every process group that was started, and releases the groups. */
  releaseProcesses(): void {
    for (const process of this.#ended.splice(0)) process.dispose()
    for (const process of this.#running.values()) process.dispose()
    this.#running.clear()
    this.#survived = 0
  }

  /**
   * Response against exit: the end of a process may be seen before what it wrote to its sockets has been read. While
   * an init or an invocation waits, the exit is reported two turns of the event loop later. While nothing runs it is
   * reported at once, so that no invocation is handed to a runtime that is known to be dead.
   */
  private exited(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
    const tell = (): void => {
      this.#heldExits.delete(tell)
      this.tell(name, generation, status, peakBytes)
    }
    if (!this.#hooks.awaited()) {
      tell()
      return
    }
    this.#heldExits.add(tell)
    setImmediate(() => setImmediate(tell))
  }

  private tell(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
    if (this.#hooks.generation() !== generation) return
    const process = this.#running.get(name)
    if (process === undefined) return
    process.drain()
    this.#running.delete(name)
    this.#ended.push(process)
    this.#parts.log.debug({ process: name, ...status }, 'process ended')
    this.#hooks.exited(name, status, peakBytes)
  }
}

function launchFault(name: ProcessName, { reason, text }: LaunchFailure): Fault {
  if (name !== 'runtime') return { errorType: 'Extension.LaunchError', text }
  return {
    errorType: reason === 'entrypoint' ? 'Runtime.InvalidEntrypoint' : 'Runtime.InvalidWorkingDir',
    text,
  }
}
