/**
 * All runs of one emulator: performs the rules of `core`. An event goes through the rules, what it changed is stored,
 * and only then is anything done of it: answers, invocations, the news that a run has ended.
 */

import type { Outcome } from '../core/failure.ts'
import type { RunCounts } from '../engine/durable.ts'
import type { Clock, Log } from '../engine/ports.ts'
import { joined } from '../http/collect.ts'
import { chainedOutcome } from './chained.ts'
import type { Closure, RunReply } from './core/effect.ts'
import type { ChainedOutcome, RunEvent } from './core/event.ts'
import { step } from './core/lifecycle.ts'
import { maxAsyncResultBytes, maxSynchronousResultBytes } from './core/limits.ts'
import type { ChainedInvokeOperation } from './core/operation.ts'
import { create, nextDue, type RunFacts } from './core/state.ts'
import type { DurableConfig, RunFunction, RunFunctions } from './function.ts'
import { RunInvocation } from './invocation.ts'
import { handlerEvent } from './pages.ts'
import { newExecution, partsOf } from './resolve.ts'
import { Retention } from './retention.ts'
import { RunRecord, type RunWaiter, StepEffects } from './run.ts'
import { type Alarm, Schedule } from './schedule.ts'
import type { RunStore } from './store.ts'
import { tellSuspension } from './tell.ts'
import { tokenText } from './wire.ts'

export interface RunsParts {
  readonly functions: RunFunctions
  readonly clock: Clock
  readonly log: Log
  /** Makes the alarm that rings for what is due. */
  readonly alarm: (ring: () => void) => Alarm
  /** null: runs live as long as the emulator */
  readonly store: RunStore | null
}

/** What a run begins with. */
export interface RunRequest {
  readonly of: RunFunction
  /** null: one is made up */
  readonly name: string | null
  readonly input: string | null
  /** the caller waits for the result */
  readonly synchronous: boolean
  readonly requestId: string | null
  readonly traceId: string
  readonly tenantId: string | null
}

/** A run that began, or was there already by this name and with this input; or another one has the name. */
export type Begun =
  | { readonly kind: 'run'; readonly run: RunRecord }
  | { readonly kind: 'taken'; readonly run: RunRecord }

/** What others are told of. */
export interface RunsObserver {
  changed(run: RunRecord): void
}

export class Runs {
  /** null while nobody looks */
  observer: RunsObserver | null = null
  /** of each function, by its ARN: how many runs have ended since the start, by their status */
  readonly #ends = new Map<string, Record<Closure['status'], number>>()
  readonly #parts: RunsParts
  /** by ARN, in the order of their start */
  readonly #byArn = new Map<string, RunRecord>()
  readonly #byId = new Map<string, RunRecord>()
  /** the last one of each function and name */
  readonly #byName = new Map<string, RunRecord>()
  readonly #schedule: Schedule<RunRecord>
  readonly #retention: Retention
  readonly #queue: (() => void)[] = []
  #working = false
  #stopping = false

  constructor(parts: RunsParts) {
    this.#parts = parts
    this.#schedule = new Schedule(parts.alarm(() => this.#ring()))
    this.#retention = new Retention(parts.log, (run) => this.#forget(run))
  }

  get all(): IterableIterator<RunRecord> {
    return this.#byArn.values()
  }

  /** Those of one function. Looks at all runs. */
  countsOf(functionArn: string): RunCounts {
    const counts = { open: 0, closed: 0, bytes: 0 }
    for (const { facts, state } of this.all) {
      if (facts.functionArn !== functionArn) continue
      counts[state.phase === 'closed' ? 'closed' : 'open']++
      counts.bytes += state.run.bytes
    }
    return { ...counts, ended: this.#endsOf(functionArn) }
  }

  #endsOf(functionArn: string): Record<Closure['status'], number> {
    const known = this.#ends.get(functionArn) ?? { SUCCEEDED: 0, FAILED: 0, STOPPED: 0, TIMED_OUT: 0 }
    this.#ends.set(functionArn, known)
    return known
  }

  byArn(arn: string): RunRecord | null {
    this.#retention.expire(this.#parts.clock.epoch())
    return this.#byArn.get(arn) ?? null
  }

  byId(executionId: string): RunRecord | null {
    return this.#byId.get(executionId) ?? null
  }

  /** Begins a run, or finds the one that has begun by this name. */
  begin(request: RunRequest): Begun {
    const { of, name, input } = request
    this.#retention.expire(this.#parts.clock.epoch())
    const known = name === null ? undefined : this.#byName.get(nameKey(of, name))
    if (known !== undefined) return { kind: known.facts.input === input ? 'run' : 'taken', run: known }
    return { kind: 'run', run: this.#start(request, newExecution(of, name ?? undefined)) }
  }

  #start(request: RunRequest, execution: { arn: string; name: string; executionId: string }): RunRecord {
    const { of, input, synchronous, requestId, traceId, tenantId } = request
    const at = this.#parts.clock.epoch()
    const facts: RunFacts = {
      ...execution,
      input,
      startedAt: at,
      executionTimeoutSeconds: (of.durable as DurableConfig).executionTimeoutSeconds,
      maxResultBytes: synchronous ? maxSynchronousResultBytes : maxAsyncResultBytes,
      version: of.version,
      functionArn: of.arn,
      traceId,
      tenantId,
    }
    const run = new RunRecord(create(facts))
    run.firstRequestId = requestId
    this.#add(run)
    this.#parts.log.info({ run: facts.arn }, 'a durable execution has started')
    this.dispatch(run, { type: 'begin', at })
    return run
  }

  #add(run: RunRecord): void {
    const { arn, executionId, name } = run.facts
    this.#byArn.set(arn, run)
    this.#byId.set(executionId, run)
    this.#byName.set(`${run.facts.functionArn}/${name}`, run)
  }

  /** Calls back with the end of a run, at once if it has ended. */
  wait(run: RunRecord, waiter: RunWaiter): void {
    if (run.state.phase === 'closed') waiter(run.state)
    else if (this.#stopping) waiter(null)
    else run.waiters.add(waiter)
  }

  /** An event of a run, and what comes of it; `answered` is called once if the event is a call. Never throws. */
  dispatch(run: RunRecord, event: RunEvent, answered: (reply: RunReply) => void = () => {}): void {
    this.#do(() => this.#step(run, event, answered))
  }

  /** Events that come about while one is performed are performed after it. */
  #do(work: () => void): void {
    this.#queue.push(work)
    if (this.#working) return
    this.#working = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
    } finally {
      this.#working = false
    }
  }

  #step(run: RunRecord, event: RunEvent, answered: (reply: RunReply) => void): void {
    const policy = this.#functionOf(run)?.durable?.policy ?? noRetries
    const out = new StepEffects()
    const before = run.state
    run.state = step(run.state, event, out, policy)
    const changed =
      run.state !== before || out.operations.size > 0 || out.history.length > 0 || out.answer !== null
    if (changed && this.#parts.store !== null && !out.forgotten) {
      const { operations, history } = out
      this.#parts.store.save({
        state: run.state,
        operations: operations.values(),
        history,
        historyBefore: run.history.length,
      })
    }
    for (const one of out.history) run.history.push(one)
    if (out.answer !== null) answered(out.answer)
    for (const operation of out.chained) this.#chain(run, operation)
    if (out.invoked !== null) this.#invoke(run, out.invoked.token, out.invoked.updated)
    if (out.closure !== null) this.#close(run, out.closure)
    else if (run.state.phase === 'suspended' && before.phase !== 'suspended')
      tellSuspension(run, this.#parts.log)
    if (out.forgotten) this.#forget(run)
    else this.#schedule.set(run, nextDue(run.state))
    this.observer?.changed(run)
  }

  #functionOf(run: RunRecord): RunFunction | null {
    const { functionArn } = run.facts
    return this.#parts.functions.find(functionArn.slice(functionArn.lastIndexOf(':') + 1))
  }

  #invoke(run: RunRecord, token: number, updated: readonly string[]): void {
    const { facts } = run
    const { clock } = this.#parts
    const of = this.#functionOf(run)
    const requestId = run.firstRequestId ?? crypto.randomUUID()
    run.firstRequestId = null
    let startedAt = clock.epoch()
    if (of === null) {
      // it was one of another configuration, whose store this is
      const error = {
        ErrorType: 'ResourceNotFoundException',
        ErrorMessage: `Function not found: ${facts.functionArn}`,
      }
      this.dispatch(run, { type: 'failed', at: startedAt, error, requestId, startedAt })
      return
    }
    const invocation = new RunInvocation({
      id: requestId,
      event: handlerEvent(run.state, tokenText(facts.executionId, token), updated),
      arn: `${facts.functionArn}:${facts.version}`,
      traceId: facts.traceId,
      tenantId: facts.tenantId,
      placed: () => {
        startedAt = clock.epoch()
      },
      settle: (outcome) => {
        run.invocation = null
        this.#ended(run, of, outcome, { requestId, startedAt })
      },
    })
    run.invocation = invocation
    of.invoke(invocation)
  }

  #ended(
    run: RunRecord,
    of: RunFunction,
    outcome: Outcome,
    ended: { requestId: string; startedAt: number },
  ): void {
    // it goes on where it was when the emulator starts again, if its runs are kept
    if (outcome.kind === 'shutdown') return
    const at = this.#parts.clock.epoch()
    if (outcome.kind === 'response') {
      const payload = joined(outcome.payload.chunks).toString()
      this.dispatch(run, { type: 'returned', at, payload, ...ended })
    } else {
      const error = of.errorOf(outcome, ended.requestId)
      this.#parts.log.warn({ run: run.facts.arn, ...error }, 'an invocation of a durable execution failed')
      this.dispatch(run, { type: 'failed', at, error, ...ended })
    }
  }

  #close(run: RunRecord, closure: Closure): void {
    const { status, error } = closure
    this.#endsOf(run.facts.functionArn)[status]++
    this.#parts.log.info(
      {
        run: run.facts.arn,
        status,
        ...(error === null ? {} : { error: error.ErrorMessage ?? error.ErrorType }),
      },
      'a durable execution has ended',
    )
    const { invocation } = run
    if (invocation !== null && this.#functionOf(run)?.withdraw(invocation)) {
      run.invocation = null
      this.dispatch(run, { type: 'withdrawn', at: this.#parts.clock.epoch() })
    }
    this.#retention.add(run, this.#functionOf(run)?.durable?.retentionDays ?? defaultRetentionDays)
    for (const waiter of run.waiters) waiter(closure)
    run.waiters.clear()
  }

  /** Starts what a chained invoke names, or finds the run that it has started already. */
  #chain(run: RunRecord, operation: ChainedInvokeOperation): void {
    const { id, target, input, functionName } = operation
    const end = (outcome: ChainedOutcome): void =>
      this.dispatch(run, { type: 'chained-ended', at: this.#parts.clock.epoch(), id, outcome })
    if (target.kind === 'unresolved') return
    const of = this.#parts.functions.find(target.arn.slice(target.arn.lastIndexOf(':') + 1))
    if (of === null) {
      const error = {
        ErrorType: 'ResourceNotFoundException',
        ErrorMessage: `Function not found: ${functionName}`,
      }
      end({ status: 'FAILED', result: null, error })
    } else if (target.kind === 'durable') this.#chainRun(run, operation, of, target.executionArn, end)
    else {
      const requestId = crypto.randomUUID()
      of.invoke(
        new RunInvocation({
          id: requestId,
          event: input ?? '{}',
          arn: of.arn,
          traceId: run.facts.traceId,
          tenantId: operation.tenantId,
          placed: () => {},
          settle: (outcome) => {
            if (outcome.kind !== 'shutdown') end(chainedOutcome(outcome, of, requestId))
          },
        }),
      )
    }
  }

  #chainRun(
    parent: RunRecord,
    { input, tenantId }: ChainedInvokeOperation,
    of: RunFunction,
    executionArn: string,
    end: (outcome: ChainedOutcome) => void,
  ): void {
    const { traceId } = parent.facts
    const request = { of, name: null, input, synchronous: false, requestId: null, traceId, tenantId }
    this.#do(() => {
      const run =
        this.#byArn.get(executionArn) ?? this.#start(request, { arn: executionArn, ...partsOf(executionArn) })
      this.wait(run, (closure) => {
        if (closure !== null) end(chainedClosure(closure, run.facts.executionTimeoutSeconds))
      })
    })
  }

  #ring(): void {
    const now = this.#parts.clock.epoch()
    for (const run of this.#schedule.due(now)) this.dispatch(run, { type: 'timer', at: now })
  }

  #forget(run: RunRecord): void {
    const { arn, executionId, name, functionArn } = run.facts
    this.#byArn.delete(arn)
    this.#byId.delete(executionId)
    if (this.#byName.get(`${functionArn}/${name}`) === run) this.#byName.delete(`${functionArn}/${name}`)
    this.#retention.remove(run)
    this.#schedule.set(run, Number.POSITIVE_INFINITY)
    this.#parts.store?.delete(arn)
  }

  /** Goes on with what the store has. What ran when the emulator ended is invoked again. */
  restore(): void {
    const { store, clock, log } = this.#parts
    if (store === null) return
    const loaded = store.load().map(({ state, history }) => new RunRecord(state, history))
    for (const run of loaded) this.#add(run)
    const open = loaded.filter(({ state }) => state.phase !== 'closed')
    if (loaded.length > 0)
      log.info({ open: open.length, closed: loaded.length - open.length }, 'durable executions are restored')
    for (const run of loaded) {
      const { state } = run
      if (state.phase === 'closed') {
        this.#retention.add(run, this.#functionOf(run)?.durable?.retentionDays ?? defaultRetentionDays)
        if (!state.invoking) continue
      }
      const at = clock.epoch()
      this.dispatch(run, { type: state.phase === 'created' ? 'begin' : 'restored', at })
      if (state.phase === 'closed') continue
      for (const operation of state.run.operations.values()) {
        if (operation.type === 'CHAINED_INVOKE' && operation.status === 'STARTED') this.#chain(run, operation)
      }
    }
  }

  /** Whoever waits for a run is told that it will not end here; suspended runs are not waited for. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    const open = [...this.#byArn.values()].filter(({ state }) => state.phase !== 'closed')
    if (open.length > 0) {
      const names = open.slice(0, 10).map(({ facts }) => facts.name)
      const kept = this.#parts.store === null ? 'are lost' : 'go on when the emulator starts again'
      this.#parts.log.warn({ runs: open.length, names }, `durable executions that have not ended ${kept}`)
    }
    for (const run of open) {
      for (const waiter of run.waiters) waiter(null)
      run.waiters.clear()
    }
    this.#schedule[Symbol.dispose]()
  }

  /** After the last invocation has ended. */
  [Symbol.dispose](): void {
    this.#parts.store?.[Symbol.dispose]()
  }
}

const nameKey = ({ arn }: RunFunction, name: string): string => `${arn}/${name}`
const noRetries = { retryDelaysMs: [], skipTime: false }
const defaultRetentionDays = 14

function chainedClosure({ status, result, error }: Closure, seconds: number | null): ChainedOutcome {
  if (status !== 'TIMED_OUT') return { status, result, error }
  const errorMessage = `CHAINED_INVOKE timed out after ${seconds} seconds.`
  return { status, result: null, error: { ErrorType: 'ChainedInvoke.Timeout', ErrorMessage: errorMessage } }
}
