/** The calls that read: a run, its history, its operations, the runs of a function. */

import { statusOf } from '../core/state.ts'
import { markerOf, operationsPage, parseMarker, stateList } from '../pages.ts'
import type { RunRecord } from '../run.ts'
import { historyJson, runJson, summary } from '../wire.ts'
import { apiError, constraint, type DurableAnswer, invalidParameter, ok, okText } from './answer.ts'

const defaultItems = 100
const maxItems = 1000
const badMarker = invalidParameter('Invalid Marker')

/** 0 and nothing are the default. */
function itemsOf(query: URLSearchParams): number | DurableAnswer {
  const text = query.get('MaxItems')
  if (text === null || text === '') return defaultItems
  const items = Number(text)
  if (!Number.isInteger(items)) return apiError('SerializationException', 'MaxItems must be a whole number')
  if (items < 0) return constraint(items, 'maxItems', 'have value greater than or equal to 0')
  if (items > maxItems) return constraint(items, 'maxItems', `have value less than or equal to ${maxItems}`)
  return items === 0 ? defaultItems : items
}

const flag = (query: URLSearchParams, name: string, otherwise: boolean): boolean =>
  (query.get(name)?.toLowerCase() ?? String(otherwise)) === 'true'

const wantsData = (query: URLSearchParams): boolean => flag(query, 'IncludeExecutionData', true)

export const getExecution = (run: RunRecord, query: URLSearchParams): DurableAnswer =>
  ok(runJson(run.state, { data: wantsData(query) }))

export function getState(run: RunRecord, query: URLSearchParams): DurableAnswer {
  const items = itemsOf(query)
  if (typeof items === 'object') return items
  const from = parseMarker(stateList, query.get('Marker'))
  if (from === null) return badMarker
  const { operations, next } = operationsPage(run.state, {
    unit: 'seconds',
    from,
    maxItems: items,
    allowLarge: true,
  })
  const marker = next === null ? '' : `,"NextMarker":${JSON.stringify(markerOf(stateList, next))}`
  return okText(`{"Operations":[${operations.join(',')}]${marker}}`)
}

export function getHistory(run: RunRecord, query: URLSearchParams): DurableAnswer {
  const items = itemsOf(query)
  if (typeof items === 'object') return items
  const reversed = flag(query, 'ReverseOrder', false)
  const list = reversed ? 'history-reversed' : 'history'
  const from = parseMarker(list, query.get('Marker'))
  if (from === null) return badMarker
  const { history, state } = run
  const total = history.length
  const shown = { data: wantsData(query) }
  const events: object[] = []
  for (let index = from; index < Math.min(from + items, total); index++) {
    const place = reversed ? total - 1 - index : index
    const event = history[place]
    if (event !== undefined) events.push(historyJson(event, place + 1, state.run, shown))
  }
  const next = from + items < total ? { NextMarker: markerOf(list, from + items) } : {}
  return ok({ Events: events, ...next })
}

const statuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED', 'DELETING', 'PAUSING', 'PAUSED']

/** `functionArn` without a qualifier; `version` is the one that there is. */
export function listExecutions(
  all: Iterable<RunRecord>,
  functionArn: string,
  query: URLSearchParams,
  version: string,
): DurableAnswer {
  const items = itemsOf(query)
  if (typeof items === 'object') return items
  const wanted = query.getAll('Statuses')
  const unknown = wanted.find((status) => !statuses.includes(status))
  if (unknown !== undefined)
    return constraint(unknown, 'statuses', `satisfy enum value set: [${statuses.join(', ')}]`)
  if (wanted.length > 1) return invalidParameter('Cannot filter by more than one status')
  const [after, before] = [timeOf(query, 'StartedAfter'), timeOf(query, 'StartedBefore')]
  if (Number.isNaN(after)) return apiError('SerializationException', 'StartedAfter must be a time')
  if (Number.isNaN(before)) return apiError('SerializationException', 'StartedBefore must be a time')
  const reversed = flag(query, 'ReverseOrder', false)
  const list = reversed ? 'runs-reversed' : 'runs'
  const from = parseMarker(list, query.get('Marker'))
  if (from === null) return badMarker
  const name = query.get('DurableExecutionName')
  const qualifier = query.get('Qualifier')
  const found = [...all].filter(({ facts, state }) => {
    if (facts.functionArn !== functionArn) return false
    if (name !== null && facts.name !== name) return false
    if (qualifier !== null && qualifier !== facts.version && version !== facts.version) return false
    if (wanted.length === 1 && statusOf(state) !== wanted[0]) return false
    return (after === null || facts.startedAt > after) && (before === null || facts.startedAt < before)
  })
  if (!reversed) found.reverse()
  const page = found.slice(from, from + items).map(({ state }) => summary(state))
  const next = from + items < found.length ? { NextMarker: markerOf(list, from + items) } : {}
  return ok({ DurableExecutions: page, ...next })
}

/** Unix milliseconds of an ISO time, or of seconds since 1970; null for none, NaN for what is no time. */
function timeOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null || text === '') return null
  return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text)
}
