/**
 * The warm path: what becomes of an invocation when nothing out of the ordinary happens, without asking the rules.
 *
 * An environment that serves without extensions goes idle → running → responding → responded → idle over and over: the
 * one poll that is parked gets the event, the runtime answers, and asks again. Asking the rules for these four steps
 * makes some forty objects and cost a twelfth of an invocation; here they are a few fields.
 *
 * Every other event is for the rules. They are given the state as they would have left it themselves, so no step here
 * may decide anything in another way than `core/serving.ts` does. The tests compare each of them with the rules, and
 * everything that environments do with and without this path.
 */

import { success } from '../core/failure.ts'
import type { ApiCallId, RequestId } from '../core/ids.ts'
import type { EnvironmentState, Inflight, Reply, Serving } from '../core/lifecycle.ts'
import type { Few } from './few.ts'
import type { Invocation } from './invocation.ts'

/** A request to the Runtime or Extensions API that waits for its answer. */
export interface PendingCall {
  /**
   * `read` asks for the body and is followed by another reply; any other is the last one. The invocation is the one
   * that the reply names, if it names one.
   */
  reply(reply: Reply, invocation?: Invocation): void
}

type Stage = 'idle' | 'running' | 'responding' | 'responded'

export class Warm {
  /** null while the rules have the state */
  #stage: Stage | null = null
  /** as the rules left it: with one poll and nothing in flight */
  #idle: Serving | null = null
  /** the poll that is parked when idle */
  #call = 0 as ApiCallId
  #caller: PendingCall | null = null
  /** in flight when not idle */
  #invocation: Invocation | null = null
  readonly #callers: Few<ApiCallId, PendingCall>
  readonly #invocations: Few<RequestId, Invocation>

  /** The tables are the environment's; who is on this path is in neither. */
  constructor(callers: Few<ApiCallId, PendingCall>, invocations: Few<RequestId, Invocation>) {
    this.#callers = callers
    this.#invocations = invocations
  }

  /** Whether an invocation could come in now; null while the rules have the state. */
  get free(): boolean | null {
    return this.#stage === null ? null : this.#stage === 'idle'
  }

  /** The state in the form of the rules; null while they have it. */
  get state(): Serving | null {
    const [idle, stage] = [this.#idle, this.#stage]
    if (stage === null || idle === null) return null
    if (this.#invocation === null || stage === 'idle') return { ...idle, polls: [this.#call] }
    const { id } = this.#invocation
    const entry: Inflight = { id, stage, verdict: stage === 'responded' ? success : null, exited: null }
    return { ...idle, polls: [], inflight: [entry] }
  }

  /** Takes over from the rules, if there is nothing in this state that needs them. */
  enter(state: EnvironmentState): void {
    if (state.phase !== 'serving' || state.inflight.length > 0 || state.extensions.length > 0) return
    const [call, second] = state.polls
    if (call === undefined || second !== undefined) return
    const caller = this.#callers.take(call)
    if (caller === undefined) return
    this.#stage = 'idle'
    this.#idle = state
    this.#call = call
    this.#caller = caller
  }

  /** Gives the state back to the rules; null if they have it. */
  leave(): Serving | null {
    const { state } = this
    if (state === null) return null
    if (this.#caller !== null) this.#callers.add(this.#call, this.#caller)
    if (this.#invocation !== null) this.#invocations.add(this.#invocation.id, this.#invocation)
    this.#stage = null
    this.#idle = null
    this.#caller = null
    this.#invocation = null
    return state
  }

  /** This poll is parked here. */
  waits(call: ApiCallId): boolean {
    return this.#caller !== null && this.#call === call
  }

  /** The invocation of this id is on its way here. */
  find(id: RequestId): Invocation | undefined {
    return this.#invocation?.id === id ? this.#invocation : undefined
  }

  /** An invocation comes: whose poll gets it, or null if that is not the next step. */
  invoke(invocation: Invocation): PendingCall | null {
    const caller = this.#caller
    if (caller === null) return null
    this.#stage = 'running'
    this.#caller = null
    this.#invocation = invocation
    return caller
  }

  /** The runtime begins to respond; false if that is not the next step, or not the usual way. */
  response(id: RequestId, mode: string | null): boolean {
    if (this.#stage !== 'running' || mode !== null || id !== this.#invocation?.id) return false
    this.#stage = 'responding'
    return true
  }

  /** The response is there, and whole: whose it is, or null if that is not the next step. */
  received(id: RequestId): Invocation | null {
    const invocation = this.#invocation
    if (this.#stage !== 'responding' || id !== invocation?.id) return null
    this.#stage = 'responded'
    return invocation
  }

  /** The runtime asks for the next event: what is over with that, or null if that is not the next step. */
  next(call: ApiCallId, caller: PendingCall): Invocation | null {
    if (this.#stage !== 'responded') return null
    const invocation = this.#invocation
    this.#stage = 'idle'
    this.#call = call
    this.#caller = caller
    this.#invocation = null
    return invocation
  }
}
