/** Ties durable executions to the emulator. Loaded only where `--durable` is on. */

import { ConfigError, type FunctionConfig } from './config/config.ts'
import type { Outcome } from './core/failure.ts'
import type { RequestId } from './core/ids.ts'
import { apiPrefix } from './durable/api/path.ts'
import { serveDurableApi } from './durable/api/server.ts'
import type { ErrorObject } from './durable/core/operation.ts'
import type { RunFunction, RunFunctions } from './durable/function.ts'
import { Runs } from './durable/runs.ts'
import type { Alarm } from './durable/schedule.ts'
import type { RunStore } from './durable/store.ts'
import { Deadline } from './engine/deadline.ts'
import type { DurableFunction } from './engine/durable.ts'
import type { Pool } from './engine/pool.ts'
import type { Clock, Log } from './engine/ports.ts'
import { render } from './gateway/dialect.ts'
import type { DurableApi } from './gateway/durable.ts'
import { joined } from './http/collect.ts'

/** One function of the emulator. */
export interface DurableUnit {
  readonly config: FunctionConfig
  readonly arn: string
  readonly pool: Pool
}

export interface DurableParts {
  readonly clock: Clock
  readonly log: Log
  /** a file; null: runs live as long as the emulator */
  readonly store: string | null
  /** time-outs are off */
  readonly debug: boolean
  /** By name or alias; null: there is none. */
  find(name: string): DurableUnit | null
  arnOf(name: string): string
}

/** The durable executions of an emulator. */
export interface Durable extends Disposable {
  readonly api: DurableApi
  readonly runs: Runs
  /** As callers invoke it; null for a function that is not durable. */
  functionOf(unit: DurableUnit): DurableFunction | null
  /** Goes on with runs of the store. */
  restore(): void
  /** Tells those who wait that runs do not end here. The pools are drained next. */
  stop(): void
}

/**
 * Longest that the time of day is not looked at, in milliseconds: a timer stands still while the machine sleeps, and does
 * not know of a clock that is set forward.
 */
const longestMs = 60_000

export function openDurable(parts: DurableParts): Durable {
  const { clock, log, debug } = parts
  const known = new Map<DurableUnit, RunFunction>()
  function functionOf(unit: DurableUnit): RunFunction {
    const found = known.get(unit) ?? runFunction(unit, debug)
    known.set(unit, found)
    return found
  }
  const functions: RunFunctions = {
    find(name) {
      const unit = parts.find(name)
      return unit === null ? null : functionOf(unit)
    },
    arnOf: parts.arnOf,
  }
  const store = parts.store === null ? null : storeAt(parts.store)
  const runs = new Runs({ functions, clock, log, alarm: (ring) => alarm(clock, ring), store })
  const api = { runs, functions, epoch: clock.epoch }
  return {
    runs,
    api: {
      serves: (target) => target.startsWith(apiPrefix),
      serve: (exchange) => serveDurableApi(api, exchange),
    },
    functionOf(unit) {
      const of = functionOf(unit)
      if (of.durable === null) return null
      const { executionTimeoutSeconds } = of.durable
      return {
        executionTimeoutSeconds,
        start: (request) => start(runs, of, request),
        get counts() {
          return runs.countsOf(of.arn)
        },
      }
    },
    restore: () => runs.restore(),
    stop: () => runs.stop(),
    [Symbol.dispose]: () => runs[Symbol.dispose](),
  }
}

/** Throws `ConfigError` when the file cannot be had. */
function storeAt(path: string): RunStore {
  try {
    return sqlite().openStore(path)
  } catch (error) {
    throw new ConfigError(`--durable-store: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function sqlite(): typeof import('./durable/sqlite.ts') {
  return require('./durable/sqlite.ts')
}

function start(runs: Runs, of: RunFunction, request: Parameters<DurableFunction['start']>[0]) {
  const { kind, run } = runs.begin({ of, ...request })
  const { arn } = run.facts
  if (kind === 'taken') return { kind, arn }
  return {
    kind: 'started',
    arn,
    wait: (ended) =>
      runs.wait(run, (closure) =>
        ended(
          closure === null
            ? null
            : { succeeded: closure.status === 'SUCCEEDED', result: closure.result, error: closure.error },
        ),
      ),
  } satisfies ReturnType<DurableFunction['start']>
}

function runFunction({ config, arn, pool }: DurableUnit, debug: boolean): RunFunction {
  const { durable, timeoutMs } = config
  return {
    name: config.name,
    arn,
    version: config.version,
    durable: durable === null ? null : { ...durable, ...(debug ? { executionTimeoutSeconds: null } : {}) },
    invoke: (invocation) => pool.invoke(invocation),
    withdraw: (invocation) => pool.withdraw(invocation),
    errorOf: (outcome, requestId) => errorOf(outcome, requestId as string as RequestId, timeoutMs),
  }
}

/** The error of an outcome, out of what an SDK would have been answered. */
function errorOf(outcome: Outcome, id: RequestId, timeoutMs: number): ErrorObject {
  const { body } = render(outcome, { dialect: 'lambda', id, timeoutSeconds: timeoutMs / 1000 })
  const text = typeof body === 'string' ? body : joined(body?.chunks ?? []).toString()
  try {
    const { errorMessage, errorType, stackTrace, trace, message, Message } = JSON.parse(text)
    const told = errorMessage ?? message ?? Message
    const lines = Array.isArray(stackTrace) ? stackTrace : Array.isArray(trace) ? trace : null
    return {
      ...(typeof told === 'string' ? { ErrorMessage: told } : {}),
      ...(typeof errorType === 'string' ? { ErrorType: errorType } : {}),
      ...(lines === null ? {} : { StackTrace: lines.map(String) }),
    }
  } catch {
    return { ErrorMessage: text }
  }
}

/** Rings at a time of day, which the system's timers do not know. */
function alarm(clock: Clock, ring: () => void): Alarm {
  let at = Number.POSITIVE_INFINITY
  function fire(): void {
    // a time that is far ahead is waited for in pieces
    if (clock.epoch() >= at) ring()
    else arm()
  }
  const deadline = new Deadline(clock.now, fire)
  function arm(): void {
    deadline.arm(Math.min(longestMs, Math.max(0, at - clock.epoch())))
  }
  return {
    set(time) {
      at = time
      arm()
    },
    [Symbol.dispose]: () => deadline[Symbol.dispose](),
  }
}
