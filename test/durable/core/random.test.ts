/**
 * Random runs against a naive model of the world around the rules. The world keeps its own books: what it reported of
 * each operation, what it was told, whether an invocation is on its way, which token it holds. It predicts each answer,
 * and takes no effect for granted.
 */

import { describe, test } from 'bun:test'
import type { ChainedOutcome, RunEvent, Update } from '../../../src/durable/core/event.ts'
import { transitions } from '../../../src/durable/core/lifecycle.ts'
import { isAwaited, type OperationStatus } from '../../../src/durable/core/operation.ts'
import { nextDue, type RunPolicy, type RunState } from '../../../src/durable/core/state.ts'
import { play, type Recorder } from './recorder.ts'
import { boom, crash, fresh, plain, update } from './script.ts'

const batches = 10
const batch = 200
/** events of a run, before the world sees it to its end */
const length = 60

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

class Violation extends Error {}

function must(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new Violation(rule)
}

/** What the world knows of an operation. */
interface Known {
  readonly type: Update['type']
  status: OperationStatus
  readonly parentId: string | null
}

class World {
  state: RunState = fresh()
  readonly events: RunEvent[] = []
  readonly #below: (below: number) => number
  readonly #policy: RunPolicy
  readonly #known = new Map<string, Known>()
  #now = 0
  #ids = 0
  /** an invocation was asked for and has not ended */
  #inFlight = false
  /** what the handler holds; null when it was told not to go on */
  #token: number | null = null
  #highest = 0
  #pausing = false
  #paused = false
  #ended = false
  /** changed by others since the last event was made, and since the handler last saw anything */
  readonly #updated = new Set<string>()
  readonly #unseen = new Set<string>()

  constructor(seed: number) {
    this.#below = generator(seed)
    this.#policy = { retryDelaysMs: [1000, 0, 5000], skipTime: this.#below(4) === 0 }
  }

  get ended(): boolean {
    return this.#ended && !this.#inFlight
  }

  happen(event: RunEvent): Recorder {
    this.events.push(event)
    const moved = transitions[this.state.phase][event.type] !== undefined
    const before = moved ? null : structuredClone(this.state)
    const { state, recorder } = play(this.state, event, this.#policy)
    if (before !== null) must(Bun.deepEquals(before, state), 'without a cell nothing moves')
    this.state = state
    for (const { type, of } of recorder.history) {
      if (of === null) continue
      must(!this.#ended, 'nothing is told of operations after the end')
      must(this.state.run.operations.has(of.id), `${type} is of an operation that is there`)
    }
    if (recorder.closed !== null) {
      must(!this.#ended, 'a run ends once')
      this.#ended = true
    }
    for (const [id, { status }] of recorder.changes) {
      const known = this.#known.get(id)
      if (known !== undefined) known.status = status
    }
    if (event.type !== 'checkpoint') {
      for (const id of recorder.changes.keys()) {
        this.#updated.add(id)
        this.#unseen.add(id)
      }
    }
    if (recorder.invoked !== null) {
      const { token, updated } = recorder.invoked
      must(!this.#inFlight, 'one invocation at a time')
      must(!this.#ended && !this.#paused, 'nothing is invoked after the end, or in a pause')
      must(token > this.#highest, 'a token never comes again')
      must(
        Bun.deepEquals([...updated].toSorted(), [...this.#updated].toSorted()),
        'the event tells what others changed',
      )
      this.#updated.clear()
      this.#unseen.clear()
      this.#inFlight = true
      this.#token = token
      this.#highest = token
    }
    if (this.#ended) {
      this.#updated.clear()
      this.#unseen.clear()
    }
    this.#look()
    return recorder
  }

  #look(): void {
    const { state } = this
    must((state.phase === 'closed') === this.#ended, 'it is closed when it has ended')
    must(state.phase !== 'invoking' || this.#inFlight, 'it invokes while an invocation is on its way')
    if (state.phase === 'suspended') {
      must(!this.#inFlight, 'nothing runs while it is suspended')
      const awaited = [...state.run.operations.values()].some(isAwaited)
      must(awaited || state.retryAt !== null, 'a suspended run waits for something')
      must(state.retryAt !== null || this.#updated.size === 0, 'what has changed is told at once')
    }
    if (state.phase === 'paused') must(this.#paused, 'it is paused because somebody said so')
  }

  /** One thing that may happen, by chance. */
  stir(): void {
    this.#now += [0, 1, 10, 500, 3000][this.#below(5)] as number
    const at = this.#now
    switch (this.#below(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        if (this.#inFlight) this.#checkpoint()
        return
      case 5:
        if (this.#inFlight) this.#return('{"Status":"PENDING"}')
        return
      case 6:
        if (this.#inFlight && this.#below(3) === 0) this.#fail()
        return
      case 7:
      case 8:
        this.#callback()
        return
      case 9:
        this.#chained()
        return
      case 10:
        this.#pause()
        return
      case 11:
        this.#resume()
        return
      case 12:
        if (this.#below(20) === 0) this.happen({ type: 'stop', at, error: {} })
        return
      default:
        this.happen({ type: 'timer', at })
    }
  }

  #return(payload: string): void {
    this.#inFlight = false
    this.#becomePaused()
    this.happen({ type: 'returned', at: this.#now, payload, requestId: 'r', startedAt: 0 })
  }

  #fail(): void {
    this.#inFlight = false
    this.#becomePaused()
    this.happen({ type: 'failed', at: this.#now, error: crash, requestId: 'r', startedAt: 0 })
  }

  #becomePaused(): void {
    if (!this.#pausing || this.#ended) return
    this.#pausing = false
    this.#paused = true
  }

  #pause(): void {
    if (this.#ended) return
    if (this.#inFlight) this.#pausing = true
    else this.#paused = true
    const timeoutPaused = this.#below(2) === 0
    this.happen({ type: 'pause', at: this.#now, reason: null, timeoutPaused })
  }

  #resume(): void {
    this.#pausing = false
    this.#paused = false
    this.happen({ type: 'resume', at: this.#now, reason: null })
  }

  #some(type: Update['type']): string {
    const all = [...this.#known].filter(([, known]) => known.type === type)
    return all[this.#below(all.length || 1)]?.[0] ?? 'none'
  }

  #callback(): void {
    const id = this.#some('CALLBACK')
    const open = !this.#ended && this.#known.get(id)?.status === 'STARTED'
    const at = this.#now
    const choices: RunEvent[] = [
      { type: 'callback-succeeded', at, id, result: null },
      { type: 'callback-failed', at, id, error: {} },
      { type: 'callback-heartbeat', at, id },
    ]
    const { replies } = this.happen(choices[this.#below(3)] as RunEvent)
    must(replies.length === 1, 'a callback is answered once')
    must((replies[0]?.kind === 'done') === open, 'a callback is taken as long as it is open')
  }

  #chained(): void {
    const status = (['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'STOPPED'] as const)[
      this.#below(4)
    ] as ChainedOutcome['status']
    const id = this.#some('CHAINED_INVOKE')
    this.happen({ type: 'chained-ended', at: this.#now, id, outcome: { status, result: null, error: null } })
  }

  /** Reports something, right or wrong, and knows which. */
  #checkpoint(): void {
    const updates: Update[] = []
    const status = new Map([...this.#known].map(([id, known]) => [id, known.status]))
    let good = true
    for (let left = this.#below(4); left > 0; left--) {
      const next = this.#update(status, new Set(updates.map(({ id }) => id)))
      updates.push(next.update)
      good &&= next.good
    }
    const held = this.#below(12) === 0 ? this.#below(this.#highest + 1) : this.#token
    const valid = held !== null && held === this.#token && !this.#ended
    const token = held ?? this.#highest
    const clientToken = this.#below(2) === 0 ? `k${this.events.length}` : null
    const event: RunEvent = { type: 'checkpoint', at: this.#now, token, clientToken, updates }
    const before = structuredClone(this.state.run)
    const { replies, changes } = this.happen(event)
    const [reply] = replies
    must(reply !== undefined && replies.length === 1, 'a checkpoint is answered once')
    must((reply.kind === 'checkpointed') === (valid && good), `refused or not: ${valid} ${good}`)
    if (reply.kind !== 'checkpointed') {
      must(Bun.deepEquals(before, this.state.run), 'a refused checkpoint changes nothing')
      return
    }
    for (const each of updates) {
      const { id, type, parentId } = each
      const operation = this.state.run.operations.get(id)
      must(operation !== undefined, 'what is reported is there')
      this.#known.set(id, { type, status: operation.status, parentId })
    }
    for (const id of changes.keys()) {
      this.#unseen.add(id)
      // a timer that was due fired behind its back
      if (!updates.some((each) => each.id === id) || this.#firedIn(updates, id)) this.#updated.add(id)
    }
    if (reply.token === null) {
      must(this.#pausing || this.#ended, 'a token is withheld for a pause or the end')
      this.#token = null
      return
    }
    must(reply.token > this.#highest, 'a token never comes again')
    this.#token = reply.token
    this.#highest = reply.token
    const told = reply.operations.map(({ id }) => id).toSorted()
    must(Bun.deepEquals(told, [...this.#unseen].toSorted()), 'the answer tells all that is new')
    this.#unseen.clear()
    if (clientToken === null) return
    const again = this.happen({ ...event, updates: [] })
    must(Bun.deepEquals(again.replies, [reply]), 'a client that asks again gets the same answer')
  }

  /** Whether it was reported and its timer fired in one checkpoint, as time is skipped. */
  #firedIn(updates: readonly Update[], id: string): boolean {
    const mine = updates.filter((each) => each.id === id).at(-1)
    const now = this.#known.get(id)?.status
    return (mine?.type === 'WAIT' && now === 'SUCCEEDED') || (mine?.action === 'RETRY' && now === 'READY')
  }

  #update(status: Map<string, OperationStatus>, used: Set<string>): { update: Update; good: boolean } {
    const skip = this.#policy.skipTime
    switch (this.#below(7)) {
      case 0: {
        const id = `s${++this.#ids}`
        status.set(id, 'SUCCEEDED')
        return { update: update('STEP', 'SUCCEED', id, { payload: '1' }), good: true }
      }
      case 1: {
        const id = `w${++this.#ids}`
        const waitSeconds = 1 + this.#below(3)
        status.set(id, skip ? 'SUCCEEDED' : 'STARTED')
        return { update: update('WAIT', 'START', id, { waitSeconds }), good: true }
      }
      case 2: {
        const id = `c${++this.#ids}`
        const callback = { timeoutSeconds: this.#below(4), heartbeatSeconds: this.#below(3) }
        return { update: update('CALLBACK', 'START', id, { callback }), good: true }
      }
      case 3: {
        const id = `i${++this.#ids}`
        const invoke = { functionName: 'other', tenantId: null, target: plain }
        return { update: update('CHAINED_INVOKE', 'START', id, { invoke }), good: true }
      }
      case 4: {
        const id = `r${++this.#ids}`
        const delay = { nextAttemptDelaySeconds: 1 + this.#below(2), error: boom }
        return { update: update('STEP', 'RETRY', id, delay), good: true }
      }
      case 5: {
        // a wait, whatever has become of it; one whose time has come is due only when the clock says so
        const id = this.#some('WAIT')
        const good = !used.has(id) && status.get(id) === 'STARTED'
        return { update: update('WAIT', 'CANCEL', id), good }
      }
      default: {
        const id = this.#some('STEP')
        if (id === 'none') return { update: update('STEP', 'START', `s${++this.#ids}`), good: true }
        const now = status.get(id)
        const good = !used.has(id) && (now === 'READY' || now === 'STARTED')
        return { update: update('STEP', 'SUCCEED', id, { payload: '2' }), good }
      }
    }
  }

  /** The world is kind now: what is waited for comes, and the handler ends. */
  finish(): void {
    if (this.#paused || this.#pausing) this.#resume()
    for (let turns = 0; !this.ended; turns++) {
      must(turns < 100, 'a run comes to its end')
      if (this.#inFlight) this.#return('{"Status":"SUCCEEDED"}')
      else {
        const due = nextDue(this.state)
        must(Number.isFinite(due), 'a run that waits has a time')
        this.#now = Math.max(this.#now, due)
        this.happen({ type: 'timer', at: this.#now })
      }
    }
  }
}

function live(seed: number): void {
  const world = new World(seed)
  try {
    world.happen({ type: 'begin', at: 0 })
    for (let turn = 0; turn < length; turn++) world.stir()
    world.finish()
  } catch (error) {
    const tail = world.events.slice(-6).map((event) => JSON.stringify(event))
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${tail.join('\n')}`, { cause: error })
  }
}

describe('random runs keep to the books of the world', () => {
  for (let index = 0; index < batches; index++) {
    test(`seeds from ${index * batch}`, () => {
      for (let seed = index * batch; seed < (index + 1) * batch; seed++) live(seed)
    })
  }
})
