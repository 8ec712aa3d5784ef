import { describe, expect, test } from 'bun:test'
import type { ExtensionId } from '../../src/core/ids.ts'
import { until } from '../harness.ts'
import { ask, complete, invocation, next, realClock, requestId, respond, stage, take } from './fakes.ts'

const one = requestId('one')

/** The event loop has turned often enough for an exit that waits to be told. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** An environment that has served nothing yet, and whose runtime waits for an event. */
function ready(over: Parameters<typeof stage>[0] = {}) {
  const staged = stage(over)
  staged.environment.dispatch({ type: 'start' })
  next(staged.environment)
  take(staged.log)
  return staged
}

const register =
  (name: string, id: string, ...events: string[]) =>
  (call: Parameters<Parameters<typeof ask>[1]>[0]) =>
    ({ type: 'extension/register', call, registration: { name, id: id as ExtensionId, events } }) as const

describe('effects are performed in their order', () => {
  test('a cold invocation, from its start to the next', () => {
    const { environment, log } = stage()
    environment.invoke(invocation('one', log))
    expect(take(log)).toEqual(['spawn runtime', 'changed'])
    next(environment, log)
    expect(take(log)).toEqual(['INIT_REPORT init success', 'START one', 'reply 1 invocation', 'changed'])
    respond(environment, one, log)
    expect(take(log)).toEqual([
      'reply 2 read',
      'changed',
      'settle one response',
      'reply 2 accepted',
      'changed',
    ])
    next(environment, log)
    expect(take(log)).toEqual(['REPORT one success', 'over one', 'changed'])
    environment.invoke(invocation('two', log))
    expect(take(log)).toEqual(['START two', 'reply 3 invocation', 'changed'])
  })

  test('a caller is answered before anything is cleaned up', () => {
    const { environment, processes, log } = ready()
    environment.invoke(invocation('one', log))
    processes.process('runtime').mortal = false
    take(log)
    environment.dispatch({ type: 'deadline', id: one })
    expect(log).toEqual([
      'settle one timeout',
      'REPORT one timeout',
      'over one',
      'SIGKILL runtime',
      'changed',
    ])
  })

  test('output is handed over before each line about an invocation', () => {
    const { environment, processes, log } = stage()
    environment.invoke(invocation('one', log))
    take(log)
    const runtime = processes.process('runtime')
    runtime.unread = 'init'
    next(environment)
    runtime.unread = 'handler'
    respond(environment, one)
    next(environment)
    expect(log).toEqual([
      'output runtime init',
      'INIT_REPORT init success',
      'START one',
      'changed',
      'changed',
      'settle one response',
      'changed',
      'output runtime handler',
      'REPORT one success',
      'over one',
      'changed',
    ])
  })
})

describe('every step runs to its completion', () => {
  test('an event that is raised while effects run waits for its turn', () => {
    const { environment, log } = ready()
    const raises = invocation('one', log)
    const settle = raises.settle.bind(raises)
    raises.settle = (outcome) => {
      settle(outcome)
      next(environment, log)
      log.push('settled')
    }
    environment.invoke(raises)
    take(log)
    respond(environment, one, log)
    expect(log).toEqual([
      'reply 2 read',
      'changed',
      'settle one response',
      'settled',
      'reply 2 accepted',
      'REPORT one success',
      'over one',
      'changed',
    ])
    expect(environment.state).toMatchObject({ phase: 'serving', polls: [3], inflight: [] })
  })

  test('an effect that throws is a bug, but not the end of the environment', () => {
    const { environment } = ready()
    const broken = invocation('one')
    broken.settle = () => {
      throw new Error('a bug')
    }
    environment.invoke(broken)
    expect(() => respond(environment, one)).toThrow('a bug')
    next(environment)
    expect(environment.state).toMatchObject({ phase: 'serving', inflight: [] })
  })
})

describe('requests', () => {
  test('a call is answered once, and a read one once more', () => {
    const { environment } = ready()
    environment.invoke(invocation('one'))
    const asked = respond(environment, one)
    complete(environment, one, asked.call)
    expect(asked.replies.map(({ kind }) => kind)).toEqual(['read', 'accepted'])
  })

  test('a call waits until it is answered, or its peer is gone', () => {
    const { environment } = stage()
    environment.dispatch({ type: 'start' })
    const [first, second] = [next(environment), next(environment)]
    environment.invoke(invocation('one'))
    expect([environment.waits(first.call), environment.waits(second.call)]).toEqual([false, true])
    environment.gone(second.call)
    expect(environment.waits(second.call)).toBe(false)
  })

  test('a request whose peer went away is not answered, and its poll is forgotten', () => {
    const { environment } = stage()
    environment.dispatch({ type: 'start' })
    const asked = next(environment)
    environment.gone(asked.call)
    environment.gone(asked.call)
    environment.invoke(invocation('one'))
    expect(asked.replies).toEqual([])
    expect(environment.state).toMatchObject({ polls: [], inflight: [{ stage: 'waiting' }] })
    expect(next(environment).replies).toEqual([{ kind: 'invocation', id: one }])
  })

  test('an invocation is known from its arrival to its end', () => {
    const { environment } = ready()
    const known = invocation('one')
    expect(environment.invocation(one)).toBeUndefined()
    environment.invoke(known)
    expect(environment.invocation(one)).toBe(known)
    respond(environment, one)
    next(environment)
    expect(environment.invocation(one)).toBeUndefined()
  })

  test('an environment belongs to the tenant of its first invocation', () => {
    const { environment } = ready()
    expect(environment.tenant).toBeUndefined()
    environment.invoke(invocation('one', [], { tenant: 'blue' }))
    expect(environment.tenant).toBe('blue')
  })
})

describe('the end of a process', () => {
  test('is told two turns later while a caller waits, so that an answer on its way is seen first', async () => {
    const { environment, processes, log } = ready()
    const caller = invocation('one', log)
    environment.invoke(caller)
    take(log)
    processes.process('runtime').exit()
    expect(log).toEqual([])
    respond(environment, one)
    await turns()
    expect(caller.outcomes).toMatchObject([{ kind: 'response' }])
    expect(environment.state).toMatchObject({ phase: 'cold' })
  })

  test('is told at once while nothing runs', () => {
    const { environment, processes } = ready()
    processes.process('runtime').exit()
    expect(environment.state.phase).toBe('cold')
  })

  test('is the answer of the invocation that runs', async () => {
    const { environment, processes, log } = ready()
    const caller = invocation('one', log)
    environment.invoke(caller)
    processes.process('runtime').unread = 'last words'
    take(log)
    processes.process('runtime').exit({ kind: 'code', code: 3 })
    await turns()
    expect(log).toEqual([
      'output runtime last words',
      'settle one fault',
      'REPORT one error',
      'over one',
      'changed',
    ])
    expect(caller.outcomes).toEqual([
      {
        kind: 'fault',
        fault: { errorType: 'Runtime.ExitError', text: 'Runtime exited with error: exit status 3' },
      },
    ])
  })

  test('is not taken for that of the process that came after it', async () => {
    const { environment, processes } = ready()
    const old = processes.process('runtime')
    old.mortal = false
    environment.invoke(invocation('one'))
    environment.dispatch({ type: 'deadline', id: one })
    environment.dispatch({ type: 'kill-wait-over' })
    expect(environment.state).toMatchObject({ phase: 'cold', generation: 1 })
    expect(old.disposed).toBe(1)
    old.exit()
    environment.invoke(invocation('two'))
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2 })
    await turns()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2 })
  })

  test('of an old generation that was about to be told is not told', async () => {
    const { environment, processes } = stage()
    environment.invoke(invocation('one'))
    const old = processes.process('runtime')
    old.mortal = false
    old.exit()
    environment.dispatch({ type: 'init-limit' })
    environment.dispatch({ type: 'kill-wait-over' })
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, attempt: 'invoke' })
    await turns()
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, attempt: 'invoke' })
  })

  test('is noticed when somebody asks, before anybody was told', () => {
    const { environment, processes, clock } = ready()
    processes.process('runtime').status = { kind: 'code', code: 1 }
    clock.advance(2)
    expect(environment.noticeDeaths()).toBe(true)
    expect(environment.state.phase).toBe('cold')
    processes.process('runtime').exit()
    expect(environment.state.phase).toBe('cold')
  })

  test('is noticed when somebody asks, although its turn has not come', async () => {
    const { environment, processes } = ready()
    environment.invoke(invocation('one'))
    respond(environment, one)
    processes.process('runtime').exit()
    next(environment)
    expect(environment.state).toMatchObject({ phase: 'serving', inflight: [] })
    expect(environment.noticeDeaths()).toBe(true)
    expect(environment.state.phase).toBe('cold')
    await turns()
    expect(environment.state.phase).toBe('cold')
  })

  test('is not asked for right after an invocation, nor found where there is none', () => {
    const { environment, processes, clock } = ready()
    expect(environment.noticeDeaths()).toBe(false)
    clock.advance(2)
    expect(environment.noticeDeaths()).toBe(false)
    environment.invoke(invocation('one'))
    respond(environment, one)
    next(environment)
    processes.process('runtime').status = { kind: 'code', code: 1 }
    expect(environment.noticeDeaths()).toBe(false)
  })

  test('is asked for later when these processes have been through many invocations', async () => {
    const { environment, processes, clock } = ready()
    const serve = (name: string): void => {
      environment.invoke(invocation(name))
      respond(environment, requestId(name))
      next(environment)
    }
    for (let served = 0; served < 16; served++) serve(`${served}`)
    processes.process('runtime').status = { kind: 'code', code: 1 }
    clock.advance(19)
    expect(environment.noticeDeaths()).toBe(false)
    clock.advance(1)
    expect(environment.noticeDeaths()).toBe(true)
    // the next ones have been through none
    environment.invoke(invocation('after'))
    next(environment)
    respond(environment, requestId('after'))
    next(environment)
    processes.process('runtime').status = { kind: 'code', code: 1 }
    clock.advance(1)
    expect(environment.noticeDeaths()).toBe(true)
  })

  test('is logged as a warning that says whether anything ran', async () => {
    const { environment, processes, lines } = ready()
    processes.process('runtime').exit()
    environment.invoke(invocation('one'))
    processes.process('runtime').exit({ kind: 'signal', signal: 'SIGSEGV' })
    await turns()
    expect(lines.filter(({ level }) => level === 'warn').slice(0, 2)).toEqual([
      {
        level: 'warn',
        fields: {
          process: 'runtime',
          errorType: 'Runtime.ExitError',
          reason: 'Runtime exited with error: exit status 1',
        },
        message: 'a process ended while nothing ran',
      },
      {
        level: 'warn',
        fields: {
          process: 'runtime',
          errorType: 'Runtime.ExitError',
          reason: 'Runtime exited with error: signal: segmentation fault',
        },
        message: 'an execution environment failed',
      },
    ])
  })

  test('frees what was held for it, after everyone has ended', async () => {
    const { environment, processes } = ready({ discover: () => [] })
    const runtime = processes.process('runtime')
    expect(environment.pids()).toEqual({ runtime: 100 })
    environment.dispatch({ type: 'stop' })
    await until('the environment to stop', () => environment.state.phase === 'stopped')
    expect(runtime.disposed).toBe(1)
    expect(environment.pids()).toEqual({})
  })
})

describe('a process that cannot be started', () => {
  const failure = (reason: 'entrypoint' | 'working-directory') => ({ reason, text: `no ${reason}` })

  test.each([
    ['entrypoint', 'Runtime.InvalidEntrypoint'],
    ['working-directory', 'Runtime.InvalidWorkingDir'],
  ] as const)('a runtime: %s', (reason, errorType) => {
    const { environment, processes, lines, log } = stage()
    processes.failures.set('runtime', failure(reason))
    const caller = invocation('one', log)
    environment.invoke(caller)
    expect(caller.outcomes).toEqual([{ kind: 'fault', fault: { errorType, text: `no ${reason}` } }])
    expect(log).toEqual([
      'spawn runtime',
      'INIT_REPORT init error',
      'spawn runtime',
      'settle one fault',
      'INIT_REPORT invoke error',
      'START one',
      'REPORT one error',
      'over one',
      'changed',
    ])
    expect(lines.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        fields: { process: 'runtime', errorType, reason: `no ${reason}` },
        message: 'an execution environment failed',
      },
    ])
    expect(environment.state.phase).toBe('cold')
  })

  test('what throws on the way is told, and fails the init', () => {
    const { environment, lines, log } = stage({
      specify: () => {
        throw new Error('EMFILE: too many open files')
      },
    })
    const caller = invocation('one', log)
    environment.invoke(caller)
    const fault = { errorType: 'Runtime.InvalidEntrypoint', text: 'EMFILE: too many open files' }
    expect(caller.outcomes).toEqual([{ kind: 'fault', fault }])
    expect(lines.map(({ fields }) => fields)).toContainEqual({ process: 'runtime', reason: fault.text })
    expect(environment.state.phase).toBe('cold')
  })

  test('an extension takes the ones that were started with it', async () => {
    const { environment, processes, log } = stage({ discover: () => ['bad', 'good'] })
    processes.failures.set('extension:bad', failure('entrypoint'))
    environment.dispatch({ type: 'start' })
    await until('the environment to be cold', () => environment.state.phase === 'cold')
    expect(log).toEqual([
      'spawn extension:bad',
      'spawn extension:good',
      'INIT_REPORT init error bad:LaunchError good:Started',
      'SIGKILL extension:good',
      'changed',
      'changed',
    ])
  })
})

describe('extensions', () => {
  test('are started before the runtime, told of invocations, and of the end', async () => {
    const { environment, processes, log, clock } = stage({ discover: () => ['watch'] })
    environment.dispatch({ type: 'start' })
    ask(environment, register('watch', 'w', 'INVOKE', 'SHUTDOWN'), log)
    ask(environment, (call) => ({ type: 'extension/next', call, id: 'w' as ExtensionId }), log)
    next(environment, log)
    environment.invoke(invocation('one', log))
    expect(take(log).filter((line) => line !== 'changed')).toEqual([
      'spawn extension:watch',
      'reply 1 registered',
      'spawn runtime',
      'INIT_REPORT init success watch:Ready',
      'START one',
      'reply 3 invocation',
      'reply 2 invoke-event',
    ])
    expect(environment.pids()).toEqual({ 'extension:watch': 100, runtime: 101 })
    respond(environment, one)
    next(environment)
    take(log)
    const asked = ask(environment, (call) => ({ type: 'extension/next', call, id: 'w' as ExtensionId }), log)
    expect(take(log)).toEqual(['REPORT one success', 'over one', 'changed'])

    clock.advance(77)
    environment.dispatch({ type: 'stop' })
    expect(take(log)).toEqual(['SIGTERM runtime', 'changed'])
    expect(environment.shutdownDeadline).toBe(clock.epoch() + 2000)
    processes.process('runtime').exit({ kind: 'signal', signal: 'SIGTERM' })
    expect(asked.replies).toEqual([{ kind: 'shutdown-event', reason: 'spindown' }])
    processes.process('extension:watch').exit({ kind: 'code', code: 0 })
    expect(environment.state.phase).toBe('stopped')
  })
})

describe('timers', () => {
  test('the function timeout starts when the event is delivered, and says when it ends', () => {
    const { environment, clock } = stage()
    const caller = invocation('one')
    environment.invoke(caller)
    expect(caller).toMatchObject({ startedAt: 0, deadline: 0 })
    clock.advance(500)
    next(environment)
    expect(caller).toMatchObject({ startedAt: 1500, deadline: 1_700_000_000_500 + 3000 })
  })

  test('an invocation that takes too long is answered by its deadline', async () => {
    const { environment } = ready({ functionTimeoutMs: 5, clock: realClock })
    const caller = invocation('one')
    environment.invoke(caller)
    await until('the answer', () => caller.outcomes.length > 0)
    expect(caller.outcomes).toEqual([{ kind: 'timeout' }])
    await until('the environment to be cold', () => environment.state.phase === 'cold')
  })

  test('an init that takes too long is tried once more, under the function timeout', async () => {
    const { environment, log } = stage({ initTimeoutMs: 5, functionTimeoutMs: 5, clock: realClock })
    const caller = invocation('one', log)
    environment.invoke(caller)
    await until('the environment to be cold', () => environment.state.phase === 'cold')
    expect(log.filter((line) => line !== 'changed')).toEqual([
      'spawn runtime',
      'INIT_REPORT init timeout',
      'SIGKILL runtime',
      'spawn runtime',
      'settle one timeout',
      'INIT_REPORT invoke timeout',
      'START one',
      'REPORT one timeout',
      'over one',
      'SIGKILL runtime',
    ])
  })

  test('an init limit of 0 is none', async () => {
    const { environment } = stage({ initTimeoutMs: 0, clock: realClock })
    environment.dispatch({ type: 'start' })
    const other = stage({ initTimeoutMs: 5, clock: realClock }).environment
    other.dispatch({ type: 'start' })
    await until('another to have failed', () => other.state.phase === 'cold')
    expect(environment.state.phase).toBe('starting')
  })

  test('an environment that was disposed is left alone by its timers', async () => {
    const { environment, processes } = ready({ functionTimeoutMs: 1, clock: realClock })
    const caller = invocation('one')
    environment.invoke(caller)
    environment[Symbol.dispose]()
    expect(processes.process('runtime').disposed).toBe(1)
    const other = ready({ functionTimeoutMs: 5, clock: realClock }).environment
    const later = invocation('later')
    other.invoke(later)
    await until('a later timeout', () => later.outcomes.length > 0)
    expect(caller.outcomes).toEqual([])
  })
})

describe('what is reported', () => {
  test('the init that preceded, once; durations; the peak of memory', () => {
    const { environment, processes, reports, clock } = stage()
    processes.bytes = 1000
    environment.invoke(invocation('one'))
    clock.advance(120)
    next(environment)
    clock.advance(30)
    respond(environment, one)
    next(environment)
    processes.bytes = 5000
    clock.advance(249)
    environment.invoke(invocation('two'))
    respond(environment, requestId('two'))
    next(environment)
    clock.advance(1)
    environment.invoke(invocation('three'))
    respond(environment, requestId('three'))
    next(environment)
    const verdict = { status: 'success', errorType: null } as const
    expect(reports).toEqual([
      { verdict, durationMs: 30, initMs: 120, memoryBytes: 1000 },
      // memory is looked at four times a second at most
      { verdict, durationMs: 0, initMs: null, memoryBytes: 1000 },
      { verdict, durationMs: 0, initMs: null, memoryBytes: 5000 },
    ])
    expect(processes.looks).toBe(2)
    expect(environment.memory).toBe(5000)
  })

  test('a second attempt at init is part of the duration', async () => {
    const { environment, processes, reports, clock } = stage()
    environment.invoke(invocation('one'))
    clock.advance(100)
    processes.process('runtime').exit()
    await until('the second attempt', () => processes.all.length === 2)
    clock.advance(200)
    next(environment)
    clock.advance(7)
    respond(environment, one)
    next(environment)
    expect(reports).toMatchObject([{ durationMs: 207, initMs: null }])
  })

  test('a caller who asked for the log gets what was kept since START', () => {
    const { environment, log } = ready()
    const caller = invocation('one', log, { tail: true })
    environment.invoke(caller)
    respond(environment, one)
    next(environment)
    expect(log.filter((line) => line !== 'changed')).toEqual([
      'keep tail',
      'START one',
      'settle one response',
      'REPORT one success',
      'over one',
    ])
    expect(caller.tails).toEqual(['the tail'])
  })

  test('an invocation that never came to its event has its lines all the same', () => {
    const { environment, reports, log } = stage()
    environment.invoke(invocation('one', log))
    take(log)
    environment.dispatch({ type: 'stop' })
    expect(log).toEqual([
      'settle one shutdown',
      'START one',
      'REPORT one error',
      'over one',
      'SIGKILL runtime',
      'changed',
    ])
    expect(reports).toMatchObject([{ durationMs: 0, initMs: null }])
  })

  test('an invocation that outlived a dead runtime has one START', () => {
    const { environment, processes, log } = ready()
    environment.gone(1 as Parameters<typeof environment.gone>[0])
    environment.invoke(invocation('one', log))
    expect(environment.state).toMatchObject({ inflight: [{ stage: 'waiting' }] })
    environment.dispatch({ type: 'exit', process: 'runtime', status: { kind: 'code', code: 1 } })
    expect(processes.all).toHaveLength(2)
    next(environment)
    respond(environment, one)
    next(environment)
    expect(log.filter((line) => line.endsWith('one') || line.includes(' one '))).toEqual([
      'START one',
      'settle one response',
      'REPORT one success',
      'over one',
    ])
  })
})

describe('an environment that is started anew after so many invocations', () => {
  /** Serves one invocation and asks again. */
  function exchange({ environment }: ReturnType<typeof stage>, name: string): void {
    environment.invoke(invocation(name))
    if (environment.state.phase === 'starting') next(environment)
    respond(environment, requestId(name))
    next(environment)
  }

  test('stops when it has served them, and the next invocation is a cold start', async () => {
    const staged = stage({ recycleAfter: 2 })
    const { environment, processes, log } = staged
    exchange(staged, 'one')
    expect(environment.state).toMatchObject({ phase: 'serving', generation: 1 })
    exchange(staged, 'two')
    await until('its processes to end', () => environment.state.phase === 'cold')
    expect(log.filter((line) => /^(REPORT|SIGKILL)/.test(line))).toEqual([
      'REPORT one success',
      'REPORT two success',
      'SIGKILL runtime',
    ])
    exchange(staged, 'three')
    expect(environment.state).toMatchObject({ phase: 'serving', generation: 2, inflight: [] })
    expect(processes.all).toHaveLength(2)
  })

  test('counts anew after a failure has started it anew', async () => {
    const staged = stage({ recycleAfter: 2 })
    const { environment, processes } = staged
    exchange(staged, 'one')
    processes.process('runtime').exit()
    await until('its processes to end', () => environment.state.phase === 'cold')
    exchange(staged, 'two')
    expect(environment.state).toMatchObject({ phase: 'serving', generation: 2 })
    exchange(staged, 'three')
    await until('its processes to end', () => environment.state.phase === 'cold')
  })

  test('counts an invocation that failed, and is stopped once', async () => {
    const staged = stage({ recycleAfter: 1 })
    const { environment, processes } = staged
    environment.invoke(invocation('one'))
    next(environment)
    environment.dispatch({ type: 'deadline', id: one })
    await until('its processes to end', () => environment.state.phase === 'cold')
    environment.invoke(invocation('two'))
    expect(environment.state).toMatchObject({ phase: 'starting', generation: 2, attempt: 'init' })
    expect(processes.all).toHaveLength(2)
  })
})
