/** The pool where environments run several invocations at a time. */

import { describe, expect, test } from 'bun:test'
import { managedInstances } from '../../src/core/mode.ts'
import type { Environment } from '../../src/engine/environment.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import type { PoolParts } from '../../src/engine/pool.ts'
import { until } from '../harness.ts'
import { type FakeInvocation, invocation, next, realClock, requestId, respond } from './fakes.ts'
import { type PoolStage, pooled } from './pooled.ts'

interface Stage extends PoolStage {
  readonly stalled: string[]
}

/** Environments of two slots. */
function slotted(over: Partial<PoolParts> & { timeoutMs?: number } = {}): Stage {
  const stalled: string[] = []
  const slots = {
    patienceMs: over.timeoutMs ?? 3000,
    stalled: ({ id }: Invocation) => {
      stalled.push(id)
    },
  }
  return { ...pooled({ slots, mode: managedInstances(2), ...over }), stalled }
}

const at = (staged: PoolStage, index: number): Environment => staged.environments[index] as Environment

/** What runs or is started for, by environment. */
const inside = ({ environments }: PoolStage): string[][] =>
  environments.map(({ state }) => {
    if (state.phase === 'serving') return state.inflight.map(({ id }) => id)
    return state.phase === 'starting' ? [...state.waiting] : []
  })

function all(...names: string[]): FakeInvocation[] {
  return names.map((name) => invocation(name))
}

const kinds = (callers: readonly FakeInvocation[]) => callers.map(({ outcomes }) => outcomes[0]?.kind)
const noSlot = { kind: 'throttled', noSlot: true } as const

describe('slots', () => {
  test('are the polls that are parked, up to the limit; others wait in order', () => {
    const staged = slotted()
    const { pool } = staged
    const environment = pool.open(true)
    next(environment)
    const callers = all('a', 'b', 'c', 'd')
    for (const caller of callers) pool.invoke(caller)
    expect(inside(staged)).toEqual([['a']])
    next(environment)
    next(environment)
    expect(inside(staged)).toEqual([['a', 'b']])
    respond(environment, requestId('b'))
    expect(inside(staged)).toEqual([['a', 'c']])
    respond(environment, requestId('a'))
    next(environment)
    expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({ inside: [['c', 'd']], waiting: 0 })
  })

  test('are unknown during init: all wait, whatever the queue may hold, and keep their order', () => {
    const staged = slotted({ maxQueue: 0 })
    const { pool } = staged
    const environment = pool.open(true)
    const callers = all('a', 'b', 'c', 'd')
    for (const caller of callers) pool.invoke(caller)
    expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({ inside: [['a', 'b']], waiting: 2 })
    next(environment)
    expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({ inside: [['a']], waiting: 3 })
    for (const one of ['a', 'b', 'c', 'd']) {
      respond(environment, requestId(one))
      next(environment)
    }
    expect(kinds(callers)).toEqual(['response', 'response', 'response', 'response'])
  })

  test('that will be there after an answer are waited for; where none will, a full queue refuses', () => {
    const staged = slotted({ maxQueue: 0 })
    const { pool } = staged
    const environment = pool.open(true)
    next(environment)
    const callers = all('a', 'b', 'c')
    pool.invoke(callers[0]!)
    pool.invoke(callers[1]!)
    expect(callers[1]!.outcomes).toEqual([noSlot])
    respond(environment, requestId('a'))
    pool.invoke(callers[2]!)
    expect(pool.waiting).toBe(1)
    next(environment)
    expect(inside(staged)).toEqual([['c']])
  })

  test('of several environments: a full one makes room for another, not for one per invocation', () => {
    const staged = slotted({ maxEnvironments: 3 })
    const { pool } = staged
    pool.open(false)
    for (const caller of all('a', 'b', 'c')) pool.invoke(caller)
    expect(inside(staged)).toEqual([['a', 'b'], ['c']])
    next(at(staged, 0))
    next(at(staged, 1))
    // one poll each: b was given back, and the second environment has no room either
    expect(inside(staged)).toEqual([['a'], ['c'], ['b']])
  })

  test('are never shared by tenants', () => {
    const staged = slotted({ maxEnvironments: 2 })
    const { pool } = staged
    next(pool.open(true))
    next(at(staged, 0))
    for (const tenant of ['red', 'blue']) pool.invoke(invocation(tenant, [], { tenant }))
    expect(inside(staged)).toEqual([['red'], ['blue']])
  })
})

describe('tenants and slots: an environment makes room', () => {
  const of = (tenant: string) => (name: string) => invocation(name, [], { tenant })
  const red = of('red')
  const blue = of('blue')

  /** Answers a, b and c, each in an environment of its own that begins when the one before it has made room. */
  async function answerInTurn(staged: ReturnType<typeof slotted>): Promise<void> {
    respond(at(staged, 0), requestId('a'))
    await until('room', () => staged.environments.length === 2)
    next(at(staged, 1))
    respond(at(staged, 1), requestId('b'))
    await until('room again', () => staged.environments.length === 3)
    next(at(staged, 2))
    respond(at(staged, 2), requestId('c'))
  }

  test('when nothing runs there any more, and takes nothing meanwhile', async () => {
    const staged = slotted()
    const { pool, released } = staged
    const environment = pool.open(true)
    next(environment)
    next(environment)
    const callers = [red('a'), blue('b'), red('c')]
    for (const caller of callers) pool.invoke(caller)
    expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({ inside: [['a']], waiting: 2 })
    await answerInTurn(staged)
    expect({ kinds: kinds(callers), released }).toEqual({
      kinds: ['response', 'response', 'response'],
      released: [1, 2],
    })
  })

  test('when it has served those that it starts for', async () => {
    const staged = slotted()
    const { pool } = staged
    const environment = pool.open(true)
    const callers = [red('a'), blue('b'), red('c')]
    for (const caller of callers) pool.invoke(caller)
    next(environment)
    expect(inside(staged)).toEqual([['a']])
    await answerInTurn(staged)
    expect(kinds(callers)).toEqual(['response', 'response', 'response'])
  })

  test('when its init has failed', async () => {
    const staged = slotted()
    const { pool, processes } = staged
    pool.open(true)
    const callers = [red('a'), blue('b')]
    for (const caller of callers) pool.invoke(caller)
    // another answer makes the pool look at the queue
    pool.invoke(blue('c'))
    processes[0]!.process('runtime').exit()
    await until('the second start', () => processes[0]!.all.length === 2)
    processes[0]!.process('runtime').exit()
    await until('room', () => staged.environments.length === 2)
    next(at(staged, 1))
    respond(at(staged, 1), requestId('b'))
    expect(kinds(callers)).toEqual(['fault', 'response'])
  })

  test('for nobody who may not wait', () => {
    const staged = slotted({ maxQueue: 0 })
    const { pool } = staged
    const environment = pool.open(true)
    next(environment)
    next(environment)
    const callers = [red('a'), blue('b'), red('c')]
    for (const caller of callers) pool.invoke(caller)
    expect({ inside: inside(staged), outcomes: callers[1]!.outcomes }).toEqual({
      inside: [['a', 'c']],
      outcomes: [noSlot],
    })
  })
})

test('an environment that has a free slot is not idle while something runs there', async () => {
  const staged = slotted({ maxEnvironments: 3, environmentTtlMs: 1, clock: realClock })
  const { pool } = staged
  pool.open(true)
  const callers = ['red', 'blue', 'green'].map((tenant) => invocation(tenant, [], { tenant }))
  for (const caller of callers) pool.invoke(caller)
  for (const environment of staged.environments) {
    next(environment)
    next(environment)
  }
  respond(at(staged, 2), requestId('green'))
  await until('the third one to be gone', () => staged.released.length > 0)
  expect({ released: staged.released, inside: inside(staged).slice(0, 2) }).toEqual({
    released: [3],
    inside: [['red'], ['blue']],
  })
  for (const index of [0, 1]) respond(at(staged, index), requestId(['red', 'blue'][index]!))
  expect(kinds(callers)).toEqual(['response', 'response', 'response'])
  await until('the second one to be gone', () => pool.size === 1)
})

describe('an init that fails', () => {
  test('is tried once more, and its failure answers all that wait, those in the queue too', async () => {
    const staged = slotted()
    const { pool } = staged
    const environment = pool.open(true)
    const callers = all('a', 'b', 'c', 'd')
    for (const caller of callers) pool.invoke(caller)
    staged.processes[0]!.process('runtime').exit()
    await until('the second start', () => staged.processes[0]!.all.length === 2)
    staged.processes[0]!.process('runtime').exit()
    await until('the failure', () => environment.state.phase === 'cold')
    expect(kinds(callers)).toEqual(['fault', 'fault', 'fault', 'fault'])
    expect({ phase: environment.state.phase, waiting: pool.waiting }).toEqual({ phase: 'cold', waiting: 0 })
    // and the next one tries anew
    const later = invocation('later')
    pool.invoke(later)
    await until('the start for it', () => staged.processes[0]!.all.length === 3)
    next(environment)
    expect(inside(staged)).toEqual([['later']])
  })

  test('answers nobody whom another environment will serve', async () => {
    const staged = slotted({ maxEnvironments: 2 })
    const { pool } = staged
    next(pool.open(true))
    const callers = all('a', 'b', 'c', 'd')
    for (const caller of callers) pool.invoke(caller)
    expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({
      inside: [['a'], ['b', 'c']],
      waiting: 1,
    })
    staged.processes[1]!.process('runtime').exit()
    await until('the second start', () => staged.processes[1]!.all.length === 2)
    staged.processes[1]!.process('runtime').exit()
    await until('the failure', () => callers[1]!.outcomes.length > 0)
    expect(kinds(callers.slice(0, 3))).toEqual([undefined, 'fault', 'fault'])
    respond(at(staged, 0), requestId('a'))
    next(at(staged, 0))
    expect(inside(staged).flat()).toContain('d')
  })
})

describe('workers that hang', () => {
  test('are waited for as long as a function may take, and then whoever waits is refused', async () => {
    const staged = slotted({ clock: realClock, timeoutMs: 60 })
    const { pool, stalled } = staged
    next(pool.open(true))
    const callers = all('a', 'b')
    for (const caller of callers) pool.invoke(caller)
    await until('the second one to be refused', () => callers[1]!.outcomes.length > 0)
    expect(kinds(callers)).toEqual(['timeout', 'throttled'])
    expect(stalled).toEqual(['b'])
  })
})

test('new code is started although one invocation follows the other', async () => {
  const staged = slotted()
  const { pool } = staged
  const environment = pool.open(true)
  next(environment)
  next(environment)
  for (const caller of all('a', 'b')) pool.invoke(caller)
  pool.recycle(false)
  next(environment)
  pool.invoke(invocation('c'))
  respond(environment, requestId('a'))
  // b still runs, so the slots that are free take no other
  expect({ inside: inside(staged), waiting: pool.waiting }).toEqual({ inside: [['b']], waiting: 1 })
  respond(environment, requestId('b'))
  await until('the new processes to start', () => staged.processes[0]!.all.length === 2)
  next(environment)
  expect({ inside: inside(staged), generation: environment.state.generation as number }).toEqual({
    inside: [['c']],
    generation: 2,
  })
})
