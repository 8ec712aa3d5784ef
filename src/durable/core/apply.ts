/** What an update that passed all checks does. */

import { complete, put } from './changes.ts'
import type { RunEffects } from './effect.ts'
import type { Update } from './event.ts'
import { ofOperation } from './history.ts'
import type { ChainedInvokeOperation, ContextOperation, Operation, StepOperation } from './operation.ts'
import type { RunData, RunPolicy } from './state.ts'

/** When something is due that was asked for so many seconds from now. */
export const dueAt = (at: number, seconds: number, { skipTime }: RunPolicy): number =>
  skipTime ? at : at + seconds * 1000

/** Applies one update to a run. The one of the run itself is not for here. */
export function apply(run: RunData, update: Update, at: number, out: RunEffects, policy: RunPolicy): void {
  const known = run.operations.get(update.id)
  switch (update.type) {
    case 'STEP':
      step(run, update, known as StepOperation | undefined, at, out, policy)
      return
    case 'CONTEXT':
      context(run, update, known as ContextOperation | undefined, at, out)
      return
    case 'WAIT':
      if (known === undefined) wait(run, update, at, out, policy)
      else cancel(run, known, at, out)
      return
    case 'CALLBACK':
      callback(run, update, at, out)
      return
    case 'CHAINED_INVOKE':
      chainedInvoke(run, update, at, out)
      return
    case 'EXECUTION':
      return
  }
}

const begun = ({ id, parentId, name, subType }: Update, at: number) => ({
  ...{ id, parentId, name, subType },
  ...{ startedAt: at, endedAt: null, result: null, error: null },
})

function step(
  run: RunData,
  update: Update,
  known: StepOperation | undefined,
  at: number,
  out: RunEffects,
  policy: RunPolicy,
): void {
  const before: StepOperation = known ?? {
    ...begun(update, at),
    ...{ type: 'STEP', status: 'STARTED', attempt: 0, nextAttemptAt: null },
  }
  if (update.action === 'START') {
    const started: StepOperation = { ...before, status: 'STARTED', nextAttemptAt: null }
    put(run, started, out)
    out.record(ofOperation('StepStarted', at, started))
    return
  }
  const attempt = before.attempt + 1
  const { payload: result, error, nextAttemptDelaySeconds: delaySeconds } = update
  const retry = { attempt, delaySeconds }
  const failed = error !== null || update.action === 'FAIL'
  const [type, details] = failed
    ? (['StepFailed', { error, retry }] as const)
    : (['StepSucceeded', { result, retry }] as const)
  let after: StepOperation
  if (update.action === 'RETRY') {
    const delay = delaySeconds as number
    after = { ...before, status: 'PENDING', attempt, result, error, nextAttemptAt: at + delay * 1000 }
    run.timers.set(update.id, dueAt(at, delay, policy))
  } else {
    const status = update.action === 'SUCCEED' ? 'SUCCEEDED' : 'FAILED'
    after = { ...before, status, attempt, result, error, nextAttemptAt: null, endedAt: at }
  }
  put(run, after, out)
  out.record(ofOperation(type, at, after, details))
}

function context(
  run: RunData,
  update: Update,
  known: ContextOperation | undefined,
  at: number,
  out: RunEffects,
): void {
  if (known === undefined) {
    const started: ContextOperation = {
      ...begun(update, at),
      ...{ type: 'CONTEXT', status: 'STARTED', replayChildren: null },
    }
    put(run, started, out)
    out.record(ofOperation('ContextStarted', at, started))
    return
  }
  const { payload: result, error, replayChildren } = update
  const succeeded = update.action === 'SUCCEED'
  const status = succeeded ? 'SUCCEEDED' : 'FAILED'
  const closed: ContextOperation = { ...known, status, result, error, replayChildren, endedAt: at }
  put(run, closed, out)
  out.record(
    succeeded
      ? ofOperation('ContextSucceeded', at, closed, { result })
      : ofOperation('ContextFailed', at, closed, { error }),
  )
}

function wait(run: RunData, update: Update, at: number, out: RunEffects, policy: RunPolicy): void {
  const seconds = update.waitSeconds as number
  const scheduledEndAt = at + seconds * 1000
  const started: Operation = {
    ...begun(update, at),
    ...{ type: 'WAIT', status: 'STARTED', seconds, scheduledEndAt },
  }
  run.timers.set(update.id, dueAt(at, seconds, policy))
  put(run, started, out)
  out.record(ofOperation('WaitStarted', at, started, { wait: { seconds, scheduledEndAt } }))
}

function cancel(run: RunData, known: Operation, at: number, out: RunEffects): void {
  run.timers.delete(known.id)
  const cancelled: Operation = { ...known, status: 'CANCELLED', endedAt: at }
  put(run, cancelled, out)
  out.record(ofOperation('WaitCancelled', at, cancelled))
}

function callback(run: RunData, update: Update, at: number, out: RunEffects): void {
  const { timeoutSeconds, heartbeatSeconds } = update.callback ?? { timeoutSeconds: 0, heartbeatSeconds: 0 }
  const started: Operation = {
    ...begun(update, at),
    ...{ type: 'CALLBACK', status: 'STARTED', timeoutSeconds, heartbeatSeconds },
  }
  if (timeoutSeconds > 0) run.timers.set(update.id, at + timeoutSeconds * 1000)
  if (heartbeatSeconds > 0) run.heartbeats.set(update.id, at + heartbeatSeconds * 1000)
  put(run, started, out)
  out.record(ofOperation('CallbackStarted', at, started, { callback: { timeoutSeconds, heartbeatSeconds } }))
}

function chainedInvoke(run: RunData, update: Update, at: number, out: RunEffects): void {
  const invoke = update.invoke as NonNullable<Update['invoke']>
  const started: ChainedInvokeOperation = {
    ...begun(update, at),
    ...{ type: 'CHAINED_INVOKE', status: 'STARTED', ...invoke, input: update.payload },
  }
  out.record(ofOperation('ChainedInvokeStarted', at, started, { input: update.payload, invoke }))
  const { target } = invoke
  if (target.kind === 'unresolved') {
    const end = { status: 'FAILED', error: target.error } as const
    complete(run, { ...started, input: null }, end, 'ChainedInvokeFailed', at, out)
    // it is told by the answer to this very checkpoint
    run.updated.delete(update.id)
    return
  }
  put(run, started, out)
  out.chain(started)
}
