import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import type { Closure, RunReply } from '../../src/durable/core/effect.ts'
import type { Update } from '../../src/durable/core/event.ts'
import type { RunFunction } from '../../src/durable/function.ts'
import type { RunRecord, RunRequest } from '../../src/durable/run.ts'
import { type Begun, Runs } from '../../src/durable/runs.ts'
import type { RunChange, RunStore, StoredRun } from '../../src/durable/store.ts'
import type { Invocation } from '../../src/engine/invocation.ts'
import { encoded } from '../../src/http/collect.ts'
import { FakeClock, fakeLog } from '../engine/fakes.ts'
import { checkpoint, invokeStart, stepStart, stop, waitStart } from './core/script.ts'

const account = 'arn:aws:lambda:us-east-1:012345678912:function'
const day = 86_400_000
const pending = '{"Status":"PENDING"}'
const succeeded = '{"Status":"SUCCEEDED","Result":"1"}'

/** A store that is a list of what it was told; what it was told is also what it loads. */
class FakeStore implements RunStore {
  readonly #log: string[]
  readonly #runs = new Map<string, StoredRun>()
  disposed = false

  constructor(log: string[] = []) {
    this.#log = log
  }
  load(): StoredRun[] {
    return [...this.#runs.values()].map(({ state, history }) => ({
      state: structuredClone(state),
      history: [...history],
    }))
  }
  save({ state, history, historyBefore }: RunChange): void {
    this.#log.push(`save ${state.phase}`)
    const { arn } = state.run.facts
    const before = this.#runs.get(arn)?.history ?? []
    if (before.length !== historyBefore)
      throw new Error(`${historyBefore} events before, not ${before.length}`)
    this.#runs.set(arn, { state: structuredClone(state), history: [...before, ...history] })
  }
  delete(arn: string): void {
    this.#log.push('delete')
    this.#runs.delete(arn)
  }
  [Symbol.dispose](): void {
    this.disposed = true
  }
}

interface Over {
  readonly store?: RunStore | null
  readonly log?: string[]
  /** an invocation that has not begun can be taken back */
  readonly queued?: boolean
}

/** Runs whose functions are played by the test: `f` and `child` are durable, `plain` is not. */
function playing({ store = null, log = [], queued = false }: Over = {}) {
  const clock = new FakeClock()
  const lines = fakeLog()
  const invoked: Invocation[] = []
  const withdrawn: Invocation[] = []
  let ring = (): void => {}
  const alarm = { at: Number.POSITIVE_INFINITY, disposed: false }
  const policy = { retryDelaysMs: [1000, 2000], skipTime: false }
  const of = (name: string, durable: boolean): RunFunction => ({
    name,
    arn: `${account}:${name}`,
    version: '$LATEST',
    durable: durable ? { executionTimeoutSeconds: 900, retentionDays: 14, policy } : null,
    invoke(invocation) {
      log.push(`invoke ${name}`)
      invoked.push(invocation)
    },
    withdraw(invocation) {
      if (queued) withdrawn.push(invocation)
      return queued
    },
    errorOf: ({ kind }) => ({ ErrorType: kind, ErrorMessage: `it came to ${kind}` }),
  })
  const functions = new Map(
    [of('f', true), of('child', true), of('plain', false)].map((one) => [one.name, one]),
  )
  const runs = new Runs({
    functions: { find: (name) => functions.get(name) ?? null, arnOf: (name) => `${account}:${name}` },
    clock,
    log: lines,
    alarm(onRing) {
      ring = onRing
      return {
        set(at) {
          alarm.at = at
        },
        [Symbol.dispose]() {
          alarm.disposed = true
        },
      }
    },
    store,
  })
  const begin = (over: Partial<RunRequest> = {}): Begun =>
    runs.begin({
      of: functions.get('f') as RunFunction,
      name: null,
      input: '{}',
      synchronous: true,
      requestId: null,
      traceId: 'Root=1-0-0',
      tenantId: null,
      ...over,
    })
  /** As the handler reports it, with the token that counts. */
  const report = (run: RunRecord, ...updates: readonly Update[]): RunReply | undefined => {
    const { state } = run
    let reply: RunReply | undefined
    const token = state.phase === 'invoking' ? (state.token ?? 0) : 0
    runs.dispatch(run, checkpoint(token, updates, clock.epoch()), (answer) => {
      log.push(`answer ${answer.kind}`)
      reply = answer
    })
    return reply
  }
  /** Goes to the time that the alarm is set to. */
  const wake = (): void => {
    clock.advance(alarm.at - clock.epoch())
    ring()
  }
  return { runs, clock, lines, log, invoked, withdrawn, alarm, functions, begin, report, wake }
}

const response = (text: string): Outcome => ({
  kind: 'response',
  payload: encoded(text),
  contentType: 'application/json',
})
const settle = (invocation: Invocation | undefined, outcome: Outcome): void => {
  if (invocation === undefined) throw new Error('nothing was invoked')
  invocation.settle(outcome)
}
const eventOf = (invocation: Invocation | undefined) =>
  JSON.parse(Buffer.concat([...(invocation as Invocation).payload.chunks]).toString())

describe('a run', () => {
  test('is invoked, waits, is invoked again when the alarm rings, and its caller gets the result once', () => {
    const { runs, invoked, alarm, clock, begin, report, wake } = playing()
    const { run } = begin({ requestId: 'r-1' })
    const closures: (Closure | null)[] = []
    runs.wait(run, (closure) => closures.push(closure))
    expect(invoked.map(({ id }) => String(id))).toEqual(['r-1'])
    expect(report(run, waitStart('w', 5))?.kind).toBe('checkpointed')
    settle(invoked[0], response(pending))
    expect(run.state.phase).toBe('suspended')
    expect(alarm.at).toBe(clock.epoch() + 5000)
    wake()
    expect(invoked.length).toBe(2)
    expect(String(invoked[1]?.id)).not.toBe('r-1')
    expect(eventOf(invoked[1]).UpdatedOperationIds).toEqual(['w'])
    settle(invoked[1], response(succeeded))
    expect(closures.map((closure) => closure?.status)).toEqual(['SUCCEEDED'])
    runs.wait(run, (closure) => closures.push(closure))
    expect(closures.length).toBe(2)
    expect(runs.countsOf(`${account}:f`)).toMatchObject({ open: 0, closed: 1, ended: { SUCCEEDED: 1 } })
  })

  test('of the same name and input is joined, open or closed; another input has no place', () => {
    const { invoked, begin } = playing()
    const { run } = begin({ name: 'order', input: '1' })
    expect(begin({ name: 'order', input: '1' })).toEqual({ kind: 'run', run })
    expect(begin({ name: 'order', input: '2' })).toEqual({ kind: 'taken', run })
    settle(invoked[0], response(succeeded))
    expect(begin({ name: 'order', input: '1' })).toEqual({ kind: 'run', run })
    expect(invoked.length).toBe(1)
  })

  test('that failed is invoked again after each delay, and fails with the last error', () => {
    const { invoked, begin, wake, clock, alarm } = playing()
    const { run } = begin()
    for (const [index, delay] of [1000, 2000].entries()) {
      settle(invoked[index], { kind: 'timeout' })
      expect(alarm.at - clock.epoch()).toBe(delay)
      wake()
    }
    settle(invoked[2], { kind: 'timeout' })
    expect(run.state).toMatchObject({ phase: 'closed', status: 'FAILED', error: { ErrorType: 'timeout' } })
    expect(invoked.length).toBe(3)
  })

  test('whose function is not there any more fails, and says which', () => {
    const store = new FakeStore()
    const before = playing({ store })
    before.begin()
    const after = playing({ store })
    after.functions.delete('f')
    after.runs.restore()
    const [run] = after.runs.all
    expect(run?.state).toMatchObject({ phase: 'closed', status: 'FAILED' })
    expect(run?.state).toMatchObject({ error: { ErrorMessage: `Function not found: ${account}:f` } })
  })
})

describe('the order', () => {
  test('is: stored, answered, invoked', () => {
    const log: string[] = []
    const { invoked, begin, report } = playing({ store: new FakeStore(log), log })
    const { run } = begin()
    report(run, stepStart('s'))
    settle(invoked[0], response(succeeded))
    expect(log).toEqual(['save invoking', 'invoke f', 'save invoking', 'answer checkpointed', 'save closed'])
  })

  test('what happens while something is performed comes after it, a child that ends in its own start too', () => {
    const log: string[] = []
    const { runs, invoked, functions, begin, report } = playing({ log })
    const child = functions.get('child') as RunFunction
    functions.set('child', { ...child, invoke: (invocation) => invocation.settle(response(succeeded)) })
    const { run } = begin()
    const target = {
      kind: 'durable' as const,
      arn: `${account}:child`,
      version: '$LATEST',
      executionArn: `${account}:child:$LATEST/durable-execution/c/id-c`,
    }
    report(run, invokeStart('i', target))
    expect(run.state.run.operations.get('i')).toMatchObject({ status: 'SUCCEEDED', result: '1' })
    expect(runs.byArn(target.executionArn)?.state.phase).toBe('closed')
    // the parent had not seen it when it ended its invocation
    settle(invoked[0], response(pending))
    expect(invoked.length).toBe(2)
  })

  test('a refused checkpoint is answered and changes nothing', () => {
    const { begin, runs } = playing()
    const { run } = begin()
    const { length } = run.history
    let kind = ''
    runs.dispatch(run, checkpoint(99, [stepStart('s')]), (reply) => {
      kind = reply.kind
    })
    expect(kind).toBe('refused')
    expect([run.state.run.operations.size, run.history.length]).toEqual([0, length])
  })
})

describe('a chained invoke', () => {
  const plain = { kind: 'plain' as const, arn: `${account}:plain`, version: '$LATEST' }

  test('of an ordinary function invokes it once, and its end invokes the run', () => {
    const { invoked, begin, report } = playing()
    const { run } = begin()
    report(run, invokeStart('i', plain))
    expect(invoked.map(({ arn }) => arn)).toEqual([`${account}:f:$LATEST`, `${account}:plain`])
    settle(invoked[0], response(pending))
    settle(invoked[1], response('"said"'))
    expect(run.state.run.operations.get('i')).toMatchObject({ status: 'SUCCEEDED', result: '"said"' })
    expect(invoked.length).toBe(3)
  })

  test('that fails has the error of the function; the end of the emulator is none', () => {
    const { invoked, begin, report } = playing()
    const { run } = begin()
    report(run, invokeStart('i', plain), invokeStart('j', plain))
    settle(invoked[1], { kind: 'timeout' })
    settle(invoked[2], { kind: 'shutdown' } as Outcome)
    const { operations } = run.state.run
    expect(operations.get('i')).toMatchObject({ status: 'FAILED', error: { ErrorType: 'timeout' } })
    expect(operations.get('j')).toMatchObject({ status: 'STARTED' })
  })
})

describe('a stopped run', () => {
  test('takes back an invocation that has not begun', () => {
    const { runs, invoked, withdrawn, begin, clock } = playing({ queued: true })
    const { run } = begin()
    runs.dispatch(run, stop(clock.epoch()))
    expect(withdrawn).toEqual(invoked)
    expect(run.state).toMatchObject({ phase: 'closed', status: 'STOPPED', invoking: false })
    expect(run.invocation).toBeNull()
  })

  test('stays stopped whatever the invocation that runs comes to', () => {
    const { runs, invoked, begin, clock } = playing()
    const { run } = begin()
    runs.dispatch(run, stop(clock.epoch()))
    expect(run.state).toMatchObject({ phase: 'closed', invoking: true })
    settle(invoked[0], response(succeeded))
    expect(run.state).toMatchObject({ phase: 'closed', status: 'STOPPED', invoking: false })
    expect(invoked.length).toBe(1)
  })
})

test('a run that is deleted while its last invocation runs does not come back with the end of that', () => {
  const store = new FakeStore()
  const { runs, invoked, begin, clock } = playing({ store })
  const { run } = begin()
  runs.dispatch(run, stop(clock.epoch()))
  runs.dispatch(run, { type: 'delete', at: clock.epoch() })
  settle(invoked[0], response(succeeded))
  expect([store.load(), [...runs.all]]).toEqual([[], []])
})

describe('a step that cannot be stored', () => {
  /** A store on a disk that can be full. */
  class FullStore extends FakeStore {
    full = false
    override save(change: RunChange): void {
      if (this.full) throw new Error('database or disk is full')
      super.save(change)
    }
    override delete(arn: string): void {
      if (this.full) throw new Error('database or disk is full')
      super.delete(arn)
    }
  }

  test('is refused so that its client asks again, goes on, and is stored with the next one', () => {
    const store = new FullStore()
    const { lines, invoked, begin, report } = playing({ store })
    const { run } = begin()
    store.full = true
    expect(report(run, stepStart('s'))).toMatchObject({ kind: 'refused', name: 'ServiceException' })
    expect(report(run, waitStart('w', 60))).toMatchObject({ kind: 'refused' })
    expect(lines.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([
      { run: run.facts.arn, reason: 'Error: database or disk is full' },
      { run: run.facts.arn, reason: 'Error: database or disk is full' },
    ])
    store.full = false
    settle(invoked[0], response(pending))
    const [stored] = store.load()
    expect([...(stored?.state.run.operations.keys() ?? [])]).toEqual(['s', 'w'])
    expect(stored?.history).toEqual(run.history)
    expect(run.state.phase).toBe('suspended')
  })

  test('is answered when the same call comes again', () => {
    const store = new FullStore()
    const { runs, begin } = playing({ store })
    const { run } = begin()
    const kinds: string[] = []
    const ask = (): void => {
      const call = checkpoint(1, [stepStart('s')], 10, 'k')
      runs.dispatch(run, call, ({ kind }) => kinds.push(kind))
    }
    store.full = true
    ask()
    store.full = false
    ask()
    expect(kinds).toEqual(['refused', 'checkpointed'])
    expect(store.load()[0]?.state.run.operations.size).toBe(1)
  })

  test('may be the last: the run is deleted here all the same', () => {
    const store = new FullStore()
    const { runs, invoked, begin, clock } = playing({ store })
    const { run } = begin()
    settle(invoked[0], response(succeeded))
    store.full = true
    runs.dispatch(run, { type: 'delete', at: clock.epoch() })
    expect([...runs.all]).toEqual([])
  })
})

test('an error with other members than the type says ends a chained invoke like any other', () => {
  const { invoked, begin, report } = playing()
  const { run } = begin()
  const executionArn = `${account}:child:$LATEST/durable-execution/c/id-c`
  report(
    run,
    invokeStart('i', { kind: 'durable', arn: `${account}:child`, version: '$LATEST', executionArn }),
  )
  settle(invoked[1], response('{"Status":"FAILED","Error":{"StackTrace":5}}'))
  expect(run.state.run.operations.get('i')).toMatchObject({ status: 'FAILED', error: { StackTrace: 5 } })
})

describe('the end of the emulator', () => {
  test('tells whoever waits, now and later, and says which runs are lost', () => {
    const { runs, lines, alarm, begin } = playing()
    const { run } = begin({ name: 'order' })
    const closures: (Closure | null)[] = []
    runs.wait(run, (closure) => closures.push(closure))
    runs.stop()
    runs.stop()
    runs.wait(run, (closure) => closures.push(closure))
    expect(closures).toEqual([null, null])
    expect(alarm.disposed).toBe(true)
    expect(lines.lines.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        fields: { runs: 1, names: ['order'] },
        message: 'durable executions that have not ended are lost',
      },
    ])
  })

  test('is not the end of an invocation: with a store it is made again after the restart, with a new token', () => {
    const store = new FakeStore()
    const before = playing({ store })
    const { run } = before.begin({ name: 'order' })
    before.report(run, stepStart('s'))
    const { CheckpointToken: old } = eventOf(before.invoked[0])
    before.runs.stop()
    settle(before.invoked[0], { kind: 'shutdown' } as Outcome)
    before.runs[Symbol.dispose]()
    expect(store.disposed).toBe(true)

    const after = playing({ store })
    after.runs.restore()
    const known = after.runs.byArn(run.facts.arn) as RunRecord
    expect(after.invoked.length).toBe(1)
    expect(eventOf(after.invoked[0]).CheckpointToken).not.toBe(old)
    expect([...known.state.run.operations.keys()]).toEqual(['s'])
    expect(after.begin({ name: 'order' }).run).toBe(known)
    settle(after.invoked[0], response(succeeded))
    expect(known.history.map(({ type }) => type).at(-1)).toBe('ExecutionSucceeded')
  })

  test('waits go on after it, and chained invokes are made again', () => {
    const store = new FakeStore()
    const before = playing({ store })
    const { run } = before.begin()
    const target = { kind: 'plain' as const, arn: `${account}:plain`, version: '$LATEST' }
    before.report(run, waitStart('w', 60), invokeStart('i', target))
    settle(before.invoked[0], response(pending))
    const due = before.alarm.at

    const after = playing({ store })
    after.runs.restore()
    expect(after.alarm.at).toBe(due)
    expect(after.invoked.map(({ arn }) => arn)).toEqual([`${account}:plain`])
    settle(after.invoked[0], response('1'))
    expect(after.invoked.at(-1)?.arn).toBe(`${account}:f:$LATEST`)
  })
})

test('a run that has ended is forgotten after its days, in the store too, and its name is free', () => {
  const log: string[] = []
  const { runs, invoked, clock, begin } = playing({ store: new FakeStore(log), log })
  const { run } = begin({ name: 'order', input: '1' })
  settle(invoked[0], response(succeeded))
  clock.advance(14 * day - 1)
  expect(runs.byArn(run.facts.arn)).toBe(run)
  clock.advance(1)
  expect(runs.byArn(run.facts.arn)).toBeNull()
  expect(runs.byId(run.facts.executionId)).toBeNull()
  expect(log.at(-1)).toBe('delete')
  expect(begin({ name: 'order', input: '2' })).toMatchObject({ kind: 'run' })
})

test('whoever looks is told of each change', () => {
  const { runs, invoked, begin } = playing()
  const phases: string[] = []
  runs.observer = { changed: ({ state }) => phases.push(state.phase) }
  begin()
  settle(invoked[0], response(succeeded))
  expect(phases).toEqual(['invoking', 'closed'])
})

test('an invocation that ends while it is made comes after the news of its start', () => {
  const { runs, functions, begin } = playing()
  const f = functions.get('f') as RunFunction
  functions.set('f', { ...f, invoke: (invocation) => invocation.settle(response(succeeded)) })
  const phases: string[] = []
  runs.observer = { changed: ({ state }) => phases.push(state.phase) }
  begin()
  expect(phases).toEqual(['invoking', 'closed'])
})
