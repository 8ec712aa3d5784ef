/**
 * A parked request for the next event.
 *
 * Poll against the end of the poll before it: a peer that drops its connection and asks again on a new one has its new
 * request seen first every now and then, although the end of the old connection reached this machine before it. The
 * event would go to the dead connection, or an extension would be refused for polling twice. So a poll that finds
 * another one of its peer parked comes into force two turns of the event loop later, when what had arrived before it
 * has been seen.
 */

import type { PollId } from '../core/ids.ts'
import type { Event, Reply } from '../core/lifecycle.ts'
import type { Environment } from '../engine/environment.ts'
import type { PollWatch } from './watch.ts'

export interface PollParts {
  /** another poll of the same peer is parked */
  readonly occupied: boolean
  /** `behind` says that the other poll was alive, so this one asks for no event that got lost */
  event(call: PollId, behind: boolean): Event
  answer(reply: Reply): Response
}

/** Answers when there is an event, without limit; a peer that goes away is forgotten. */
export function poll(
  environment: Environment,
  watch: PollWatch,
  request: Request,
  parts: PollParts,
): Promise<Response> {
  return new Promise((resolve) => {
    const call = environment.open((reply) => resolve(parts.answer(reply)))
    const before = watch.latest
    watch.add(call, request)
    if (!parts.occupied && watch.deferred === 0) return environment.dispatch(parts.event(call, false))
    // polls that come meanwhile are put off as well, so that all keep the order of their arrival
    watch.deferred++
    setImmediate(() =>
      setImmediate(() => {
        watch.deferred--
        watch.look()
        const behind = before !== null && !before.signal.aborted
        if (environment.waits(call)) environment.dispatch(parts.event(call, behind))
      }),
    )
  })
}
