/**
 * A runtime that is no child of ours comes and goes as it likes: its polls are its only sign of life.
 *
 * - It comes before it is expected (after a timeout, while extensions shut down or register): the poll is kept until a
 *   start expects a runtime.
 * - It goes while nothing runs: with its last poll. The start that follows waits for the next one, as long as it takes.
 * - It goes while an invocation runs: nobody notices, and the next one that polls gets that event again, because a poll
 *   before an answer means a lost event.
 */

import type { ApiCallId } from '../core/ids.ts'
import type { Event, LifecycleState } from '../core/lifecycle.ts'

export class Attachment {
  readonly #kept: ApiCallId[] = []
  /** a poll has come since the last start */
  #asked = false
  readonly #left: () => void

  /** `left` reports the end of the runtime as that of a process. */
  constructor(left: () => void) {
    this.#left = left
  }

  /** Whether a poll has to be kept; it is handed out by `next`. */
  keeps(call: ApiCallId, state: LifecycleState): boolean {
    if (state.phase === 'serving' || state.phase === 'stopped') return false
    if (state.phase === 'starting' && state.runtime !== 'absent') return false
    this.#kept.push(call)
    this.#asked = true
    return true
  }

  /** The peer of a poll went away. */
  gone(call: ApiCallId): void {
    const index = this.#kept.indexOf(call)
    if (index >= 0) this.#kept.splice(index, 1)
  }

  /** What is to happen now; asked after everything that changed the state. */
  next(state: LifecycleState): Event | undefined {
    if (state.phase === 'cold') {
      // after a start that failed, the next one waits for somebody who wants it: a failing extension would go on for ever
      if (state.retry && !this.#asked) return undefined
      this.#asked = false
      return { type: 'start' }
    }
    const expected = state.phase === 'serving' || (state.phase === 'starting' && state.runtime !== 'absent')
    const call = expected ? this.#kept.shift() : undefined
    if (call !== undefined) return { type: 'runtime/next', call }
    if (state.phase === 'serving' && state.inflight.length === 0 && state.polls.length === 0) this.#left()
    return undefined
  }
}
