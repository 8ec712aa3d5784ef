/**
 * Notices pollers that go away.
 *
 * A request's abort signal costs as much as a tenth of an invocation, and a poll of a busy runtime is answered before
 * anybody could go away. So only polls that have been parked for a moment are watched. What happened in that moment is
 * not lost: the signal of a request whose peer has gone is aborted when it is first asked for.
 */

import { Deadline } from '../engine/deadline.ts'
import type { Environment } from '../engine/environment.ts'
import type { Poll } from './poll.ts'

export interface PollWatch extends Disposable {
  /** From `delayMs` on, `environment.gone` is told when the peer of this poll goes away. */
  add(poll: Poll): void
  /** the poll that was added last, answered or not */
  readonly latest: Poll | null
  /** polls that have come and are not in force yet */
  deferred: number
  /** Looks at all that are parked right now, so that a poll whose peer has gone is in nobody's way. */
  look(): void
}

/**
 * Long enough for the timer not to be due before the kernel's next tick, when waiting for a request gets dearer. It is
 * no hurry: who is about to hand out an event looks first.
 */
const delayMs = 200

export function watchPolls(environment: Environment): PollWatch {
  let fresh: Poll[] = []
  let latest: Poll | null = null
  const look = (): void => {
    const batch = fresh
    fresh = []
    for (const { answered, call, request } of batch) {
      if (answered) continue
      const { signal } = request
      if (signal.aborted) environment.gone(call)
      else signal.addEventListener('abort', () => environment.gone(call), { once: true })
    }
  }
  const due = new Deadline(() => performance.now(), look)
  return {
    deferred: 0,
    get latest() {
      return latest
    },
    add(poll) {
      latest = poll
      // those that have been answered since are not to be looked at, nor to be kept
      while (fresh.length > 0 && (fresh[fresh.length - 1] as Poll).answered) fresh.pop()
      fresh.push(poll)
      if (!due.armed) due.arm(delayMs)
    },
    look,
    [Symbol.dispose]: () => due[Symbol.dispose](),
  }
}
