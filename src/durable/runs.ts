/**
 * All runs of one emulator: performs the rules of `core`. An event goes through the rules, what it changed is stored,
 * and only then is anything done of it: answers, invocations, the news that a run has ended.
 */

import type { RunCounts } from '../engine/durable.ts'
import type { Clock, Log } from '../engine/ports.ts'
import { RunCalls } from './calls.ts'
import type { Closure, RunReply } from './core/effect.ts'
import type { RunEvent } from './core/event.ts'
import { step } from './core/lifecycle.ts'
import { maxAsyncResultBytes, maxSynchronousResultBytes } from './core/limits.ts'
import { unstored } from './core/refusal.ts'
import { create, nextDue, type RunFacts } from './core/state.ts'
import { type DurableConfig, functionOfArn, type RunFunction, type RunFunctions } from './function.ts'
import { newExecution, partsOf } from './resolve.ts'
import { Retention } from './retention.ts'
import { RunRecord, type RunRequest, type RunWaiter, StepEffects } from './run.ts'
import { RunIndex } from './run-index.ts'
import { type Alarm, Schedule } from './schedule.ts'
import type { RunStore } from './store.ts'
import { tellSuspension } from './tell.ts'

export interface RunsParts {
  readonly functions: RunFunctions
  readonly clock: Clock
  readonly log: Log
  /** Makes the alarm that rings for what is due. */
  readonly alarm: (ring: () => void) => Alarm
  /** null: runs live as long as the emulator */
  readonly store: RunStore | null
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
  readonly #parts: RunsParts
  readonly #index = new RunIndex()
  readonly #calls: RunCalls
  readonly #schedule: Schedule<RunRecord>
  readonly #retention: Retention
  readonly #queue: (() => void)[] = []
  #working = false
  #stopping = false

  constructor(parts: RunsParts) {
    this.#parts = parts
    this.#calls = new RunCalls({
      ...parts,
      dispatch: (run, event) => this.dispatch(run, event),
      follow: (executionArn, request, closed) => this.#follow(executionArn, request, closed),
    })
    this.#schedule = new Schedule(parts.alarm(() => this.#ring()))
    this.#retention = new Retention(parts.log, (run) => this.#forget(run))
  }

  get all(): IterableIterator<RunRecord> {
    return this.#index.all
  }

  /** Those of one function. Looks at all runs. */
  countsOf(functionArn: string): RunCounts {
    return this.#index.countsOf(functionArn)
  }

  byArn(arn: string): RunRecord | null {
    this.#retention.expire(this.#parts.clock.epoch())
    return this.#index.byArn(arn)
  }

  byId(executionId: string): RunRecord | null {
    return this.#index.byId(executionId)
  }

  /** Begins a run, or finds the one that has begun by this name. */
  begin(request: RunRequest): Begun {
    const { of, name, input } = request
    this.#retention.expire(this.#parts.clock.epoch())
    const known = name === null ? null : this.#index.byName(of.arn, name)
    if (known !== null) return { kind: known.facts.input === input ? 'run' : 'taken', run: known }
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
    this.#index.add(run)
    this.#parts.log.info({ run: facts.arn }, 'a durable execution has started')
    this.dispatch(run, { type: 'begin', at })
    return run
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
    // deleted, or not kept any more: what its last invocation comes to is of no interest
    if (this.#index.byArn(run.facts.arn) !== run) return
    const policy = this.#functionOf(run)?.durable?.policy ?? noRetries
    const out = new StepEffects()
    const before = run.state
    run.state = step(run.state, event, out, policy)
    const changed =
      run.state !== before || out.operations.size > 0 || out.history.length > 0 || out.answer !== null
    const isStored = !changed || out.forgotten || this.#save(run, out)
    for (const one of out.history) run.history.push(one)
    if (out.answer !== null) answered(isStored ? out.answer : unstored)
    for (const operation of out.chained) this.#calls.chain(run, operation)
    if (out.invoked !== null) this.#calls.invoke(run, out.invoked.token, out.invoked.updated)
    if (out.closure !== null) this.#close(run, out.closure)
    else if (run.state.phase === 'suspended' && before.phase !== 'suspended')
      tellSuspension(run, this.#parts.log)
    if (out.forgotten) this.#forget(run)
    else this.#schedule.set(run, nextDue(run.state))
    this.observer?.changed(run)
  }

  /** Stores what a step has changed. Where that fails the run goes on here, and the next step stores both. */
  #save(run: RunRecord, { operations: changed, history }: StepEffects): boolean {
    const { store, log } = this.#parts
    if (store === null) return true
    const historyFrom = run.unstored?.historyFrom ?? run.history.length
    const operations = run.unstored === null ? changed : new Map([...run.unstored.operations, ...changed])
    const events = [...run.history.slice(historyFrom), ...history]
    try {
      store.save({
        state: run.state,
        operations: operations.values(),
        history: events,
        historyBefore: historyFrom,
      })
      run.unstored = null
      return true
    } catch (error) {
      run.unstored = { operations, historyFrom }
      log.error({ run: run.facts.arn, reason: String(error) }, 'a durable execution could not be stored')
      return false
    }
  }

  #functionOf(run: RunRecord): RunFunction | null {
    return functionOfArn(this.#parts.functions, run.facts.functionArn)
  }

  #close(run: RunRecord, closure: Closure): void {
    const { status, error } = closure
    this.#index.ended(run.facts.functionArn, status)
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

  /** Begins a run unless it has begun, after what is performed now, and calls back when it has come to something. */
  #follow(
    executionArn: string,
    request: RunRequest,
    closed: (closure: Closure, run: RunRecord) => void,
  ): void {
    this.#do(() => {
      const run =
        this.#index.byArn(executionArn) ??
        this.#start(request, { arn: executionArn, ...partsOf(executionArn) })
      this.wait(run, (closure) => {
        if (closure !== null) closed(closure, run)
      })
    })
  }

  #ring(): void {
    const now = this.#parts.clock.epoch()
    for (const run of this.#schedule.due(now)) this.dispatch(run, { type: 'timer', at: now })
  }

  #forget(run: RunRecord): void {
    this.#index.remove(run)
    this.#retention.remove(run)
    this.#schedule.set(run, Number.POSITIVE_INFINITY)
    const { store, log } = this.#parts
    try {
      store?.delete(run.facts.arn)
    } catch (error) {
      log.error({ run: run.facts.arn, reason: String(error) }, 'a durable execution could not be deleted')
    }
  }

  /** Goes on with what the store has. What ran when the emulator ended is invoked again. */
  restore(): void {
    const { store, clock, log } = this.#parts
    if (store === null) return
    const loaded = store.load().map(({ state, history }) => new RunRecord(state, history))
    for (const run of loaded) this.#index.add(run)
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
        if (operation.type === 'CHAINED_INVOKE' && operation.status === 'STARTED')
          this.#calls.chain(run, operation)
      }
    }
  }

  /** Whoever waits for a run is told that it will not end here; suspended runs are not waited for. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    const open = [...this.all].filter(({ state }) => state.phase !== 'closed')
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

const noRetries = { retryDelaysMs: [], skipTime: false }
const defaultRetentionDays = 14
