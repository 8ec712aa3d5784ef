import { expect, test } from 'bun:test'
import {
  isFilling,
  isFree,
  isLeaving,
  isOpen,
  isRecovering,
  isVacant,
  type LifecycleState,
} from '../../src/core/lifecycle.ts'
import { onDemand } from '../../src/core/mode.ts'
import {
  type Applicant,
  type Candidate,
  couldPlace,
  evict,
  mayWait,
  type Placement,
  type PlacementLimits,
  place,
  waitsUntil,
} from '../../src/core/placement.ts'
import {
  at,
  call,
  cold,
  one,
  serving,
  several,
  starting,
  stopped,
  stopping,
  three,
  toCold,
  toStart,
  toStopped,
  two,
} from './script.ts'

interface Named extends Candidate {
  readonly name: string
}

const free = serving({ polls: [call(1)] })
const busy = serving({ inflight: [at('running')] })
const answered = serving({ inflight: [at('responded')] })
const failed = stopping({ afterwards: toCold })
const leaving = stopping({ afterwards: toStopped })
const forNobody = starting()
const forSomebody = starting({ waiting: [one] })

const of = (name: string, state: LifecycleState, tenant: Candidate['tenant'] = null): Named => ({
  name,
  free: isFree(state, onDemand),
  open: isOpen(state, onDemand),
  recovering: isRecovering(state, onDemand),
  leaving: isLeaving(state),
  vacant: isVacant(state),
  filling: isFilling(state, onDemand),
  tenant,
})
const unused = (name: string, state: LifecycleState): Named => ({ ...of(name, state), tenant: undefined })
function told(placement: Placement<Named>): string {
  if (placement.do === 'create') return 'create'
  if (placement.do === 'wait') return placement.until === null ? 'wait' : `wait until ${placement.until}`
  return `${placement.do} ${placement.environment.name}`
}

const applicant = (over: Partial<Applicant> = {}): Applicant => ({
  tenant: null,
  since: 5000,
  ahead: 0,
  rivals: 0,
  ...over,
})
const terms = (limit: number, over: Partial<PlacementLimits> = {}): PlacementLimits => ({
  limit,
  notBefore: 0,
  now: 5000,
  ...over,
})

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
  expect(told(place(all, applicant({ tenant }), terms(limit)))).toBe(expected)
})

const soon: [name: string, all: Named[], applicant: Partial<Applicant>, now: number, expected: string][] = [
  ['one that has answered is waited for', [of('a', answered)], {}, 5000, 'wait until 5100'],
  ['… no longer than that', [of('a', answered)], {}, 5099, 'wait until 5100'],
  ['… and then another one is made', [of('a', answered)], {}, 5100, 'create'],
  ['one that failed is waited for', [of('a', failed)], {}, 5000, 'wait until 5100'],
  ['one that nobody has used is waited for', [unused('a', failed)], {}, 5000, 'wait until 5100'],
  ['one that is stopped for good is not', [of('a', leaving)], {}, 5000, 'create'],
  ['one of another tenant is not', [of('a', answered, 'red')], {}, 5000, 'create'],
  ['by one only', [of('a', answered)], { ahead: 1, rivals: 1 }, 5000, 'create'],
  ['by two, if there are two', [of('a', answered), of('b', failed)], { rivals: 1 }, 5000, 'wait until 5100'],
  ['whoever waits before it, of another tenant', [of('a', answered)], { ahead: 3 }, 5000, 'wait until 5100'],
]
test.each(soon)('about to be free: %s', (_, all, over, now, expected) => {
  expect(told(place(all, applicant(over), terms(9, { now })))).toBe(expected)
})

test('nothing is made for a while after an attempt that failed, unless there is nothing else', () => {
  const blocked = terms(9, { notBefore: 6000 })
  expect(told(place([of('a', busy)], applicant(), blocked))).toBe('wait until 6000')
  expect(told(place([of('a', busy)], applicant(), { ...blocked, now: 6000 }))).toBe('create')
  expect(told(place([], applicant(), blocked))).toBe('create')
})

test('an environment that leaves makes room for one, so the next idle one stays', () => {
  const all = [of('a', leaving, 'red'), of('b', free, 'red')]
  expect(told(place(all, applicant({ tenant: 'blue' }), terms(2)))).toBe('wait')
  expect(told(place(all, applicant({ tenant: 'blue', ahead: 1 }), terms(2)))).toBe('retire b')
})

test('of several slots: one in which nothing runs makes room, else the oldest that has a slot', () => {
  const half = { ...of('a', busy, 'red'), free: true, open: true }
  const full = of('b', busy, 'red')
  const idle = of('c', free, 'red')
  const blue = applicant({ tenant: 'blue' })
  expect([
    told(place([half, full, idle], blue, terms(3))),
    told(place([full, half], blue, terms(2))),
    told(place([{ ...half, open: false, free: false, leaving: true }, full], blue, terms(2))),
    told(place([half], applicant({ tenant: 'red' }), terms(1))),
  ]).toEqual(['retire c', 'retire a', 'wait', 'assign a'])
})

test('what runs or is waited for makes an environment occupied', () => {
  const states = [free, busy, answered, forNobody, forSomebody, cold(), stopped(), failed, leaving]
  expect(states.map(isVacant)).toEqual([true, false, false, true, false, true, true, true, true])
  expect(isVacant(stopping({ afterwards: toStart('init', one) }))).toBe(false)
})

test('the queue is looked at when any of it could be placed', () => {
  expect([
    couldPlace([], terms(1)),
    couldPlace([of('a', busy)], terms(1)),
    couldPlace([of('a', busy)], terms(2)),
    couldPlace([of('a', busy)], terms(2, { notBefore: 5001 })),
    couldPlace([of('a', busy), of('b', free, 'red')], terms(2)),
  ]).toEqual([true, false, true, false, true])
})

test('a queue has room below its limit, and for those that wait for an environment that is about to be free', () => {
  const none: Named[] = []
  expect([
    mayWait(0, 0, none),
    mayWait(0, 1, none),
    mayWait(1, 1, none),
    mayWait(999, 1000, none),
    mayWait(0, 0, [of('a', answered)]),
    mayWait(1, 0, [of('a', answered)]),
    mayWait(1, 0, [of('a', failed), of('b', leaving)]),
    mayWait(0, 0, [of('a', busy), of('b', free)]),
  ]).toEqual([false, true, false, true, true, false, true, false])
})

test('environments that have been idle for their time are evicted, but for the oldest warm one', () => {
  const idle = (name: string, idleSince: number, state: 'free' | 'cold' | 'busy' | 'half' = 'free') => ({
    name,
    idleSince,
    free: state === 'free' || state === 'half',
    vacant: state === 'free' || state === 'cold',
    cold: state === 'cold',
    warm: state !== 'cold',
  })
  const told = (all: ReturnType<typeof idle>[]) => {
    const { stop, next } = evict(all, 100, 1000)
    return [stop.map(({ name }) => name), next]
  }
  expect(told([idle('a', 0), idle('b', 900), idle('c', 901), idle('d', 0, 'busy')])).toEqual([['b'], 1001])
  expect(told([idle('a', 0), idle('b', 950), idle('c', 901)])).toEqual([[], 1001])
  expect(told([idle('a', 0, 'cold'), idle('b', 0), idle('c', 0)])).toEqual([['a', 'c'], null])
  expect(told([idle('a', 0, 'cold'), idle('b', 0, 'cold')])).toEqual([['b'], null])
  expect(told([idle('a', 0), idle('b', 0, 'half')])).toEqual([[], null])
  expect(told([])).toEqual([[], null])
})

test('while an environment fills that will have several slots, all may wait', () => {
  const filling = { ...of('a', starting()), filling: isFilling(starting(), several) }
  expect([mayWait(5, 0, [filling]), mayWait(5, 0, [of('a', starting())])]).toEqual([true, false])
  const retried = stopping({ afterwards: toStart('init', one) })
  expect([isFilling(retried, several), isFilling(failed, several), isFilling(free, several)]).toEqual([
    true,
    false,
    false,
  ])
})

test('with several slots, an environment recovers when an answer has come and its poll has not', () => {
  const full = { inflight: [at('running'), at('running', { id: two }), at('running', { id: three })] }
  const states = [
    serving({ owed: 1 }),
    serving({ owed: 1, inflight: [at('running')] }),
    serving({ owed: 1, polls: [call(1)] }),
    serving({ owed: 1, ...full }),
    serving({ inflight: [at('running')] }),
  ]
  expect(states.map((state) => isRecovering(state, several))).toEqual([true, true, false, false, false])
})

test('an invocation waits for workers as long as one of an environment that it may have takes something', () => {
  const moving = (tenant: string | null | undefined, tookAt: number | null) => ({ tenant, tookAt })
  const wait = { tenant: 'red', since: 100 }
  const rows = [
    waitsUntil([moving('red', 50)], wait, 1000),
    waitsUntil([moving('red', 500), moving('red', 300)], wait, 1000),
    waitsUntil([moving('red', 50), moving('blue', 900)], wait, 1000),
    waitsUntil([moving('blue', 900)], wait, 1000),
    waitsUntil([moving('red', 50), moving(undefined, 60)], wait, 1000),
    waitsUntil([moving('red', 50), moving('red', null)], wait, 1000),
  ]
  expect(rows).toEqual([1100, 1500, 1100, 1900, 1100, null])
})
