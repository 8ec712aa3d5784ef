/**
 * The warm path does what the rules would have done. Two environments live through the same random events, one of which
 * asks the rules for each of them; whatever happened in the one happened in the other, in the same order.
 */

import { describe, expect, test } from 'bun:test'
import type { ApiCallId, ExtensionId, RequestId } from '../../src/core/ids.ts'
import type { EnvironmentState as State, UploadResult } from '../../src/core/lifecycle.ts'
import type { Caller, Environment } from '../../src/engine/environment.ts'
import { invocation, type Stage, stage } from './fakes.ts'

const complete = (): UploadResult => ({ kind: 'complete', payload: { size: 4 }, contentType: null })

/** What a runtime posts, sent through an environment as the API does it. */
class Upload implements Caller {
  reading = false
  #call: ApiCallId | null = null
  readonly name: string
  readonly #twin: Twin
  readonly #id: RequestId
  readonly #failed: boolean

  constructor(twin: Twin, name: string, id: RequestId, failed: boolean) {
    this.name = name
    this.#twin = twin
    this.#id = id
    this.#failed = failed
  }

  begin(mode: string | null): void {
    const { environment } = this.#twin
    if (!this.#failed && environment.beginResponse(this.#id, mode)) {
      this.reply({ kind: 'read' })
      return
    }
    const call = this.#twin.call(environment.park(this), this.name)
    this.#call = call
    environment.dispatch(
      this.#failed
        ? { type: 'runtime/error', call, id: this.#id, errorType: 'Function.Oops' }
        : { type: 'runtime/response', call, id: this.#id, mode },
    )
  }

  reply({ kind }: { readonly kind: string }): void {
    this.reading = kind === 'read'
    this.#twin.log.push(`${this.name}: ${kind}`)
  }

  end(received: UploadResult): void {
    const { environment } = this.#twin
    if (environment.endResponse(this.#id, received)) {
      this.reply({ kind: 'accepted' })
      return
    }
    const call = this.#call ?? this.#twin.call(environment.park(this), this.name)
    environment.dispatch({ type: 'runtime/received', call, id: this.#id, errorType: null, received })
  }
}

/** One of the two, and what it is called with under names that both know. */
class Twin {
  readonly stage: Stage
  readonly names = new Map<ApiCallId, string>()
  readonly uploads: Upload[] = []
  /** it was open when it said, during this event, that something had changed */
  told = false

  constructor(neverWarm: boolean) {
    this.stage = stage({
      neverWarm,
      changed: (environment) => {
        this.told = environment.open
      },
    })
  }

  get environment(): Environment {
    return this.stage.environment
  }

  get log(): string[] {
    return this.stage.log
  }

  call(call: ApiCallId, name: string): ApiCallId {
    this.names.set(call, name)
    return call
  }

  poll(name: string, behind: boolean): void {
    const { environment, log } = this
    const call = this.call(environment.newCall(), name)
    environment.next(call, { reply: ({ kind }, one) => log.push(`${name}: ${kind} ${one?.id}`) }, behind)
  }

  gone(name: string): void {
    for (const [call, known] of this.names) if (known === name) this.environment.gone(call)
  }

  /** All that can be seen of it, with names in place of numbers. */
  get seen(): unknown {
    const { environment, names } = this
    const { state, free, open, stopped, polled, idleSince, tenant } = environment
    // only who asks for an event can go away, so nobody asks whether an upload waits
    const polls = [...names].filter(([, name]) => name.startsWith('p'))
    const waiting = polls.filter(([call]) => environment.waits(call)).map(([, name]) => name)
    return { state: named(state, names), free, open, stopped, polled, idleSince, tenant, waiting }
  }
}

function named(state: State, names: ReadonlyMap<ApiCallId, string>): unknown {
  return 'polls' in state ? { ...state, polls: state.polls.map((call) => names.get(call)) } : state
}

/** Random numbers that are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let value = seed
  return (sides) => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((value / 2 ** 32) * sides)
  }
}

const MODES = ['streaming', 'buffered', 'odd']

/** Plays one random life; returns how often the warm one was on its path and off it. */
async function live(seed: number, events: number): Promise<{ warm: number; cold: number }> {
  const roll = dice(seed)
  const twins = [new Twin(false), new Twin(true)] as const
  const [warm, ruled] = twins
  const counts = { warm: 0, cold: 0 }
  const trail: string[] = []
  let serial = 0
  const both = (what: string, act: (twin: Twin) => void): void => {
    trail.push(what)
    for (const twin of twins) act(twin)
  }
  const inFlight = (): RequestId | undefined => {
    const { state } = ruled.environment
    return state.phase === 'serving' ? state.inflight[0]?.id : undefined
  }
  for (let event = 0; event < events; event++) {
    const { state } = ruled.environment
    const wasOpen = warm.environment.open
    for (const twin of twins) twin.told = false
    const id = inFlight()
    const polls = 'polls' in state ? state.polls.length : 0
    const reading = ruled.uploads.findIndex((upload) => upload.reading)
    const kind = roll(100)
    if (state.phase === 'stopped') break
    if (ruled.environment.open && kind < 60) {
      const name = `i${serial++}`
      const tail = roll(8) === 0
      both(`invoke ${name}`, (twin) => twin.environment.invoke(invocation(name, twin.log, { tail })))
    } else if (reading >= 0 && kind < 80) {
      const odd = roll(20)
      const received: UploadResult =
        odd === 0 ? { kind: 'truncated' } : odd === 1 ? { kind: 'oversize', bytes: 7_000_000 } : complete()
      both(`end ${reading}`, (twin) => twin.uploads[reading]?.end(received))
    } else if (id !== undefined && kind < 70) {
      const wrong = roll(30) === 0
      const mode = roll(12) === 0 ? (MODES[roll(3)] as string) : null
      const failed = roll(15) === 0
      const name = `u${serial++}`
      both(`upload ${name} ${wrong ? 'of another' : id} ${mode}`, (twin) => {
        const upload = new Upload(twin, name, wrong ? ('another' as RequestId) : id, failed)
        twin.uploads.push(upload)
        upload.begin(mode)
      })
    } else if (kind < 88 || polls === 0) {
      const name = `p${serial++}`
      const behind = roll(10) === 0
      both(`poll ${name}`, (twin) => twin.poll(name, behind))
    } else if (kind < 91) {
      const waiting = [...ruled.names.values()].filter((name) => name.startsWith('p'))
      const name = waiting[waiting.length - 1 - roll(2)]
      if (name !== undefined) both(`gone ${name}`, (twin) => twin.gone(name))
    } else if (kind < 94) {
      both('output', (twin) => {
        const process = twin.stage.processes.latest.get('runtime')
        if (process !== undefined) process.unread = `line ${event}`
      })
    } else if (kind < 96) {
      const ms = roll(700)
      both(`${ms} ms`, (twin) => twin.stage.clock.advance(ms))
    } else if (kind === 96 && id !== undefined) {
      both('deadline', (twin) => twin.environment.dispatch({ type: 'deadline', id }))
    } else if (kind === 97) {
      both('exit', (twin) => twin.stage.processes.latest.get('runtime')?.exit())
    } else if (kind === 98) {
      both('deaths', (twin) => void twin.environment.noticeDeaths())
    } else if (kind === 99 && roll(3) === 0) {
      both('recycle', (twin) => twin.environment.recycle(false))
    } else if (kind === 99 && roll(10) === 0) {
      both('stop', (twin) => twin.environment.dispatch({ type: 'stop' }))
    }
    if (roll(3) === 0) for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next))
    const story = `seed ${seed}: ${trail.slice(-12).join(', ')}`
    expect(warm.log, story).toEqual(ruled.log)
    expect(warm.seen, story).toEqual(ruled.seen)
    for (const twin of twins) {
      const invoked = id === undefined ? undefined : twin.environment.invocation(id)?.id
      expect(invoked, story).toBe(ruled.environment.invocation(id ?? ('none' as RequestId))?.id)
    }
    // whoever waits for an environment is told when there is one
    if (!wasOpen && warm.environment.open) expect(warm.told, story).toBe(true)
    counts[warm.environment.onWarmPath ? 'warm' : 'cold']++
  }
  return counts
}

describe('an environment on its warm path and one that always asks the rules', () => {
  test('do the same in nineteen thousand random events', async () => {
    const counts = { warm: 0, cold: 0 }
    for (let seed = 1; seed <= 100; seed++) {
      const { warm, cold } = await live(seed, 200)
      counts.warm += warm
      counts.cold += cold
    }
    // both ways were gone often enough to mean something
    expect(Math.min(counts.warm, counts.cold)).toBeGreaterThan(2000)
  })

  test('differ only where the rules are not needed: with an extension they are', () => {
    const { environment, log } = stage()
    const call = (reply: (kind: string) => void): ApiCallId =>
      environment.park({ reply: ({ kind }) => reply(kind) })
    environment.dispatch({ type: 'start' })
    const id = '6f9b2e5c-0000-4000-8000-000000000001' as ExtensionId
    const registration = { name: 'inside', id, events: ['INVOKE'] } as const
    environment.dispatch({ type: 'extension/register', call: call(() => {}), registration })
    environment.dispatch({
      type: 'extension/next',
      call: call((kind) => log.push(`extension: ${kind}`)),
      id,
    })
    environment.next(environment.newCall(), { reply: ({ kind }) => log.push(`runtime: ${kind}`) })
    expect([environment.free, environment.onWarmPath]).toEqual([true, false])
    log.length = 0
    environment.invoke(invocation('one', log))
    expect(log).toEqual(['START one', 'runtime: invocation', 'extension: invoke-event', 'changed'])
  })
})
