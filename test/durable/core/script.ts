/** Words for traces of runs. Times are milliseconds from the start of the run, unless they say seconds. */

import type { Action, ChainedOutcome, RunEvent, Update } from '../../../src/durable/core/event.ts'
import type { ErrorObject, InvokeTarget } from '../../../src/durable/core/operation.ts'
import { type Created, create, type RunFacts, type RunPolicy } from '../../../src/durable/core/state.ts'

export const facts: RunFacts = {
  arn: 'arn:aws:lambda:us-east-1:012345678912:function:f:$LATEST/durable-execution/order-1/id-1',
  executionId: 'id-1',
  name: 'order-1',
  input: '{"n":1}',
  startedAt: 0,
  executionTimeoutSeconds: 900,
  maxResultBytes: 6_291_456,
  version: '$LATEST',
  functionArn: 'arn:aws:lambda:us-east-1:012345678912:function:f',
  traceId: 'Root=1-0-0',
  tenantId: null,
}
export const policy: RunPolicy = { retryDelaysMs: [1000, 2000], skipTime: false }
export const skipping: RunPolicy = { ...policy, skipTime: true }

export const fresh = (over: Partial<RunFacts> = {}): Created => create({ ...facts, ...over })

const update = (type: Update['type'], action: Action, id: string, over: Partial<Update> = {}): Update => ({
  ...{ type, action, id, parentId: null, name: id, subType: null },
  ...{ payload: null, error: null, replayChildren: null, nextAttemptDelaySeconds: null },
  ...{ waitSeconds: null, callback: null, invoke: null },
  ...over,
})

export { update }

type Over = Partial<Update>
export const stepStart = (id: string, over?: Over): Update => update('STEP', 'START', id, over)
export const stepOk = (id: string, payload: string | null = '1', over?: Over): Update =>
  update('STEP', 'SUCCEED', id, { payload, ...over })
export const stepFail = (id: string, over?: Over): Update =>
  update('STEP', 'FAIL', id, { error: boom, ...over })
export const stepRetry = (id: string, seconds: number, over: Over = { error: boom }): Update =>
  update('STEP', 'RETRY', id, { nextAttemptDelaySeconds: seconds, ...over })
export const contextStart = (id: string, over?: Over): Update => update('CONTEXT', 'START', id, over)
export const contextOk = (id: string, over?: Over): Update =>
  update('CONTEXT', 'SUCCEED', id, { payload: '1', ...over })
export const contextFail = (id: string, over?: Over): Update =>
  update('CONTEXT', 'FAIL', id, { error: boom, ...over })
export const waitStart = (id: string, seconds: number, over?: Over): Update =>
  update('WAIT', 'START', id, { waitSeconds: seconds, ...over })
export const waitCancel = (id: string): Update => update('WAIT', 'CANCEL', id)
export const callbackStart = (id: string, timeoutSeconds = 0, heartbeatSeconds = 0): Update =>
  update('CALLBACK', 'START', id, { callback: { timeoutSeconds, heartbeatSeconds } })
export const plain: InvokeTarget = { kind: 'plain', arn: 'arn:f', version: '$LATEST' }
export const invokeStart = (id: string, target: InvokeTarget = plain, over?: Over): Update =>
  update('CHAINED_INVOKE', 'START', id, {
    payload: '{}',
    invoke: { functionName: 'other', tenantId: null, target },
    ...over,
  })
export const runOk = (payload: string | null = '"all"'): Update =>
  update('EXECUTION', 'SUCCEED', 'end', { payload })
export const runFail = (error: ErrorObject | null = boom): Update =>
  update('EXECUTION', 'FAIL', 'end', { error })

export const boom: ErrorObject = { ErrorMessage: 'boom', ErrorType: 'Error' }

// events

export const begin: RunEvent = { type: 'begin', at: 0 }
export const checkpoint = (
  token: number,
  updates: readonly Update[] = [],
  at = 10,
  clientToken: string | null = null,
): RunEvent => ({
  type: 'checkpoint',
  at,
  token,
  clientToken,
  updates,
})
const request = { requestId: 'r', startedAt: 0 }
export const returned = (payload: string, at = 20): RunEvent => ({
  type: 'returned',
  at,
  payload,
  ...request,
})
export const pending = (at = 20): RunEvent => returned('{"Status":"PENDING"}', at)
export const done = (at = 20, result = '"all"'): RunEvent =>
  returned(JSON.stringify({ Status: 'SUCCEEDED', Result: result }), at)
export const gaveUp = (at = 20): RunEvent => returned(JSON.stringify({ Status: 'FAILED', Error: boom }), at)
export const crash: ErrorObject = { ErrorMessage: 'exit 1', ErrorType: 'Runtime.ExitError' }
export const failed = (at = 20): RunEvent => ({ type: 'failed', at, error: crash, ...request })
export const withdrawn = (at = 20): RunEvent => ({ type: 'withdrawn', at })
export const restored = (at = 20): RunEvent => ({ type: 'restored', at })
export const timer = (at: number): RunEvent => ({ type: 'timer', at })
export const succeeds = (id: string, at = 30, result: string | null = 'yes'): RunEvent => ({
  type: 'callback-succeeded',
  at,
  id,
  result,
})
export const fails = (id: string, at = 30, error: ErrorObject = {}): RunEvent => ({
  type: 'callback-failed',
  at,
  id,
  error,
})
export const beats = (id: string, at = 30): RunEvent => ({ type: 'callback-heartbeat', at, id })
export const chained = (id: string, outcome: Partial<ChainedOutcome>, at = 30): RunEvent => ({
  type: 'chained-ended',
  at,
  id,
  outcome: { status: 'SUCCEEDED', result: null, error: null, ...outcome },
})
export const stop = (at = 40, error: ErrorObject = {}): RunEvent => ({ type: 'stop', at, error })
export const pause = (at = 40, timeoutPaused = true): RunEvent => ({
  type: 'pause',
  at,
  reason: null,
  timeoutPaused,
})
export const resume = (at = 50): RunEvent => ({ type: 'resume', at, reason: null })
export const remove = (at = 60): RunEvent => ({ type: 'delete', at })

// traces

/** What happens, and in words what is done and where that leads. */
export type Beat = readonly [event: RunEvent, ...words: string[]]

export interface Trace {
  readonly name: string
  readonly given: Created
  readonly policy: RunPolicy
  readonly beats: readonly Beat[]
}

export const trace = (
  name: string,
  beats: readonly Beat[],
  { given = fresh(), of = policy }: { given?: Created; of?: RunPolicy } = {},
): Trace => ({ name, given, policy: of, beats })

const started = 'tell ExecutionStarted'
/** Each trace that does not say otherwise begins so. */
export const begins: Beat = [begin, started, 'invoke 1', '= invoking 1 until 900000']
export const completed = 'tell InvocationCompleted'
