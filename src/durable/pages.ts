/** Long lists in pages: of so many items, or of so many bytes. Markers are opaque to clients. */

import type { Operation } from './core/operation.ts'
import { visible } from './core/operation.ts'
import type { RunState } from './core/state.ts'
import { executionJson, runOperationJson, type TimeUnit } from './wire.ts'

/** Bytes of operations in one event or page: what is around them has to fit under 6 MB too. */
const maxPageBytes = 5 * 1024 * 1024

/** A marker that says which list it is of, so that it is good for no other. */
export const markerOf = (list: string, index: number): string =>
  Buffer.from(`${list}:${index}`).toString('base64')

/** The place that a marker means; null if it is of another list. */
export function parseMarker(list: string, marker: string | null): number | null {
  if (marker === null || marker === '') return 0
  const text = Buffer.from(marker, 'base64').toString()
  return text.startsWith(`${list}:`) && /^\d{1,9}$/.test(text.slice(list.length + 1))
    ? Number(text.slice(list.length + 1))
    : null
}

/** A page of the operations that a handler sees, as JSON texts. */
export interface OperationsPage {
  readonly operations: readonly string[]
  /** the place in the order of creation at which the next one begins; null: this was the last */
  readonly next: number | null
}

export interface PageLimits {
  readonly unit: TimeUnit
  /** where it begins in the order of creation; the run itself is 0 */
  readonly from: number
  readonly maxItems: number
  /** an operation that is larger than a page stands alone in it */
  readonly allowLarge: boolean
}

export function operationsPage(
  state: RunState,
  { unit, from, maxItems, allowLarge }: PageLimits,
): OperationsPage {
  const { facts, operations } = state.run
  const texts: string[] = []
  let bytes = 0
  function fits(text: string): boolean {
    const size = Buffer.byteLength(text) + 1
    if (texts.length >= maxItems) return false
    if (bytes + size > maxPageBytes && !(allowLarge && texts.length === 0)) return false
    bytes += size
    texts.push(text)
    return true
  }
  if (from === 0 && !fits(JSON.stringify(executionJson(facts, state, unit))))
    return { operations: texts, next: 0 }
  const places = new Map([...operations.keys()].map((id, index) => [id, index + 1]))
  for (const operation of visible(operations)) {
    const place = places.get(operation.id) as number
    if (place < from) continue
    if (!fits(jsonOf(facts.executionId, operation, unit))) return { operations: texts, next: place }
  }
  return { operations: texts, next: null }
}

const jsonOf = (executionId: string, operation: Operation, unit: TimeUnit): string =>
  JSON.stringify(runOperationJson(executionId, operation, unit))

/** The marker list of a run's operations. */
export const stateList = 'state'

/** The event of an invocation, as the handler gets it. */
export function handlerEvent(state: RunState, token: string, updated: readonly string[]): string {
  const { arn } = state.run.facts
  const page = operationsPage(state, {
    unit: 'milliseconds',
    from: 0,
    maxItems: Number.POSITIVE_INFINITY,
    allowLarge: false,
  })
  const next = page.next === null ? '' : markerOf(stateList, page.next)
  return (
    `{"DurableExecutionArn":${JSON.stringify(arn)},"CheckpointToken":${JSON.stringify(token)},` +
    `"InitialExecutionState":{"Operations":[${page.operations.join(',')}],"NextMarker":${JSON.stringify(next)}},` +
    `"UpdatedOperationIds":${JSON.stringify(updated)}}`
  )
}
