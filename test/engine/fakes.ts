/**
 * The outside of the engine, scripted: processes that are objects, a clock that is set, a journal that is a list.
 * Everything that happens is written into one log, so that order can be compared as a whole.
 */

import type { ExitStatus, Outcome, ProcessName } from '../../src/core/failure.ts'
import type { ApiCallId, EnvironmentId, RequestId } from '../../src/core/ids.ts'
import type { Event, Reply } from '../../src/core/lifecycle.ts'
import { diagnostics } from '../../src/engine/diagnostics.ts'
import { Environment, type EnvironmentParts } from '../../src/engine/environment.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import type {
  Clock,
  LaunchFailure,
  Log,
  ProcessEvents,
  Processes,
  ProcessSpec,
  Report,
  RunningProcess,
} from '../../src/engine/ports.ts'
import { encoded } from '../../src/http/collect.ts'

export class FakeProcess implements RunningProcess {
  readonly pid: number
  readonly name: ProcessName
  /** ends by itself when it is killed */
  mortal = true
  /** that it got so far */
  readonly signals: string[] = []
  disposed = 0
  /** it has ended, but nobody has been told */
  status: ExitStatus | null = null
  /** what it has written and the kernel still holds */
  unread = ''
  readonly #events: ProcessEvents
  readonly #log: string[]
  #ended = false

  constructor(pid: number, name: ProcessName, events: ProcessEvents, log: string[]) {
    this.pid = pid
    this.name = name
    this.#events = events
    this.#log = log
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#log.push(`${signal} ${this.name}`)
    this.signals.push(signal)
    if (signal === 'SIGKILL' && this.mortal) queueMicrotask(() => this.exit({ kind: 'signal', signal }))
  }

  drain(): void {
    if (this.unread === '') return
    const chunk = new TextEncoder().encode(this.unread)
    this.unread = ''
    this.#events.output(chunk)
  }

  ended(): ExitStatus | null {
    return this.status
  }

  dispose(): void {
    this.disposed++
  }

  exit(status: ExitStatus = { kind: 'code', code: 1 }): void {
    if (this.#ended) return
    this.#ended = true
    this.#events.exit(status)
  }
}

export class FakeProcesses implements Processes {
  readonly specs: ProcessSpec[] = []
  /** the latest process of each name */
  readonly latest = new Map<ProcessName, FakeProcess>()
  readonly all: FakeProcess[] = []
  readonly failures = new Map<ProcessName, LaunchFailure>()
  bytes = 0
  looks = 0
  /** called with each process that was started, before anyone else knows of it */
  started: (process: FakeProcess) => void = () => {}
  readonly #log: string[]

  constructor(log: string[] = []) {
    this.#log = log
  }

  spawn(spec: ProcessSpec, events: ProcessEvents): RunningProcess | LaunchFailure {
    this.#log.push(`spawn ${spec.name}`)
    this.specs.push(spec)
    const failure = this.failures.get(spec.name)
    if (failure !== undefined) return failure
    const process = new FakeProcess(100 + this.all.length, spec.name, events, this.#log)
    this.all.push(process)
    this.latest.set(spec.name, process)
    this.started(process)
    return process
  }

  memory(processes: Iterable<RunningProcess>): number {
    this.looks++
    return [...processes].length * this.bytes
  }

  process(name: ProcessName): FakeProcess {
    const process = this.latest.get(name)
    if (process === undefined) throw new Error(`${name} was not started`)
    return process
  }
}

/** A clock that moves when it is told to. */
export class FakeClock implements Clock {
  monotonic = 1000
  unix = 1_700_000_000_000

  readonly now = (): number => this.monotonic
  readonly epoch = (): number => this.unix

  advance(ms: number): void {
    this.monotonic += ms
    this.unix += ms
  }
}

export const realClock: Clock = { now: () => performance.now(), epoch: () => Date.now() }

/** What an environment needs in order to tell what happens to it: each event becomes a line in the log of everything. */
export function toldTo(
  log: string[],
  reports: Report[] = [],
): Pick<EnvironmentParts, 'listeners' | 'cutter' | 'tail'> {
  let extensions = ''
  return {
    listeners: [
      (event) => {
        switch (event.type) {
          case 'log':
            log.push(`output ${event.process} ${new TextDecoder().decode(event.bytes)}`)
            return
          case 'start':
            log.push(`START ${event.id}`)
            return
          case 'report': {
            const { verdict, durationMs, initMs, memoryBytes } = event
            reports.push({ verdict, durationMs, initMs, memoryBytes })
            log.push(`REPORT ${event.id} ${verdict.status}`)
            return
          }
          case 'subscribed':
            log.push(`SUBSCRIBED ${event.api} ${event.name} ${event.types.join(',')}`)
            return
          case 'extension':
            extensions += ` ${event.name}:${event.state}`
            return
          case 'initReport':
            log.push(`INIT_REPORT ${event.phase} ${event.verdict.status}${extensions}`)
            extensions = ''
        }
      },
    ],
    cutter: (emit) => ({ push: (chunk) => emit(chunk, null), flush() {}, end() {} }),
    tail: {
      keep: () => log.push('keep tail'),
      take: () => new TextEncoder().encode('the tail'),
    },
  }
}

export interface LogLine {
  readonly level: string
  readonly fields: object
  readonly message: string
}

export function fakeLog(lines: LogLine[] = []): Log & { readonly lines: LogLine[] } {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message })
  }
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface FakeInvocation extends Invocation {
  readonly outcomes: Outcome[]
  readonly tails: (string | null)[]
}

export const requestId = (name: string): RequestId => name as RequestId

export function invocation(
  name: string,
  log: string[] = [],
  over: Partial<Pick<Invocation, 'tail' | 'tenant' | 'clientContext' | 'cognitoIdentity' | 'payload'>> = {},
): FakeInvocation {
  const outcomes: Outcome[] = []
  const tails: (string | null)[] = []
  return {
    id: requestId(name),
    payload: encoded('{}'),
    arn: 'arn:aws:lambda:us-east-1:012345678912:function:f',
    traceId: 'Root=1-2-3',
    clientContext: null,
    cognitoIdentity: null,
    deliveryId: null,
    tenant: null,
    tail: false,
    startedAt: 0,
    deadline: 0,
    outcomes,
    tails,
    settle(outcome) {
      outcomes.push(outcome)
      log.push(`settle ${name} ${outcome.kind}`)
    },
    over(tail) {
      tails.push(tail === null ? null : new TextDecoder().decode(tail))
      log.push(`over ${name}`)
    },
    ...over,
  }
}

/** What an API call was answered so far. */
export interface Asked {
  readonly call: ApiCallId
  readonly replies: Reply[]
}

/** Calls an environment as the API does. */
export function ask(environment: Environment, event: (call: ApiCallId) => Event, log: string[] = []): Asked {
  const replies: Reply[] = []
  const call: ApiCallId = environment.park({
    reply(reply) {
      replies.push(reply)
      log.push(`reply ${call} ${reply.kind}`)
    },
  })
  environment.dispatch(event(call))
  return { call, replies }
}

export const next = (environment: Environment, log?: string[]): Asked =>
  ask(environment, (call) => ({ type: 'runtime/next', call }), log)

/** Announces a response, and completes it if it may be read. */
export function respond(environment: Environment, id: RequestId, log?: string[]): Asked {
  const asked = ask(environment, (call) => ({ type: 'runtime/response', call, id, mode: null }), log)
  if (asked.replies[0]?.kind === 'read') complete(environment, id, asked.call)
  return asked
}

export function complete(environment: Environment, id: RequestId, call: ApiCallId): void {
  const received = { kind: 'complete', payload: encoded('"ok"'), contentType: null } as const
  environment.dispatch({ type: 'runtime/received', call, id, errorType: null, received })
}

/** One environment on a stage: everything about it is scripted, and in one log. */
export interface Stage {
  readonly environment: Environment
  readonly processes: FakeProcesses
  readonly reports: Report[]
  readonly lines: LogLine[]
  readonly log: string[]
  readonly clock: FakeClock
}

export function stage(over: Partial<EnvironmentParts> = {}): Stage {
  const log: string[] = []
  const clock = new FakeClock()
  const processes = new FakeProcesses(log)
  const reports: Report[] = []
  const ownLog = fakeLog()
  const told = toldTo(log, reports)
  const environment = new Environment({
    id: 1 as EnvironmentId,
    processes,
    clock,
    ...told,
    listeners: [...told.listeners, diagnostics(ownLog)],
    log: ownLog,
    functionTimeoutMs: 3000,
    initTimeoutMs: 10_000,
    discover: () => [],
    specify: (name) => ({ name, argv: ['/bin/true'], cwd: '/', env: {} }),
    changed: () => log.push('changed'),
    ...over,
  })
  return { environment, processes, reports, lines: ownLog.lines, log, clock }
}

/** Empties a list and hands out what was in it. */
export const take = <T>(list: T[]): T[] => list.splice(0)
