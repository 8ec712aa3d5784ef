/**
 * Operations, histories and runs as the API writes them, with its names. Times are whole milliseconds in the event of a
 * handler, and seconds with a fraction in answers of the API. What is absent is left out: a null where nothing should
 * be ends JavaScript's SDK.
 */

import type { HistoryEvent } from './core/history.ts'
import type { ErrorObject, InvokeTarget, Operation } from './core/operation.ts'
import { nextDue, type RunFacts, type RunState, statusOf } from './core/state.ts'

type Json = Record<string, unknown>

/** Without the members that are null or undefined. */
function present(members: Json): Json {
  for (const name in members) {
    if (members[name] === null || members[name] === undefined) delete members[name]
  }
  return members
}

/** How times are written. */
export type TimeUnit = 'milliseconds' | 'seconds'

const time = (at: number, unit: TimeUnit): number => (unit === 'seconds' ? at / 1000 : at)

/** One operation, in the order of members in which the service writes them. */
function operationJson(operation: Operation, unit: TimeUnit): Json {
  const { id, parentId, name, type, subType, startedAt, endedAt, status } = operation
  const { result, error } = operation
  const outcome = { Result: result, Error: error }
  const common = present({
    Id: id,
    ParentId: parentId,
    Name: name,
    Type: type,
    SubType: subType,
    StartTimestamp: time(startedAt, unit),
    Status: status,
    EndTimestamp: endedAt === null ? null : time(endedAt, unit),
  })
  switch (operation.type) {
    case 'STEP': {
      const { attempt, nextAttemptAt } = operation
      const next = nextAttemptAt === null ? null : time(nextAttemptAt, unit)
      common.StepDetails = present({ Attempt: attempt, ...outcome, NextAttemptTimestamp: next })
      break
    }
    case 'CONTEXT':
      common.ContextDetails = present({ ReplayChildren: operation.replayChildren, ...outcome })
      break
    case 'WAIT':
      common.WaitDetails = { ScheduledEndTimestamp: time(operation.scheduledEndAt, unit) }
      break
    case 'CALLBACK':
      // its id is of its run too: `callbackOperation`
      common.CallbackDetails = present(outcome)
      break
    case 'CHAINED_INVOKE':
      common.ChainedInvokeDetails = present(outcome)
      break
  }
  return common
}

/** The operation that the run itself is: always the first. */
export function executionJson(facts: RunFacts, state: RunState, unit: TimeUnit): Json {
  return {
    Id: facts.executionId,
    Name: facts.name,
    Type: 'EXECUTION',
    StartTimestamp: time(facts.startedAt, unit),
    Status: state.phase === 'closed' ? state.status : 'STARTED',
    ExecutionDetails: { InputPayload: facts.input ?? 'null' },
  }
}

/** An id that finds its run and its operation by itself. */
export const callbackIdOf = (executionId: string, operationId: string): string =>
  Buffer.from(`${executionId}/${operationId}`).toString('base64')

/** The run and operation that an id is of; null for what is no such id. */
export function parseCallbackId(id: string): { executionId: string; operationId: string } | null {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(id) || id.length > 1024) return null
  const match = /^([0-9a-f-]{36})\/([a-zA-Z0-9-_]{1,64})$/.exec(Buffer.from(id, 'base64').toString())
  return match === null ? null : { executionId: match[1] as string, operationId: match[2] as string }
}

/** One operation of a run: a callback with its id. */
export function runOperationJson(executionId: string, operation: Operation, unit: TimeUnit): Json {
  const json = operationJson(operation, unit)
  if (operation.type === 'CALLBACK') {
    json.CallbackDetails = {
      CallbackId: callbackIdOf(executionId, operation.id),
      ...(json.CallbackDetails as Json),
    }
  }
  return json
}

const tokenPattern = /^([0-9a-f-]{36}):(\d{1,15})$/

/** A token as handlers get it. */
export const tokenText = (executionId: string, token: number): string =>
  Buffer.from(`${executionId}:${token}`).toString('base64')

/** The run and number of a token; null for what is none. */
export function parseToken(text: string): { executionId: string; token: number } | null {
  const match = tokenPattern.exec(Buffer.from(text, 'base64').toString())
  return match === null ? null : { executionId: match[1] as string, token: Number(match[2]) }
}

/** How much of a run is shown. */
export interface Shown {
  /** inputs, results and errors too */
  readonly data: boolean
}

/** A run as GetDurableExecution answers it. */
export function runJson(state: RunState, { data }: Shown): Json {
  const { facts } = state.run
  const closed = state.phase === 'closed' ? state : null
  const pause = state.phase === 'paused' || state.phase === 'invoking' ? state.pause : null
  const { deadline } = state.run
  return present({
    ...summary(state),
    InputPayload: data ? facts.input : null,
    Result: data ? closed?.result : null,
    Error: data ? closed?.error : null,
    Version: facts.version,
    TraceHeader: { XAmznTraceId: facts.traceId },
    ExecutionDataIncluded: data,
    DurableConfig: present({ ExecutionTimeout: facts.executionTimeoutSeconds }),
    PauseDetails:
      pause === null
        ? null
        : present({
            PauseRequestTimestamp: pause.at / 1000,
            Reason: pause.reason,
            ExecutionTimeoutPaused: pause.timeoutPaused,
          }),
    ExpectedExecutionTimeoutTimestamp: closed === null && deadline !== null ? deadline / 1000 : null,
  })
}

/** A run as ListDurableExecutionsByFunction answers it. */
export function summary(state: RunState): Json {
  const { facts } = state.run
  return present({
    DurableExecutionArn: facts.arn,
    DurableExecutionName: facts.name,
    FunctionArn: `${facts.functionArn}:${facts.version}`,
    Status: statusOf(state),
    StartTimestamp: facts.startedAt / 1000,
    EndTimestamp: state.phase === 'closed' ? state.endedAt / 1000 : null,
  })
}

const payload = (value: string | null | undefined, { data }: Shown): Json =>
  data ? present({ Payload: value, Truncated: false }) : { Truncated: true }

const errorJson = (value: ErrorObject | null | undefined, { data }: Shown): Json =>
  data ? present({ Payload: value ?? {}, Truncated: false }) : { Truncated: true }

function targetJson(target: InvokeTarget): Json {
  if (target.kind === 'unresolved') return {}
  const { version } = target
  return target.kind === 'plain'
    ? { ExecutedVersion: version }
    : { ExecutedVersion: version, DurableExecutionArn: target.executionArn }
}

/** One event of a history; `number` counts from 1. */
export function historyJson(
  event: HistoryEvent,
  number: number,
  { facts }: RunState['run'],
  shown: Shown,
): Json {
  const { type, at, of, details } = event
  const identity = of ?? (type === 'ExecutionStarted' ? { id: facts.executionId, name: facts.name } : null)
  const { parentId = null, subType = null } = of ?? {}
  return {
    ...present({
      EventType: type,
      SubType: subType,
      EventId: number,
      Id: identity?.id,
      Name: identity?.name,
      EventTimestamp: at / 1000,
      ParentId: parentId,
    }),
    [`${type}Details`]: detailsJson(event, facts.executionId, details, shown),
  }
}

function detailsJson(
  { type, of, at }: HistoryEvent,
  executionId: string,
  details: HistoryEvent['details'],
  shown: Shown,
): Json {
  const { input, result, error, retry, wait, callback, invoke, invocation, pause } = details
  const retried =
    retry === undefined
      ? {}
      : {
          RetryDetails: present({
            CurrentAttempt: retry.attempt,
            NextAttemptDelaySeconds: retry.delaySeconds,
          }),
        }
  switch (type) {
    case 'ExecutionStarted':
      return present({ Input: payload(input, shown), ExecutionTimeout: details.executionTimeoutSeconds })
    case 'ExecutionTimedOut':
      return { Error: {} }
    case 'ExecutionPaused':
      return present({
        PauseRequestTimestamp: at / 1000,
        Reason: pause?.reason,
        ExecutionTimeoutPaused: pause?.timeoutPaused,
      })
    case 'ExecutionResumed':
      return present({ ResumeRequestTimestamp: at / 1000, Reason: details.reason })
    case 'InvocationCompleted':
      return present({
        StartTimestamp: (invocation?.startedAt ?? at) / 1000,
        EndTimestamp: (invocation?.endedAt ?? at) / 1000,
        RequestId: invocation?.requestId,
        Error: error === null || error === undefined ? null : errorJson(error, shown),
      })
    case 'ContextStarted':
    case 'StepStarted':
    case 'WaitCancelled':
      return {}
    case 'WaitStarted':
      return { Duration: wait?.seconds, ScheduledEndTimestamp: (wait?.scheduledEndAt ?? at) / 1000 }
    case 'WaitSucceeded':
      return { Duration: wait?.seconds }
    case 'CallbackStarted':
      return present({
        CallbackId: callbackIdOf(executionId, of?.id ?? ''),
        Timeout: callback?.timeoutSeconds || null,
        HeartbeatTimeout: callback?.heartbeatSeconds || null,
      })
    case 'ChainedInvokeStarted':
      return present({
        FunctionName: invoke?.functionName,
        TenantId: invoke?.tenantId,
        Input: payload(input, shown),
        ...(invoke === undefined ? {} : targetJson(invoke.target)),
      })
    case 'ExecutionSucceeded':
    case 'ContextSucceeded':
    case 'StepSucceeded':
    case 'CallbackSucceeded':
    case 'ChainedInvokeSucceeded':
      return { Result: payload(result, shown), ...retried }
    default:
      return { Error: errorJson(error, shown), ...retried }
  }
}

/** When a run does something by itself, for people; null: it waits for somebody. */
export function dueTime(state: RunState): string | null {
  const due = nextDue(state)
  return Number.isFinite(due) ? new Date(due).toISOString() : null
}
