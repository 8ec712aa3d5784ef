/** A checkpoint: all of its updates are applied, in their order, or none is. */

import { type Check, checks, mayFollow, textOf, tooLarge } from './actions.ts'
import { apply } from './apply.ts'
import { fireDue } from './due.ts'
import type { Closure, RunEffects } from './effect.ts'
import { close, failure } from './enter.ts'
import type { RunOn, Update } from './event.ts'
import { bytesOf, maxOperationBytes, maxOperations, maxStoredBytes } from './limits.ts'
import type { Operation } from './operation.ts'
import { invalid, invalidToken } from './refusal.ts'
import type { Invoking, RunData, RunPolicy, RunState } from './state.ts'

export function checkpoint(
  state: Invoking,
  event: RunOn<'checkpoint'>,
  out: RunEffects,
  policy: RunPolicy,
): RunState {
  const { run, last } = state
  const { at, token, clientToken, updates } = event
  // A client that lost the answer asks again: as long as the handler has not used what it got there.
  if (last !== null && clientToken === last.clientToken && token === last.token) {
    out.reply(last.reply)
    return state
  }
  if (token !== state.token || token === 0) {
    out.reply(invalidToken)
    return state
  }
  const fault = faultOf(run, updates)
  if (fault !== null) {
    out.reply(invalid(fault))
    return state
  }
  for (const update of updates) apply(run, update, at, out, policy)
  fireDue(run, at, out)
  const closure = closureOf(updates) ?? overQuota(run)
  if (closure !== null) {
    out.reply({ kind: 'checkpointed', token: null, operations: answered(run) })
    return close(run, closure, at, true, out)
  }
  if (state.pause !== null) {
    out.reply({ kind: 'checkpointed', token: null, operations: [] })
    state.token = null
    state.interrupted = true
    state.last = null
    return state
  }
  const next = ++run.tokens
  const reply = { kind: 'checkpointed', token: next, operations: answered(run) } as const
  out.reply(reply)
  state.token = next
  state.last = clientToken === null ? null : { token, clientToken, reply }
  return state
}

/** What has changed since the handler last saw the state, its own changes too: SDKs look for them in the answer. */
function answered(run: RunData): readonly Operation[] {
  const operations =
    run.unseen.size === 0 ? [] : [...run.unseen].map((id) => run.operations.get(id) as Operation)
  run.unseen.clear()
  return operations
}

/** What the first update that is wrong is refused with; null when all may be applied. */
function faultOf(run: RunData, updates: readonly Update[]): string | null {
  const ofRun = updates.filter(({ type }) => type === 'EXECUTION')
  if (ofRun.length > 1) return 'Cannot checkpoint multiple EXECUTION updates.'
  if (ofRun.length === 1 && updates.at(-1)?.type !== 'EXECUTION')
    return 'EXECUTION checkpoint must be the last update.'
  /** of this checkpoint: as they will be, as far as the checks look */
  const ahead = new Map<string, Operation>()
  const firsts = new Map<string, Update | null>()
  const find = (id: string): Operation | undefined => ahead.get(id) ?? run.operations.get(id)
  for (const update of updates) {
    const first = firsts.get(update.id)
    if (first !== undefined && (first === null || !mayFollow(first, update)))
      return 'Cannot update the same operation twice in a single request.'
    firsts.set(update.id, first === undefined ? update : null)
    const fault = checkAll(update, find) ?? sizeFault(run, update)
    if (fault !== null) return fault
    const { id, parentId, name, subType, type } = update
    if (update.action === 'START')
      ahead.set(id, { id, parentId, name, subType, type, status: 'STARTED' } as Operation)
  }
  return null
}

function checkAll(update: Update, find: (id: string) => Operation | undefined): string | null {
  const known = update.type === 'EXECUTION' ? undefined : find(update.id)
  for (const check of Object.values<Check>(checks)) {
    const fault = check(update, known, find)
    if (fault !== null) return fault
  }
  return null
}

function sizeFault({ facts }: RunData, { type, payload, error }: Update): string | null {
  if (type === 'EXECUTION' && bytesOf(payload) > facts.maxResultBytes)
    return tooLarge(type, facts.maxResultBytes)
  if (type !== 'EXECUTION' && bytesOf(payload) > maxOperationBytes) return tooLarge(type)
  return error !== null && bytesOf(textOf(error)) > maxOperationBytes ? tooLarge(type) : null
}

/** How the run ends, if this checkpoint ends it. */
function closureOf(updates: readonly Update[]): Closure | null {
  const last = updates.at(-1)
  if (last?.type !== 'EXECUTION') return null
  return last.action === 'SUCCEED'
    ? { status: 'SUCCEEDED', result: last.payload, error: null }
    : { status: 'FAILED', result: null, error: last.error ?? {} }
}

function overQuota({ operations, bytes }: RunData): Closure | null {
  if (operations.size > maxOperations)
    return failure(`A durable execution can have at most ${maxOperations} operations.`, quota)
  if (bytes > maxStoredBytes)
    return failure(`A durable execution can store at most ${maxStoredBytes} bytes.`, quota)
  return null
}

const quota = 'LimitExceededException'
