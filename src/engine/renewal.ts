/**
 * When the processes of an environment make room for new ones, because there is new code or they have served their number
 * of invocations: as soon as nothing runs in them.
 */

import type { Event, LifecycleState } from '../core/lifecycle.ts'

export class Renewal {
  #recycle = false
  #start = false

  /** New processes are to serve. `start` says that it is to be initialised without an invocation. */
  request(start: boolean): void {
    this.#recycle = true
    this.#start ||= start
  }

  /** The processes take no invocation any more: those that run several at a time would never be without one. */
  get due(): boolean {
    return this.#recycle
  }

  /** What is to happen now; asked after everything that changed the state. */
  next(state: LifecycleState): Event | undefined {
    if (this.#recycle) {
      if (state.phase === 'serving' && state.inflight.length > 0) return undefined
      if (state.phase === 'restoring' && state.waiting.length > 0) return undefined
      this.#recycle = false
      // the processes that follow a stop under way will find the new code
      return { type: 'recycle' }
    }
    // An invocation may have started it meanwhile, and a stop may have come.
    if (!this.#start || state.phase === 'stopping') return undefined
    this.#start = false
    return state.phase === 'cold' ? { type: 'start' } : undefined
  }
}
