/** What functions do for runs: invocations of a run's own function, and what its chained invokes name. */

import type { Outcome } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { EventInvocation } from '../engine/event-invocation.ts'
import type { Clock, Log } from '../engine/ports.ts'
import { encoded, joined } from '../http/collect.ts'
import { chainedClosure, chainedOutcome } from './chained.ts'
import type { Closure } from './core/effect.ts'
import type { ChainedOutcome, RunEvent } from './core/event.ts'
import type { ChainedInvokeOperation, ErrorObject } from './core/operation.ts'
import { functionOfArn, type RunFunction, type RunFunctions } from './function.ts'
import { handlerEvent } from './pages.ts'
import type { RunRecord, RunRequest } from './run.ts'
import { tokenText } from './wire.ts'

export interface RunCallsParts {
  readonly functions: RunFunctions
  readonly clock: Clock
  readonly log: Log
  dispatch(run: RunRecord, event: RunEvent): void
  /** Begins the run of this ARN unless it has begun, and calls back with what it came to, unless the emulator stops before. */
  follow(executionArn: string, request: RunRequest, closed: (closure: Closure, run: RunRecord) => void): void
}

/** One invocation for a run. */
interface Call {
  readonly id: string
  readonly event: string
  /** with its version, if the run has one */
  readonly arn: string
  readonly traceId: string
  readonly tenantId: string | null
  /** It is handed to an environment. */
  placed?(): void
  settle(outcome: Outcome): void
}

export class RunCalls {
  readonly #parts: RunCallsParts

  constructor(parts: RunCallsParts) {
    this.#parts = parts
  }

  /** Has the handler of a run go on with it. */
  invoke(run: RunRecord, token: number, updated: readonly string[]): void {
    const { facts } = run
    const { clock, functions } = this.#parts
    const of = functionOfArn(functions, facts.functionArn)
    const requestId = run.firstRequestId ?? crypto.randomUUID()
    run.firstRequestId = null
    let startedAt = clock.epoch()
    if (of === null) {
      // it was one of another configuration, whose store this is
      const error = notFound(facts.functionArn)
      this.#parts.dispatch(run, { type: 'failed', at: startedAt, error, requestId, startedAt })
      return
    }
    const invocation = invocationOf({
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
        this.#settled(run, of, outcome, { requestId, startedAt })
      },
    })
    run.invocation = invocation
    of.invoke(invocation)
  }

  #settled(
    run: RunRecord,
    of: RunFunction,
    outcome: Outcome,
    ended: { requestId: string; startedAt: number },
  ): void {
    // it goes on where it was when the emulator starts again, if its runs are kept
    if (outcome.kind === 'shutdown') return
    const { clock, log, dispatch } = this.#parts
    const at = clock.epoch()
    if (outcome.kind === 'response') {
      const payload = joined(outcome.payload.chunks).toString()
      dispatch(run, { type: 'returned', at, payload, ...ended })
    } else {
      const error = of.errorOf(outcome, ended.requestId)
      log.warn({ run: run.facts.arn, ...error }, 'an invocation of a durable execution failed')
      dispatch(run, { type: 'failed', at, error, ...ended })
    }
  }

  /** Starts what a chained invoke names, or finds the run that it has started already. */
  chain(run: RunRecord, operation: ChainedInvokeOperation): void {
    const { id, target, input, functionName, tenantId } = operation
    const { clock, functions, dispatch, follow } = this.#parts
    const { traceId } = run.facts
    const end = (outcome: ChainedOutcome): void =>
      dispatch(run, { type: 'chained-ended', at: clock.epoch(), id, outcome })
    if (target.kind === 'unresolved') return
    const of = functionOfArn(functions, target.arn)
    if (of === null) end({ status: 'FAILED', result: null, error: notFound(functionName) })
    else if (target.kind === 'durable') {
      const request = { of, name: null, input, synchronous: false, requestId: null, traceId, tenantId }
      follow(target.executionArn, request, (closure, { facts }) =>
        end(chainedClosure(closure, facts.executionTimeoutSeconds)),
      )
    } else {
      const requestId = crypto.randomUUID()
      const settle = (outcome: Outcome): void => {
        if (outcome.kind !== 'shutdown') end(chainedOutcome(outcome, of, requestId))
      }
      const event = input ?? '{}'
      of.invoke(invocationOf({ id: requestId, event, arn: of.arn, traceId, tenantId, settle }))
    }
  }
}

function invocationOf({
  id,
  event,
  arn,
  traceId,
  tenantId,
  placed = () => {},
  settle,
}: Call): EventInvocation {
  const request = {
    id: id as RequestId,
    payload: encoded(event),
    arn,
    traceId,
    clientContext: null,
    cognitoIdentity: null,
    tenant: tenantId,
  }
  return new EventInvocation(request, { placed, settle })
}

function notFound(functionName: string): ErrorObject {
  return { ErrorType: 'ResourceNotFoundException', ErrorMessage: `Function not found: ${functionName}` }
}
