import { expect, test } from 'bun:test'
import { type EnvironmentState, isFree, isOpen } from '../../src/core/lifecycle.ts'
import { type Candidate, mayWait, type Placement, place } from '../../src/core/placement.ts'
import { at, call, cold, one, serving, starting, stopped, stopping } from './script.ts'

interface Named extends Candidate {
  readonly name: string
}

const free = serving({ polls: [call(1)] })
const busy = serving({ inflight: [at('running')] })
const forNobody = starting()
const forSomebody = starting({ waiting: one })

const of = (name: string, state: EnvironmentState, tenant: Candidate['tenant'] = null): Named => ({
  name,
  free: isFree(state),
  open: isOpen(state),
  tenant,
})
const unused = (name: string, state: EnvironmentState): Named => ({ ...of(name, state), tenant: undefined })
const told = (placement: Placement<Named>): string =>
  'environment' in placement ? `${placement.do} ${placement.environment.name}` : placement.do

const rows: [name: string, all: Named[], limit: number, tenant: string | null, expected: string][] = [
  ['nothing is there yet', [], 1, null, 'create'],
  ['a new one that nobody has used', [unused('a', cold())], 1, 'blue', 'assign a'],
  ['the oldest free one', [of('a', busy), of('b', free), of('c', free)], 9, null, 'assign b'],
  ['a free one before an older cold one', [of('a', cold()), of('b', free)], 9, null, 'assign b'],
  ['a cold one before a new one', [of('a', busy), of('b', cold())], 9, null, 'assign b'],
  ['the oldest of the open ones', [of('a', forNobody), of('b', cold())], 9, null, 'assign a'],
  ['one that starts for nobody', [unused('a', forNobody)], 1, null, 'assign a'],
  ['one that starts for somebody is taken', [of('a', forSomebody)], 1, null, 'wait'],
  ['one that starts for somebody, below the limit', [of('a', forSomebody)], 2, null, 'create'],
  ['one that stops is not there, but counts', [of('a', stopping())], 1, null, 'wait'],
  ['one that has stopped is not there', [of('a', stopped())], 1, null, 'wait'],
  ['all are busy, below the limit', [of('a', busy)], 2, null, 'create'],
  ['all are busy, at the limit', [of('a', busy), of('b', busy)], 2, null, 'wait'],
  ['a free one of the same tenant', [of('a', free, 'red'), of('b', free, 'blue')], 2, 'blue', 'assign b'],
  ['a free one of another tenant, below the limit', [of('a', free, 'red')], 2, 'blue', 'create'],
  ['a free one of another tenant makes room', [of('a', free, 'red')], 1, 'blue', 'retire a'],
  ['a cold one of another tenant makes room', [of('a', cold(), 'red')], 1, null, 'retire a'],
  [
    'the oldest of another tenant makes room',
    [of('a', free, 'red'), of('b', free, 'red')],
    2,
    null,
    'retire a',
  ],
  ['a busy one of another tenant does not', [of('a', busy, 'red')], 1, 'blue', 'wait'],
  [
    'an open one of its own before making room',
    [of('a', free, 'red'), of('b', cold(), 'blue')],
    2,
    'blue',
    'assign b',
  ],
  ['none without a tenant serves one with', [of('a', free, null)], 1, 'blue', 'retire a'],
]

test.each(rows)('%s', (_, all, limit, tenant, expected) => {
  expect(told(place(all, limit, tenant))).toBe(expected)
})

test('a queue has room below its limit, and one of no length never', () => {
  expect([mayWait(0, 0), mayWait(0, 1), mayWait(1, 1), mayWait(999, 1000)]).toEqual([
    false,
    true,
    false,
    true,
  ])
})
