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
import type { Reply } from '../core/lifecycle.ts'
import type { Caller, Environment } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { PollWatch } from './watch.ts'

/** What the polls of a runtime, or of one extension, have in common. */
export interface Poller {
  /** another poll of the same peer is parked */
  occupied(environment: Environment): boolean
  /** Asks for an event. `behind` says that the other poll was alive, so this one asks for no event that got lost. */
  ask(environment: Environment, poll: Poll, behind: boolean): void
  answer(environment: Environment, reply: Reply, invocation: Invocation | undefined): Response
}

/** One poll, for as long as it is parked. */
export class Poll implements Caller {
  readonly request: Request
  readonly call: PollId
  answered = false
  readonly #environment: Environment
  readonly #poller: Poller
  readonly #resolve: (response: Response) => void

  constructor(
    environment: Environment,
    request: Request,
    poller: Poller,
    resolve: (response: Response) => void,
  ) {
    this.#environment = environment
    this.request = request
    this.#poller = poller
    this.#resolve = resolve
    this.call = environment.newCall()
  }

  reply(reply: Reply, invocation?: Invocation): void {
    this.answered = true
    this.#resolve(this.#poller.answer(this.#environment, reply, invocation))
  }
}

/** Answers when there is an event, without limit; a peer that goes away is forgotten. */
export function poll(
  environment: Environment,
  watch: PollWatch,
  request: Request,
  poller: Poller,
): Promise<Response> {
  return new Promise((resolve) => {
    const occupied = poller.occupied(environment)
    const parked = new Poll(environment, request, poller, resolve)
    const before = watch.latest
    watch.add(parked)
    if (!occupied && watch.deferred === 0) return poller.ask(environment, parked, false)
    // polls that come meanwhile are put off as well, so that all keep the order of their arrival
    watch.deferred++
    environment.park(parked, parked.call)
    setImmediate(() =>
      setImmediate(() => {
        watch.deferred--
        watch.look()
        const behind = before !== null && !before.request.signal.aborted
        if (environment.withdraw(parked.call)) poller.ask(environment, parked, behind)
      }),
    )
  })
}
