/**
 * Random conversations against a naive model of the world around the rules. The world keeps its own books (who is
 * alive, which calls wait, which timers run, what became of each invocation) and takes no effect for granted. Peers
 * may call whatever they like at any time; the engine, the timers and the operating system tell the truth.
 */

import { describe, expect, test } from 'bun:test'
import type { ProcessName } from '../../src/core/failure.ts'
import type { ApiCallId, ExtensionId, Generation, RequestId } from '../../src/core/ids.ts'
import {
  type Event,
  isFree,
  isOpen,
  type LifecycleState,
  transitions,
  type UploadResult,
} from '../../src/core/lifecycle.ts'
import { type Mode, onDemand, withoutRetry } from '../../src/core/mode.ts'
import { copy, type Effect, play } from './recorder.ts'
import { several } from './script.ts'

/** lives, in batches, so that a busy machine has time for each */
const batches = 20
const batch = 1000
/** events of a life, before the world is left to itself */
const length = 40

/** Mulberry32: small, and good enough to choose events. */
function generator(seed: number): (below: number) => number {
  let a = seed | 0
  return (below) => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Fate {
  readonly id: RequestId
  settled: boolean
  begun: boolean
  started: boolean
  reported: boolean
  finished: boolean
  /** waits for a slot elsewhere */
  returned: boolean
}

interface Upload {
  readonly call: ApiCallId
  readonly id: RequestId
  readonly errorType: string | null
}

type Timer = 'init' | 'restore' | 'exit-wait' | 'grace' | 'budget' | 'kill-wait'
const timers: readonly Timer[] = ['init', 'restore', 'exit-wait', 'grace', 'budget', 'kill-wait']
const fires = {
  init: { type: 'init-limit' },
  restore: { type: 'restore-limit' },
  'exit-wait': { type: 'exit-wait-over' },
  grace: { type: 'grace-over' },
  budget: { type: 'budget-over' },
  'kill-wait': { type: 'kill-wait-over' },
} as const satisfies Record<Timer, Event>

const payload = { size: 1, chunks: [] }
const uploads: readonly UploadResult[] = [
  { kind: 'complete', payload, contentType: null },
  { kind: 'complete', payload, contentType: null },
  { kind: 'oversize', bytes: 7_000_000 },
  { kind: 'truncated' },
  { kind: 'trailers', payload: null, contentType: null, errorType: null, document: null },
]
const subscriptions = [['INVOKE', 'SHUTDOWN'], ['INVOKE'], ['SHUTDOWN'], [], ['BAD']]
const discoveries = [[], [], ['a'], ['a', 'b'], 'abcdefghijk'.split('')]
const errorTypes = [null, 'Extension.Odd']
const names = ['a', 'b', 'inner', 'other']
const responseModes = [null, null, null, 'streaming', 'bogus']

class Violation extends Error {}

function must(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Violation(rule)
}

class World {
  state: LifecycleState = { phase: 'cold', generation: 0 as Generation, retry: false }
  readonly history: Event[] = []
  readonly #below: (below: number) => number
  readonly #fates = new Map<RequestId, Fate>()
  #last: RequestId = 'none' as RequestId
  #calls = 0
  /** calls that nobody has answered yet */
  readonly #open = new Set<ApiCallId>()
  readonly #uploads: Upload[] = []
  readonly #alive = new Set<ProcessName>()
  readonly #killed = new Set<ProcessName>()
  readonly #armed = {
    init: false,
    restore: false,
    'exit-wait': false,
    grace: false,
    budget: false,
    'kill-wait': false,
  }
  /** those whose function timeout runs */
  readonly #deadlines = new Set<RequestId>()
  readonly #queue: Event[] = []
  #stopped = false
  #signalled = false

  readonly mode: Mode

  constructor(seed: number, mode: Mode) {
    this.#below = generator(seed)
    this.mode = mode
  }

  // what happens

  happen(event: Event): void {
    if ('call' in event && event.type !== 'runtime/received' && event.type !== 'gone')
      this.#open.add(event.call)
    this.#queue.push(event)
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#dispatch(next)
    this.#look()
  }

  #dispatch(event: Event): void {
    this.history.push(event)
    if (event.type === 'launch-failed') this.#over(event.process)
    const before = copy(this.state)
    const result = play(this.state, event, this.mode)
    this.state = result[0]
    this.#signalled = false
    for (let index = 1; index < result.length; index++) this.#perform(result[index] as Effect, event)
    if (transitions[before.phase][event.type] === undefined) {
      must(Bun.deepEquals(result[0], before, true), 'a refusal moves nothing')
      const calls = 'call' in event && event.type !== 'gone'
      must(result.length === (calls ? 2 : 1), 'a refusal is one reply, to who called')
    }
  }

  #perform(effect: Effect, event: Event): void {
    switch (effect.do) {
      case 'reply': {
        const { call, reply } = effect
        must(this.#open.delete(call), 'a call is answered once')
        if (reply.kind === 'read') {
          must('id' in event && 'call' in event && event.call === call, 'only an upload is read')
          const errorType = event.type === 'runtime/error' ? event.errorType : null
          this.#uploads.push({ call, id: event.id as RequestId, errorType })
        } else if (reply.kind === 'invocation' || reply.kind === 'invoke-event') {
          const fate = this.#fate(reply.id)
          must(fate.started, 'START stands before the event is handed out')
        }
        return
      }
      case 'settle': {
        const fate = this.#fate(effect.id)
        must(!fate.settled, 'an invocation is settled once')
        must(!fate.begun, 'an answer that has begun is ended or broken')
        must(!this.#signalled, 'the caller is answered before anything is cleaned up')
        fate.settled = true
        return
      }
      case 'give-back': {
        const fate = this.#fate(effect.id)
        must(!fate.started && !this.#deadlines.has(effect.id), 'only what has not begun is given back')
        fate.finished = true
        fate.returned = true
        return
      }
      case 'fail-waiting':
        must(!this.mode.singlePoller, 'others wait for one environment only where it takes several')
        return
      case 'begin-answer': {
        const fate = this.#fate(effect.id)
        must(!fate.settled && !fate.begun, 'an answer begins once')
        fate.begun = true
        return
      }
      case 'end-answer':
      case 'break-answer': {
        const fate = this.#fate(effect.id)
        must(fate.begun && !fate.settled, 'only an answer that has begun is ended or broken, once')
        must(!this.#signalled, 'the caller is answered before anything is cleaned up')
        must(
          (effect.outcome.kind === 'response') === (effect.do === 'end-answer'),
          'only a whole answer ends',
        )
        fate.settled = true
        return
      }
      case 'record':
        this.#record(effect)
        return
      case 'finish': {
        const fate = this.#fate(effect.id)
        must(fate.settled && fate.reported, 'an invocation is settled and reported before it is over')
        fate.finished = true
        this.#deadlines.delete(effect.id)
        return
      }
      case 'arm-deadline':
        this.#fate(effect.id)
        this.#deadlines.add(effect.id)
        must(this.#deadlines.size <= this.mode.concurrency, 'no more deadlines run than invocations')
        return
      case 'disarm-deadline':
        must(this.#deadlines.delete(effect.id), 'a deadline that is disarmed was armed')
        return
      case 'flush':
        must(this.#armed.budget, 'a flush is watched by the budget')
        return
      case 'arm':
        this.#armed[effect.timer] = true
        return
      case 'disarm':
        this.#armed[effect.timer] = false
        return
      case 'discover':
        must(!this.#stopped, 'nothing is started after a stop')
        this.#queue.push({ type: 'discovered', extensions: this.#one(discoveries) })
        return
      case 'spawn': {
        const { process } = effect
        must(!this.#stopped, 'nothing is started after a stop')
        must(this.state.phase === 'starting', 'processes are started while the environment starts')
        must(!this.#alive.has(process), 'a process is started once')
        // a process that could not be started counts as one until the rules have been told
        this.#alive.add(process)
        if (this.#below(16) === 0) {
          const fault = { errorType: 'Some.LaunchError', text: 'no' }
          this.#queue.push({ type: 'launch-failed', process, fault })
        }
        return
      }
      case 'signal':
        must(this.#alive.has(effect.process), 'only a living process of this generation is signalled')
        this.#signalled = true
        if (effect.signal === 'SIGKILL') this.#killed.add(effect.process)
        return
      case 'release-processes':
        must(this.#alive.size === 0 || event.type === 'kill-wait-over', 'everyone is waited for, or given up')
        this.#alive.clear()
        this.#killed.clear()
    }
  }

  #record({ record }: Extract<Effect, { do: 'record' }>): void {
    if (record.type === 'start') {
      const fate = this.#fate(record.id)
      must(!fate.started, 'START is written once')
      fate.started = true
    } else if (record.type === 'report') {
      const fate = this.#fate(record.id)
      must(fate.started, 'START comes before REPORT')
      must(!fate.reported, 'REPORT is written once')
      must(fate.settled, 'the caller is answered before REPORT')
      fate.reported = true
    }
  }

  #fate(id: RequestId): Fate {
    const fate = this.#fates.get(id)
    must(fate !== undefined && !fate.finished, 'an effect is about an invocation that is not over')
    return fate
  }

  /** What holds between any two events. */
  #look(): void {
    const { state } = this
    let parked = 0
    if ('polls' in state) {
      for (const poll of state.polls) must(this.#open.has(poll), 'a poll that waits was not answered')
      parked = state.polls.length
      for (const { poll } of state.extensions) {
        if (poll === null) continue
        must(this.#open.has(poll), 'a poll that waits was not answered')
        parked++
      }
    }
    must(this.#open.size === parked, 'a call is answered or waits, and is never lost')
    must(this.#needed(state), 'whatever could last for ever is watched by a timer')
    const idle = state.phase === 'cold' || state.phase === 'stopped'
    const ready =
      (state.phase === 'serving' && state.inflight.length === 0) ||
      (state.phase === 'restoring' && state.waiting.length === 0)
    if (idle || ready) {
      must(this.#deadlines.size === 0, 'no deadline runs for nothing')
      for (const timer of timers) must(!this.#armed[timer], 'no timer runs for nothing')
      for (const fate of this.#fates.values()) must(fate.finished, 'no invocation is forgotten')
    }
    if (idle) must(this.#alive.size === 0, 'nothing is left alive')
  }

  #needed(state: LifecycleState): boolean {
    switch (state.phase) {
      case 'starting':
        return state.attempt === 'init'
          ? this.#armed.init
          : this.#deadlines.has(state.waiting[0] as RequestId)
      case 'restoring':
        return state.waiting.length === 0 || this.#armed.restore
      case 'serving':
        must(state.inflight.length <= this.mode.concurrency, 'no more run at a time than the mode allows')
        must(state.owed <= this.mode.concurrency, 'no more polls are expected than can be used')
        must(
          this.mode.afterTimeout === 'go on' || state.late.length === 0,
          'late answers come where it goes on',
        )
        return state.inflight.every(({ id }) => this.#deadlines.has(id))
      case 'stopping':
        return this.#armed.grace || this.#armed.budget || this.#armed['kill-wait']
      default:
        return true
    }
  }

  // what may happen next

  #one<T>(all: readonly T[]): T {
    return all[this.#below(all.length)] as T
  }

  #any<T>(all: Set<T>): T | undefined {
    if (all.size === 0) return undefined
    let index = this.#below(all.size)
    for (const one of all) if (index-- === 0) return one
    return undefined
  }

  #call(): ApiCallId {
    return ++this.#calls as ApiCallId
  }

  #invoke(): Event {
    const id = `request-${this.#fates.size}` as RequestId
    this.#fates.set(id, {
      id,
      settled: false,
      begun: false,
      started: false,
      reported: false,
      finished: false,
      returned: false,
    })
    this.#last = id
    return { type: 'invoke', id }
  }

  #upload(): Event | undefined {
    const [upload] = this.#uploads.splice(this.#below(this.#uploads.length || 1), 1)
    if (upload === undefined) return undefined
    this.#open.add(upload.call)
    return { type: 'runtime/received', ...upload, received: this.#one(uploads) }
  }

  #begins(id: RequestId): Event {
    return { type: 'runtime/streaming', id, contentType: 'text/plain' }
  }

  #exit(process = this.#any(this.#alive)): Event | undefined {
    if (process === undefined) return undefined
    this.#over(process)
    return { type: 'exit', process, status: { kind: 'code', code: this.#below(2) } }
  }

  #over(process: ProcessName): void {
    this.#alive.delete(process)
    this.#killed.delete(process)
  }

  #timer(): Event | undefined {
    const deadline = this.#any(this.#deadlines)
    if (deadline !== undefined && this.#below(2) === 0) return { type: 'deadline', id: deadline }
    const timer = this.#one(timers)
    return this.#armed[timer] ? this.#fire(timer) : undefined
  }

  #fire(timer: Timer): Event {
    this.#armed[timer] = false
    return fires[timer]
  }

  #id(name: string): ExtensionId {
    return `${name}-${this.state.generation}` as ExtensionId
  }

  /** What well-behaved peers would do. */
  #sensible(): Event | undefined {
    const { state } = this
    switch (state.phase) {
      case 'cold':
        return this.#below(4) === 0 && !this.#stopped ? { type: 'start' } : this.#invoke()
      case 'starting': {
        const missing = state.extensions.find((one) => one.state === 'Started')
        if (missing !== undefined) return this.#register(missing.name)
        const silent = state.extensions.find((one) => one.state === 'Registered')
        if (state.runtime === 'Ready' && silent?.id) return this.#extension('extension/next', silent.id)
        if (state.runtime === 'Started' && this.#below(4) === 0) return this.#restoreNext()
        return { type: 'runtime/next', call: this.#call() }
      }
      case 'restoring':
        if (state.waiting.length === 0) return this.#invoke()
        return this.#below(3) === 0 ? this.#restoreNext() : { type: 'runtime/next', call: this.#call() }
      case 'serving': {
        const entry = state.inflight[this.#below(state.inflight.length || 1)]
        if (entry === undefined || (isFree(state, this.mode) && this.#below(2) === 0)) {
          return isOpen(state, this.mode) ? this.#invoke() : { type: 'runtime/next', call: this.#call() }
        }
        if (entry.stage === 'running') {
          return { type: 'runtime/response', call: this.#call(), id: entry.id, mode: null }
        }
        if (entry.stage === 'responding' && this.#below(3) === 0) return this.#begins(entry.id)
        if (entry.stage === 'responding' || entry.stage === 'erroring') return this.#upload()
        if (entry.stage === 'broken' && this.#armed['exit-wait']) return this.#fire('exit-wait')
        const owing = state.extensions.find((one) => one.state === 'Running')
        if (owing?.id) return this.#extension('extension/next', owing.id)
        return { type: 'runtime/next', call: this.#call() }
      }
      case 'stopping':
        return this.#exit()
      case 'stopped':
        return undefined
    }
  }

  #restoreNext(): Event {
    return { type: 'runtime/restore-next', call: this.#call() }
  }

  #register(name: string): Event {
    const registration = { name, id: this.#id(name), events: this.#one(subscriptions) }
    return { type: 'extension/register', call: this.#call(), registration }
  }

  #extension(
    type: 'extension/next' | 'extension/init-error' | 'extension/exit-error',
    id: ExtensionId = this.#id(this.#one(names)),
  ): Event {
    if (type === 'extension/next') return { type, call: this.#call(), id }
    return { type, call: this.#call(), id, errorType: this.#one(errorTypes) }
  }

  /** What anyone may do at any time. */
  #wild(): Event | undefined {
    switch (this.#below(22)) {
      case 0:
      case 1:
        return { type: 'runtime/next', call: this.#call() }
      case 2:
        return {
          type: 'runtime/response',
          call: this.#call(),
          id: this.#last,
          mode: this.#one(responseModes),
        }
      case 3:
        return { type: 'runtime/error', call: this.#call(), id: this.#last, errorType: null }
      case 4:
        return { type: 'runtime/response', call: this.#call(), id: 'nonsense' as RequestId, mode: null }
      case 5:
        return { type: 'runtime/init-error', call: this.#call(), errorType: 'Runtime.Bad', document: payload }
      case 6:
        return this.#register(this.#one(names))
      case 7:
      case 8:
        return this.#extension('extension/next')
      case 9:
        return this.#extension('extension/init-error')
      case 10:
        return this.#extension('extension/exit-error')
      case 11:
        return this.#exit()
      case 12: {
        // a peer may be gone before its call was looked at
        const call = this.#any(this.#open) ?? this.#call()
        this.#open.delete(call)
        return { type: 'gone', call }
      }
      case 13:
        if (isOpen(this.state, this.mode) && !this.#stopped && this.#below(4) > 0) return this.#invoke()
        // a timer that fires for an invocation that is over moves nothing
        return this.#fates.get(this.#last)?.finished ? { type: 'deadline', id: this.#last } : undefined
      case 14:
        return this.#timer()
      case 15:
        return { type: 'recycle' }
      case 16: {
        const id = this.#id(this.#one(names))
        return { type: 'extension/subscribe', call: this.#call(), id, api: 'telemetry' }
      }
      case 17:
        // one that comes late is of an earlier generation, or of a shutdown that has gone on
        return { type: 'flushed', generation: (this.state.generation - this.#below(2)) as Generation }
      case 18:
        return this.#begins(this.#last)
      case 19:
        return this.#restoreNext()
      case 20:
        return {
          type: 'runtime/restore-error',
          call: this.#call(),
          errorType: 'Runtime.Bad',
          document: payload,
        }
      default:
        return this.#below(8) === 0 ? this.#stop() : this.#upload()
    }
  }

  #stop(): Event {
    this.#stopped = true
    return { type: 'stop' }
  }

  live(): void {
    for (let count = 0; count < length; count++) {
      const event = this.#below(3) > 0 ? this.#sensible() : this.#wild()
      if (event !== undefined) this.happen(event)
    }
  }

  /** Nobody answers any more, but timers fire, and who is killed ends unless it is `immortal`. */
  settleDown(immortal: boolean): void {
    while (this.#moves(immortal)) must(this.history.length < 1000, 'it comes to an end')
    for (const fate of this.#fates.values()) must(fate.finished, 'every invocation is answered and over')
  }

  #moves(immortal: boolean): boolean {
    const killed = immortal ? undefined : this.#any(this.#killed)
    if (killed !== undefined) {
      this.happen(this.#exit(killed) as Event)
      return true
    }
    const deadline = this.#any(this.#deadlines)
    if (deadline !== undefined) {
      this.happen({ type: 'deadline', id: deadline })
      return true
    }
    const timer = timers.find((one) => this.#armed[one])
    if (timer === undefined) return false
    this.happen(this.#fire(timer))
    return true
  }

  end(immortal: boolean): void {
    this.settleDown(immortal)
    this.happen(this.#stop())
    this.settleDown(immortal)
    must(this.state.phase === 'stopped', 'a stop reaches its end')
    for (let upload = this.#upload(); upload !== undefined; upload = this.#upload()) this.happen(upload)
  }
}

/** Lives one random life; the violated rule and all that happened, or null. */
function violation(seed: number, mode: Mode): { rule: string; history: readonly Event[] } | null {
  const world = new World(seed, mode)
  try {
    world.live()
    world.end(seed % 8 === 0)
    return null
  } catch (error) {
    return { rule: error instanceof Violation ? error.message : String(error), history: world.history }
  }
}

const modes = {
  'on demand': onDemand,
  'managed instances': several,
  'managed instances whose first failure is the last': withoutRetry(several),
} as const

describe.each(Object.entries(modes))('no random life breaks a rule: %s', (_, mode) => {
  for (let number = 0; number < batches; number++) {
    test(`lives from ${number * batch + 1}`, () => {
      for (let seed = number * batch + 1; seed <= (number + 1) * batch; seed++) {
        const found = violation(seed, mode)
        if (found === null) continue
        const history = found.history.map((event) => JSON.stringify(event))
        throw new Error(`seed ${seed}: not so: ${found.rule}\n${history.join('\n')}`)
      }
    })
  }
})

test.each(Object.entries(modes))('random lives reach every cell: %s', (_, mode) => {
  const reached = new Set<string>()
  for (let seed = 1; seed <= 3000; seed++) {
    const world = new World(seed, mode)
    world.live()
    world.end(seed % 8 === 0)
    let state: LifecycleState = { phase: 'cold', generation: 0 as Generation, retry: false }
    for (const event of world.history) {
      if (transitions[state.phase][event.type]) reached.add(`${state.phase}: ${event.type}`)
      state = play(state, event, mode)[0]
    }
  }
  const cells = Object.entries(transitions).flatMap(([phase, cells]) =>
    Object.keys(cells).map((type) => `${phase}: ${type}`),
  )
  expect(cells.filter((cell) => !reached.has(cell))).toEqual([])
})
