/** The processes of one environment, from their start until the last of what they left is swept away. */

import type { ExitStatus, Fault, ProcessName } from '../core/failure.ts'
import type { Generation } from '../core/ids.ts'
import type { Journal, LaunchFailure, Log, Processes, ProcessSpec, RunningProcess } from './ports.ts'

export interface CrewParts {
  readonly processes: Processes
  readonly journal: Journal
  readonly log: Log
  specify(process: ProcessName): ProcessSpec
}

/** What the environment knows of itself, and is told of its processes. */
export interface CrewHooks {
  generation(): Generation
  /** somebody waits for an answer of these processes */
  awaited(): boolean
  launchFailed(process: ProcessName, fault: Fault): void
  /** `peakBytes` is the kernel's figure for its memory */
  exited(process: ProcessName, status: ExitStatus, peakBytes: number): void
}

/** Milliseconds after its last invocation in which a crew is taken to be alive: asking would cost more. */
const aliveMs = 1
/**
 * The same for one that has been through many invocations: of several environments under load each is idle for a
 * millisecond or two all the time. Who dies after each answer never gets there.
 */
const provenAliveMs = 20
const proof = 16

export class Crew {
  readonly #parts: CrewParts
  readonly #hooks: CrewHooks
  readonly #running = new Map<ProcessName, RunningProcess>()
  readonly #ended: RunningProcess[] = []
  /** exits that wait for their turn of the event loop */
  readonly #untold = new Set<() => void>()
  /** invocations that these processes have been through */
  #survived = 0

  constructor(parts: CrewParts, hooks: CrewHooks) {
    this.#parts = parts
    this.#hooks = hooks
  }

  /** Those that have not ended, as far as is known. */
  get running(): ReadonlyMap<ProcessName, RunningProcess> {
    return this.#running
  }

  spawn(name: ProcessName): void {
    const { processes, journal, log } = this.#parts
    const generation = this.#hooks.generation()
    const spec = this.#parts.specify(name)
    const started = processes.spawn(spec, {
      output: (chunk) => journal.output(name, chunk),
      exit: (status, peak) => this.#exited(name, generation, status, peak ?? 0),
    })
    if ('reason' in started) {
      const fields = { process: name, command: spec.argv[0], reason: started.text }
      log.error(fields, 'a process could not be started')
      this.#hooks.launchFailed(name, launchFault(name, started))
      return
    }
    log.debug({ process: name, pid: started.pid }, 'process started')
    this.#running.set(name, started)
  }

  signal(name: ProcessName, signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#running.get(name)?.signal(signal)
  }

  /** They are through with one more invocation. */
  survived(): void {
    this.#survived++
  }

  /** Whether to take it that all are alive that long after their last invocation, in milliseconds. */
  trusted(idleMs: number): boolean {
    return this.#untold.size === 0 && idleMs < (this.#survived < proof ? aliveMs : provenAliveMs)
  }

  /** Tells at once of all exits that anybody could know of. */
  noticeDeaths(): void {
    const generation = this.#hooks.generation()
    for (const tell of [...this.#untold]) tell()
    for (const [name, process] of this.#running) {
      const status = process.ended()
      if (status !== null) this.#tell(name, generation, status, 0)
    }
  }

  /** Kills what is left of every group that was started, and lets go of them. */
  sweep(): void {
    for (const process of this.#ended.splice(0)) process.dispose()
    for (const process of this.#running.values()) process.dispose()
    this.#running.clear()
    this.#survived = 0
  }

  /**
   * Response against exit: what a process wrote to its sockets before it ended may be unread still, because its end
   * is seen first. While a caller waits, the exit is told two turns of the event loop later; it is told at once while
   * nothing runs, so that no invocation is handed to a runtime that is known to be dead.
   */
  #exited(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
    const tell = (): void => {
      this.#untold.delete(tell)
      this.#tell(name, generation, status, peakBytes)
    }
    if (!this.#hooks.awaited()) {
      tell()
      return
    }
    this.#untold.add(tell)
    setImmediate(() => setImmediate(tell))
  }

  #tell(name: ProcessName, generation: Generation, status: ExitStatus, peakBytes: number): void {
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
