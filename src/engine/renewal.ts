/**
 * When the processes of an environment make room for new ones, because there is new code or they have served their number
 * of invocations, or the environment for another one, of another tenant: as soon as nothing runs in it.
 */

import { type Event, isVacant, type LifecycleState } from '../core/lifecycle.ts'

export class Renewal {
  /** the environment is to end for good */
  retires = false
  #recycle = false
  #start = false

  /** New processes are to serve. `start` says that it is to be initialised without an invocation. */
  request(start: boolean): void {
    this.#recycle = true
    this.#start ||= start
  }

  /** The processes take no invocation any more: those that run several at a time would never be without one. */
  get due(): boolean {
    return this.#recycle || this.retires
  }

  /** What is to happen now; asked after everything that changed the state. */
  next(state: LifecycleState): Event | undefined {
    if (this.retires && isVacant(state)) {
      this.retires = false
      return { type: 'stop' }
    }
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
