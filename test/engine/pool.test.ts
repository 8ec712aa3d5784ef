import { describe, expect, test } from 'bun:test'
import type { Environment } from '../../src/engine/environment.ts'
import type { PlatformListener } from '../../src/engine/platform-event.ts'
import type { PoolObserver } from '../../src/engine/ports.ts'
import { activities, activity } from '../../src/engine/snapshot.ts'
import { until } from '../harness.ts'
import { ask, type FakeProcesses, invocation, next, realClock, requestId, respond, stage } from './fakes.ts'
import { type PoolStage, pooled } from './pooled.ts'

const never = new Promise<void>(() => {})

/** Answers what the environment has been handed, and asks for the next event. */
function serve(environment: Environment): void {
  const { state } = environment
  if (state.phase === 'serving' && state.inflight[0] !== undefined) respond(environment, state.inflight[0].id)
  next(environment)
}

/** What runs, by environment. */
const running = ({ environments }: PoolStage): (string | null)[] =>
  environments.map(({ state }) => {
    if (state.phase === 'serving') return state.inflight[0]?.id ?? null
    return state.phase === 'starting' ? (state.waiting[0] ?? null) : null
  })

const at = (staged: PoolStage, index: number): Environment => staged.environments[index] as Environment

describe('who runs where', () => {
  test('the first environment is there before anything starts', () => {
    const staged = pooled()
    const first = staged.pool.open(false)
    expect(first.state.phase).toBe('cold')
    expect(staged.pool).toMatchObject({ size: 1, waiting: 0, draining: false, ready: false })
    expect(staged.processes[0]?.specs).toEqual([])
  })

  test('an eager start makes it ready', () => {
    const staged = pooled()
    next(staged.pool.open(true))
    expect(staged.pool.ready).toBe(true)
  })

  test('invocations wait in the order of their arrival, and each is served', () => {
    const staged = pooled()
    const { pool, log } = staged
    pool.open(false)
    const callers = ['a', 'b', 'c', 'd'].map((name) => invocation(name, log))
    for (const caller of callers) pool.invoke(caller)
    expect(pool.waiting).toBe(3)
    next(at(staged, 0))
    const order: (string | null)[] = []
    while (callers.some(({ outcomes }) => outcomes.length === 0)) {
      order.push(...running(staged))
      serve(at(staged, 0))
    }
    expect(order).toEqual(['a', 'b', 'c', 'd'])
    expect(log.filter((line) => line.startsWith('over'))).toEqual(['over a', 'over b', 'over c', 'over d'])
    expect({ size: pool.size, waiting: pool.waiting }).toEqual({ size: 1, waiting: 0 })
  })

  test('an environment is made for each that waits, up to the limit, and no more', () => {
    const staged = pooled({ maxEnvironments: 3 })
    const { pool } = staged
    pool.open(false)
    pool.invoke(invocation('a'))
    expect(pool.size).toBe(1)
    pool.invoke(invocation('b'))
    expect(pool.size).toBe(2)
    pool.invoke(invocation('c'))
    pool.invoke(invocation('d'))
    expect({ size: pool.size, waiting: pool.waiting }).toEqual({ size: 3, waiting: 1 })
    expect(running(staged)).toEqual(['a', 'b', 'c'])
  })

  test('an environment that starts is kept for the one that it was started for', () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    pool.open(false)
    for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
    next(at(staged, 1))
    expect(running(staged)).toEqual(['a', 'b'])
    serve(at(staged, 1))
    expect(running(staged)).toEqual(['a', 'c'])
  })

  test('whoever waits longer goes first, also when an environment is free in between', () => {
    const staged = pooled()
    const { pool, log } = staged
    pool.open(false)
    next(at(staged, 0))
    pool.invoke(invocation('a', log))
    next(at(staged, 0))
    const late = invocation('late', log)
    const waits = invocation('waits', log)
    pool.invoke(waits)
    const settle = waits.settle.bind(waits)
    waits.settle = (outcome) => {
      settle(outcome)
      pool.invoke(late)
    }
    pool.invoke(invocation('last', log))
    serve(at(staged, 0))
    serve(at(staged, 0))
    expect(running(staged)).toEqual(['last'])
    serve(at(staged, 0))
    expect(running(staged)).toEqual(['late'])
  })

  test('an invocation over a thousand in the queue is served like the first', () => {
    const staged = pooled({ maxQueue: 5000 })
    const { pool } = staged
    pool.open(true)
    const callers = Array.from({ length: 3000 }, (_, index) => invocation(`i${index}`))
    for (const caller of callers) pool.invoke(caller)
    for (let served = 0; served <= 3000; served++) {
      serve(at(staged, 0))
      // newcomers join while the head of the queue moves
      if (served < 100) pool.invoke(invocation(`late${served}`))
    }
    expect(callers.every(({ outcomes }) => outcomes.length === 1)).toBe(true)
  })
})

describe('the bound of the queue', () => {
  test('one more is refused at once', () => {
    const { pool } = pooled({ maxQueue: 2 })
    pool.open(false)
    const callers = ['a', 'b', 'c', 'd'].map((name) => invocation(name))
    for (const caller of callers) pool.invoke(caller)
    expect(callers.map(({ outcomes }) => outcomes)).toEqual([[], [], [], [{ kind: 'throttled' }]])
    expect(pool.has(requestId('c'))).toBe(true)
    expect(pool.has(requestId('d'))).toBe(false)
  })

  test('a queue of no length refuses whoever finds no environment, and takes who does', () => {
    const staged = pooled({ maxQueue: 0 })
    const { pool } = staged
    pool.open(false)
    const callers = ['a', 'b', 'c'].map((name) => invocation(name))
    pool.invoke(callers[0]!)
    pool.invoke(callers[1]!)
    next(at(staged, 0))
    serve(at(staged, 0))
    pool.invoke(callers[2]!)
    serve(at(staged, 0))
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'throttled', 'response'])
  })
})

describe('the bound of the queue, with tenants,', () => {
  const of = (tenant: string, name: string) => invocation(name, [], { tenant })

  test('refuses nobody for whom an environment is free, whoever else waits', async () => {
    const staged = pooled({ maxEnvironments: 2, maxQueue: 0 })
    const { pool } = staged
    pool.open(true)
    next(at(staged, 0))
    pool.invoke(of('red', 'a'))
    pool.invoke(of('blue', 'b'))
    next(at(staged, 1))
    for (const environment of staged.environments) serve(environment)
    const green = of('green', 'c')
    pool.invoke(green)
    expect({ waiting: pool.waiting, leaving: at(staged, 0).state.phase }).toEqual({
      waiting: 1,
      leaving: 'stopping',
    })
    const blue = of('blue', 'd')
    pool.invoke(blue)
    expect(running(staged)).toEqual([null, 'd'])
    const refused = of('blue', 'e')
    pool.invoke(refused)
    expect(refused.outcomes).toEqual([{ kind: 'throttled' }])
    expect(pool.has(requestId('e'))).toBe(false)
    serve(at(staged, 1))
    await until('room to be made', () => staged.environments.length === 3)
    next(at(staged, 2))
    serve(at(staged, 2))
    expect([green, blue].map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'response'])
  })

  test('refuses whoever comes when all is full, and leaves those who wait alone', () => {
    const staged = pooled({ maxQueue: 2 })
    const { pool } = staged
    next(pool.open(true))
    const callers = ['a', 'b', 'c'].map((name) => of('red', name))
    for (const caller of callers) pool.invoke(caller)
    for (const tenant of ['red', 'blue']) {
      const refused = of(tenant, `no ${tenant}`)
      pool.invoke(refused)
      expect(refused.outcomes).toEqual([{ kind: 'throttled' }])
    }
    expect(pool.waiting).toBe(2)
    for (let round = 0; round < 3; round++) serve(at(staged, 0))
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'response', 'response'])
  })
})

describe('an environment that fails', () => {
  test('starts again for who waits', async () => {
    const staged = pooled()
    const { pool, processes } = staged
    pool.open(false)
    const callers = ['a', 'b'].map((name) => invocation(name))
    for (const caller of callers) pool.invoke(caller)
    next(at(staged, 0))
    processes[0]?.process('runtime').exit()
    await until('the second start', () => processes[0]?.all.length === 2)
    next(at(staged, 0))
    serve(at(staged, 0))
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['fault', 'response'])
  })

  test('while nobody was looking costs the next caller nothing', () => {
    const staged = pooled()
    const { pool, processes, clock } = staged
    next(pool.open(true))
    pool.invoke(invocation('a'))
    serve(at(staged, 0))
    ;(processes[0] as FakeProcesses).process('runtime').status = { kind: 'signal', signal: 'SIGKILL' }
    clock.advance(5)
    const caller = invocation('b')
    pool.invoke(caller)
    expect(processes[0]?.all).toHaveLength(2)
    next(at(staged, 0))
    serve(at(staged, 0))
    expect(caller.outcomes).toMatchObject([{ kind: 'response' }])
  })

  test('and cannot start again answers each of those who wait, once', async () => {
    const staged = pooled()
    const { pool, processes } = staged
    pool.open(false)
    const callers = ['a', 'b', 'c', 'd'].map((name) => invocation(name))
    for (const caller of callers) pool.invoke(caller)
    next(at(staged, 0))
    // a build replaces the program while it runs
    processes[0]?.failures.set('runtime', { reason: 'entrypoint', text: 'no such file or directory' })
    processes[0]?.process('runtime').exit()
    await until('everyone to be answered', () => callers.every(({ outcomes }) => outcomes.length > 0))
    expect(callers.map(({ outcomes, tails }) => [outcomes.map(({ kind }) => kind), tails])).toEqual(
      callers.map(() => [['fault'], [null]]),
    )
    expect(pool.waiting).toBe(0)
  })
})

describe('an environment that is about to be free', () => {
  test('is waited for, so that a caller who comes back at once starts no other', () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    next(pool.open(true))
    pool.invoke(invocation('a'))
    respond(at(staged, 0), requestId('a'))
    pool.invoke(invocation('b'))
    expect({ size: pool.size, waiting: pool.waiting }).toEqual({ size: 1, waiting: 1 })
    next(at(staged, 0))
    expect({ size: pool.size, running: running(staged) }).toEqual({ size: 1, running: ['b'] })
  })

  test('is waited for after an eager start that failed, too', () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    pool.open(true)
    at(staged, 0).dispatch({ type: 'init-limit' })
    expect(at(staged, 0).state.phase).toBe('stopping')
    pool.invoke(invocation('a'))
    expect({ size: pool.size, waiting: pool.waiting }).toEqual({ size: 1, waiting: 1 })
  })

  test('is waited for by one only', () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    next(pool.open(true))
    pool.invoke(invocation('a'))
    respond(at(staged, 0), requestId('a'))
    pool.invoke(invocation('b'))
    pool.invoke(invocation('c'))
    expect(running(staged)).toEqual(['a', 'c'])
    next(at(staged, 0))
    expect(running(staged)).toEqual(['b', 'c'])
  })

  test('is not waited for longer than another one takes to start', async () => {
    const staged = pooled({ maxEnvironments: 2, clock: realClock })
    const { pool } = staged
    next(pool.open(true))
    pool.invoke(invocation('a'))
    respond(at(staged, 0), requestId('a'))
    pool.invoke(invocation('b'))
    await until('another one', () => pool.size === 2)
    expect(running(staged)).toEqual(['a', 'b'])
  })

  test('counts against no limit of the queue', () => {
    const staged = pooled({ maxQueue: 0 })
    const { pool } = staged
    next(pool.open(true))
    const callers = ['a', 'b', 'c'].map((name) => invocation(name))
    pool.invoke(callers[0]!)
    respond(at(staged, 0), requestId('a'))
    pool.invoke(callers[1]!)
    pool.invoke(callers[2]!)
    next(at(staged, 0))
    serve(at(staged, 0))
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'response', 'throttled'])
  })
})

describe('an environment that cannot be made', () => {
  const impossible = (): never => {
    throw new Error('no port is left')
  }

  test('is the answer when there is no other', () => {
    const { pool } = pooled({ create: impossible })
    const caller = invocation('a')
    pool.invoke(caller)
    expect({ outcomes: caller.outcomes, tails: caller.tails, size: pool.size }).toEqual({
      outcomes: [
        {
          kind: 'fault',
          fault: {
            errorType: 'Sandbox.Failure',
            text: 'The emulator could not make an execution environment; its log says why',
          },
        },
      ],
      tails: [null],
      size: 0,
    })
  })

  test('is done without as long as there are others', () => {
    const spare = pooled({ maxEnvironments: 9 })
    // a pool that can make one, and no second one
    let made = 0
    const staged = pooled({
      maxEnvironments: 9,
      create: (_, { changed }) => (made++ === 0 ? spareEnvironment(changed) : impossible()),
    })
    function spareEnvironment(changed: (environment: Environment) => void): Environment {
      const own = stage({ changed }).environment
      spare.environments.push(own)
      return own
    }
    const { pool } = staged
    pool.open(false)
    const callers = ['a', 'b', 'c'].map((name) => invocation(name))
    for (const caller of callers) pool.invoke(caller)
    expect({ size: pool.size, waiting: pool.waiting, made }).toEqual({ size: 1, waiting: 2, made: 2 })
    next(at(spare, 0))
    for (let round = 0; round < 3; round++) serve(at(spare, 0))
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'response', 'response'])
  })

  test('is tried again at once when the last of the others goes, and whoever waits is told', async () => {
    let made = 0
    const own: { environment?: Environment } = {}
    const { pool } = pooled({
      maxEnvironments: 2,
      create(_, { changed }) {
        if (made++ > 0) impossible()
        own.environment = stage({ changed }).environment
        return own.environment
      },
    })
    next(pool.open(true))
    const callers = [invocation('a'), invocation('b')]
    for (const caller of callers) pool.invoke(caller)
    expect({ waiting: pool.waiting, made }).toEqual({ waiting: 1, made: 2 })
    own.environment?.dispatch({ type: 'stop' })
    await until('the last environment to go', () => pool.size === 0)
    expect({ waiting: pool.waiting, made }).toEqual({ waiting: 0, made: 3 })
    expect(callers.map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['shutdown', 'fault'])
  })
})

test('who counts is told of every outcome, wait, init and restart', async () => {
  const told: unknown[] = []
  const observer: PoolObserver = {
    placed: (ms) => told.push(['placed', ms]),
    refused: ({ kind }) => told.push(['refused', kind]),
  }
  const listener: PlatformListener = (event) => {
    if (event.type === 'answered') told.push(['answered', event.outcome.kind, event.durationMs])
    if (event.type === 'initReport') told.push(['initReport', event.verdict.status, event.durationMs])
    if (event.type === 'fault') told.push(['fault', event.fault.errorType])
    if (event.type === 'shutdown') told.push(['shutdown', event.reason])
  }
  const staged = pooled({ observer, listener, maxQueue: 1 })
  const { pool, clock, processes } = staged
  pool.open(false)
  for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
  clock.advance(40)
  next(at(staged, 0))
  clock.advance(7)
  serve(at(staged, 0))
  expect(told.splice(0)).toEqual([
    ['placed', 0],
    ['refused', 'throttled'],
    ['initReport', 'success', 40],
    ['answered', 'response', 7],
    ['placed', 47],
  ])
  at(staged, 0).dispatch({ type: 'deadline', id: requestId('b') })
  expect(told.splice(0)).toEqual([
    ['answered', 'timeout', 0],
    ['shutdown', 'timeout'],
  ])
  await until('the end of the runtime', () => at(staged, 0).state.phase === 'cold')
  pool.invoke(invocation('d'))
  processes[0]?.process('runtime').exit()
  await until('the second attempt', () => processes[0]?.all.length === 3)
  expect(told.splice(0)).toEqual([
    ['placed', 0],
    ['fault', 'Runtime.ExitError'],
    ['initReport', 'error', 0],
    ['shutdown', 'failure'],
  ])
})

describe('tenants', () => {
  const red = (name: string) => invocation(name, [], { tenant: 'red' })
  const blue = (name: string) => invocation(name, [], { tenant: 'blue' })

  test('never share an environment', () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    pool.open(true)
    next(at(staged, 0))
    pool.invoke(red('a'))
    serve(at(staged, 0))
    pool.invoke(blue('b'))
    next(at(staged, 1))
    pool.invoke(red('c'))
    expect(running(staged)).toEqual(['c', 'b'])
    expect(staged.environments.map(({ tenant }) => tenant)).toEqual(['red', 'blue'])
  })

  test('make room for each other when the limit is reached', async () => {
    const staged = pooled()
    const { pool, released } = staged
    pool.open(true)
    next(at(staged, 0))
    pool.invoke(red('a'))
    serve(at(staged, 0))
    const other = blue('b')
    pool.invoke(other)
    expect({ size: pool.size, waiting: pool.waiting }).toEqual({ size: 1, waiting: 1 })
    await until('the room to be made', () => staged.environments.length === 2)
    next(at(staged, 1))
    serve(at(staged, 1))
    expect(other.outcomes).toMatchObject([{ kind: 'response' }])
    expect({ released, tenant: at(staged, 1).tenant }).toEqual({ released: [1], tenant: 'blue' })
  })

  test('make room at once when nothing runs in an environment that failed', () => {
    const staged = pooled({ maxQueue: 0 })
    const { pool, processes, released } = staged
    pool.open(true)
    next(at(staged, 0))
    pool.invoke(red('a'))
    serve(at(staged, 0))
    processes[0]?.process('runtime').exit()
    expect(at(staged, 0).state.phase).toBe('cold')
    const other = blue('b')
    pool.invoke(other)
    expect({ released, running: running(staged), outcomes: other.outcomes }).toEqual({
      released: [1],
      running: [null, 'b'],
      outcomes: [],
    })
  })

  test('wait in the order of their arrival', async () => {
    const staged = pooled()
    const { pool } = staged
    pool.open(true)
    next(at(staged, 0))
    pool.invoke(red('a'))
    const callers = [blue('b'), red('c'), blue('d'), invocation('e')]
    for (const caller of callers) pool.invoke(caller)
    const order: string[] = []
    while (order.length < 4) {
      serve(staged.environments.at(-1) as Environment)
      const name = await until('the next one', () =>
        running(staged).find((one) => one !== null && !order.includes(one) && one !== 'a'),
      )
      order.push(name as string)
      next(staged.environments.at(-1) as Environment)
    }
    serve(staged.environments.at(-1) as Environment)
    expect(order).toEqual(['b', 'c', 'd', 'e'])
    expect(callers.map(({ outcomes }) => outcomes.length)).toEqual([1, 1, 1, 1])
  })
})

test('a pool is idle when nobody waits and nothing runs', async () => {
  const staged = pooled()
  const { pool } = staged
  next(pool.open(true))
  await pool.idle()
  for (const name of ['a', 'b']) pool.invoke(invocation(name))
  let idle = false
  const waits = pool.idle().then(() => {
    idle = true
  })
  serve(at(staged, 0))
  await Promise.resolve()
  expect(idle).toBe(false)
  serve(at(staged, 0))
  await waits
})

describe('a drain', () => {
  test('with nothing running ends at once', async () => {
    const staged = pooled()
    staged.pool.open(false)
    await staged.pool.drain(60_000, never)
    expect(staged).toMatchObject({ released: [1], pool: { size: 0, draining: true } })
  })

  test('refuses who waits and who comes, lets the running finish, then stops all', async () => {
    const staged = pooled({ maxEnvironments: 2 })
    const { pool } = staged
    pool.open(false)
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => invocation(name)) as [
      ReturnType<typeof invocation>,
      ReturnType<typeof invocation>,
      ReturnType<typeof invocation>,
      ReturnType<typeof invocation>,
    ]
    for (const caller of [a, b, c]) pool.invoke(caller)
    next(at(staged, 0))
    const drained = pool.drain(60_000, never)
    pool.invoke(d)
    expect([a, b, c, d].map(({ outcomes }) => outcomes)).toEqual([
      [],
      [],
      [{ kind: 'shutdown' }],
      [{ kind: 'shutdown' }],
    ])
    serve(at(staged, 0))
    expect(staged.released).toEqual([])
    next(at(staged, 1))
    serve(at(staged, 1))
    await drained
    expect([a, b].map(({ outcomes }) => outcomes[0]?.kind)).toEqual(['response', 'response'])
    expect(staged.released.toSorted()).toEqual([1, 2])
    expect(pool.size).toBe(0)
  })

  test('cuts what still runs when its time is over', async () => {
    const staged = pooled({ clock: realClock })
    staged.pool.open(true)
    next(at(staged, 0))
    const caller = invocation('a')
    staged.pool.invoke(caller)
    await staged.pool.drain(5, never)
    expect(caller.outcomes).toEqual([{ kind: 'shutdown' }])
    expect(staged.released).toEqual([1])
  })

  test('cuts what still runs when it is hurried', async () => {
    const staged = pooled()
    staged.pool.open(true)
    next(at(staged, 0))
    const caller = invocation('a')
    staged.pool.invoke(caller)
    const hurry = Promise.withResolvers<void>()
    const drained = staged.pool.drain(60_000, hurry.promise)
    expect(caller.outcomes).toEqual([])
    hurry.resolve()
    await drained
    expect(caller.outcomes).toEqual([{ kind: 'shutdown' }])
  })

  test('waits for a start that an invocation waits for', async () => {
    const staged = pooled()
    staged.pool.open(false)
    const caller = invocation('a')
    staged.pool.invoke(caller)
    const drained = staged.pool.drain(60_000, never)
    staged.processes[0]?.process('runtime').exit()
    await until('the second attempt', () => staged.processes[0]?.all.length === 2)
    next(at(staged, 0))
    serve(at(staged, 0))
    await drained
    expect(caller.outcomes).toMatchObject([{ kind: 'response' }])
  })
})

describe('new code', () => {
  /** A pool whose only environment is idle on generation 1. */
  function idle() {
    const staged = pooled()
    staged.pool.open(true)
    next(at(staged, 0))
    const processes = staged.processes[0] as FakeProcesses
    return { ...staged, environment: at(staged, 0), processes }
  }

  test('ends idle processes at once, and nothing starts before the next invocation', () => {
    const { pool, environment, processes } = idle()
    pool.recycle(false)
    expect(processes.process('runtime').signals).toEqual(['SIGKILL'])
    processes.process('runtime').exit()
    expect(environment.state).toMatchObject({ phase: 'cold', generation: 1 })
    pool.invoke(invocation('a'))
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, waiting: ['a'] })
  })

  test('starts at once where init was eager', () => {
    const { pool, environment, processes } = idle()
    pool.recycle(true)
    processes.process('runtime').exit()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, waiting: [] })
  })

  test('lets what runs finish, and what waits runs the new code; several changes are one restart', () => {
    const { pool, environment, processes, log } = idle()
    const [running, waiting] = [invocation('a', log), invocation('b', log)]
    pool.invoke(running)
    pool.invoke(waiting)
    for (let save = 0; save < 10; save++) pool.recycle(false)
    expect(processes.process('runtime').signals).toEqual([])
    serve(environment)
    expect(running.outcomes).toMatchObject([{ kind: 'response' }])
    // race: the invocation that waits was not handed to the old code at the end of the other one
    expect(waiting.outcomes).toEqual([])
    processes.process('runtime').exit()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, waiting: ['b'] })
    next(environment)
    serve(environment)
    expect(waiting.outcomes).toMatchObject([{ kind: 'response' }])
    expect(environment.state).toMatchObject({ phase: 'serving', generation: 2 })
  })

  test('after a start for nobody that failed makes a first attempt again, at once', async () => {
    const staged = pooled()
    staged.pool.open(true)
    const processes = staged.processes[0] as FakeProcesses
    processes.process('runtime').exit()
    await until('the end of the attempt', () => at(staged, 0).state.phase === 'cold')
    expect(at(staged, 0).state).toMatchObject({ retry: true })
    staged.pool.recycle(true)
    expect(at(staged, 0).state).toMatchObject({ phase: 'starting', attempt: 'init', waiting: [] })
  })

  test('during a stop for a failure is what starts after it', () => {
    const { pool, environment, processes } = idle()
    pool.recycle(false)
    pool.recycle(true)
    expect(environment.state.phase).toBe('stopping')
    processes.process('runtime').exit()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, waiting: [] })
  })

  test('during a shutdown changes nothing', async () => {
    const { pool, processes } = idle()
    const drained = pool.drain(0, never)
    pool.recycle(true)
    await until('the kill', () => processes.process('runtime').signals.length > 0)
    processes.process('runtime').exit()
    await drained
    expect(processes.all).toHaveLength(1)
  })
})

describe('environments that are idle', () => {
  test('are stopped after their time, but for the first', async () => {
    const staged = pooled({ maxEnvironments: 3, environmentTtlMs: 10, clock: realClock })
    const { pool } = staged
    pool.open(false)
    for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
    for (const environment of staged.environments) {
      next(environment)
      serve(environment)
    }
    await until('two to be gone', () => pool.size === 1)
    expect(staged.released.toSorted()).toEqual([2, 3])
    expect(at(staged, 0).state.phase).toBe('serving')
  })

  test('are each stopped when their own time is over', async () => {
    const staged = pooled({ maxEnvironments: 3, environmentTtlMs: 20, clock: realClock })
    const { pool } = staged
    pool.open(false)
    for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
    for (const environment of staged.environments) next(environment)
    serve(at(staged, 0))
    serve(at(staged, 1))
    const later = performance.now() + 5
    await until('a moment to pass', () => performance.now() > later)
    serve(at(staged, 2))
    await until('both to be gone', () => pool.size === 1)
    expect(staged.released).toEqual([2, 3])
  })

  test('are stopped, too, when a failure has left them cold', async () => {
    const staged = pooled({ maxEnvironments: 2, environmentTtlMs: 10, clock: realClock })
    const { pool, processes } = staged
    pool.open(false)
    for (const name of ['a', 'b']) pool.invoke(invocation(name))
    for (const environment of staged.environments) {
      next(environment)
      serve(environment)
    }
    processes[1]?.process('runtime').exit()
    await until('it to be gone', () => pool.size === 1)
    expect(staged.released).toEqual([2])
  })

  test('are stopped, too, when a failure has left the oldest cold, and one that is warm is kept', async () => {
    const staged = pooled({ maxEnvironments: 3, environmentTtlMs: 10, clock: realClock })
    const { pool, processes } = staged
    pool.open(false)
    for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
    for (const environment of staged.environments) {
      next(environment)
      serve(environment)
    }
    processes[0]?.process('runtime').exit()
    await until('two to be gone', () => pool.size === 1)
    expect(staged.released.toSorted()).toEqual([1, 3])
    expect(at(staged, 1).state.phase).toBe('serving')
  })

  test('are kept as long as they are at work', async () => {
    const staged = pooled({ maxEnvironments: 3, environmentTtlMs: 5, clock: realClock, timeoutMs: 60_000 })
    const { pool } = staged
    pool.open(false)
    for (const name of ['a', 'b', 'c']) pool.invoke(invocation(name))
    for (const environment of staged.environments) next(environment)
    serve(at(staged, 0))
    serve(at(staged, 2))
    await until('the idle one to be gone', () => pool.size === 2)
    expect(staged.released).toEqual([3])
    expect(running(staged)[1]).toBe('b')
  })
})

test('a snapshot says what every environment does', () => {
  const staged = pooled({ maxEnvironments: 2 })
  const { pool, clock } = staged
  pool.open(false)
  pool.invoke(invocation('a', [], { tenant: 'red' }))
  ask(at(staged, 0), (call) => ({
    type: 'extension/register',
    call,
    registration: { name: 'inner', id: 'i' as never, events: [] },
  }))
  ask(at(staged, 0), (call) => ({ type: 'extension/next', call, id: 'i' as never }))
  next(at(staged, 0))
  pool.invoke(invocation('b', [], { tenant: 'blue' }))
  clock.advance(20)
  pool.invoke(invocation('c'))
  clock.advance(30)
  expect(pool.state()).toEqual({
    queued: 1,
    longestWaitMs: 30,
    environments: [
      {
        id: 1,
        state: 'busy',
        phase: 'serving',
        free: false,
        invocations: [requestId('a')],
        streaming: [],
        starts: 1,
        extensions: [{ name: 'inner', state: 'Ready' }],
        processes: { runtime: 100 },
        tenant: 'red',
        memoryBytes: 0,
        idleMs: 0,
      },
      {
        id: 2,
        state: 'starting',
        phase: 'starting',
        free: false,
        invocations: [requestId('b')],
        streaming: [],
        starts: 1,
        extensions: [],
        processes: { runtime: 100 },
        tenant: 'blue',
        memoryBytes: 0,
        idleMs: 0,
      },
    ],
  })
})

test('a snapshot says how long an environment has been idle', () => {
  const { pool, environments, clock } = pooled()
  next(pool.open(true))
  pool.invoke(invocation('a'))
  serve(environments[0] as Environment)
  clock.advance(70)
  expect(pool.snapshot()).toMatchObject([{ state: 'idle', free: true, invocations: [], idleMs: 70 }])
})

test('activities are named for people', () => {
  const staged = pooled()
  const first = staged.pool.open(false)
  const seen = [activity(first.state)]
  first.dispatch({ type: 'start' })
  seen.push(activity(first.state))
  next(first)
  seen.push(activity(first.state))
  first.invoke(invocation('a'))
  seen.push(activity(first.state))
  first.dispatch({ type: 'stop' })
  seen.push(activity(first.state))
  expect(seen).toEqual([...activities])
})

test('an id is known from its arrival until its REPORT', () => {
  const staged = pooled()
  const { pool } = staged
  pool.open(true)
  next(at(staged, 0))
  pool.invoke(invocation('a'))
  expect(pool.has(requestId('a'))).toBe(true)
  pool.invoke(invocation('b'))
  expect(pool.has(requestId('b'))).toBe(true)
  respond(at(staged, 0), requestId('a'))
  expect(pool.has(requestId('a'))).toBe(true)
  next(at(staged, 0))
  expect(pool.has(requestId('a'))).toBe(false)
  expect(pool.has(requestId('b'))).toBe(true)
  serve(at(staged, 0))
  expect(pool.has(requestId('b'))).toBe(false)
})
