/**
 * A parked request for the next event.
 *
 * Poll against the end of the poll before it: a peer that drops its connection and asks again on one that is open
 * already may have its new request read first. The event would go to the dead connection, or an extension would be
 * refused for polling twice. So a poll that finds another one of its peer parked comes into force two turns of the event
 * loop later, when what had arrived before it has been read.
 *
 * An event may come in these two turns, from somebody else, before the end of the old connection is read. It goes to the
 * newer connection, and the older one takes the newer one's place: gone, it is forgotten; alive, it is the second poll.
 */

import type { ApiCallId } from '../core/ids.ts'
import type { Reply } from '../core/lifecycle.ts'
import type { Environment, PendingCall } from '../engine/environment.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { Exchange } from '../http/exchange.ts'

/** What the polls of a runtime, or of one extension, have in common. */
export interface Poller {
  /** Another poll of the same peer that is parked. */
  parked(environment: Environment): ApiCallId | null
  /** Asks for an event. `concurrent`: the other poll is alive, so this one does not ask for a lost event. */
  ask(environment: Environment, poll: Poll, concurrent: boolean): void
  answer(environment: Environment, exchange: Exchange, reply: Reply, invocation: Invocation | undefined): void
}

/** The polls of one listener. */
export interface ListenerPolls {
  /** the last one that came, answered or not */
  latest: Poll | null
  /** polls that have come and are not in force yet */
  deferred: number
}

/** One poll, for as long as it is parked. */
export class Poll implements PendingCall {
  exchange: Exchange
  readonly call: ApiCallId
  /** one of the same peer that has come since and is not in force yet */
  newer: Poll | null = null
  readonly #environment: Environment
  readonly #poller: Poller

  constructor(environment: Environment, exchange: Exchange, poller: Poller) {
    this.#environment = environment
    this.exchange = exchange
    this.#poller = poller
    this.call = environment.newCall()
    this.hold(exchange)
  }

  reply(reply: Reply, invocation?: Invocation): void {
    // A poll is refused when its environment stops. The signals of that step go first: a runtime that gets SIGKILL
    // is not to write about a refusal before it.
    if (reply.kind === 'refused') this.answerLater(reply)
    else {
      if (this.newer !== null) this.giveWay(this.newer)
      this.answer(reply, invocation)
    }
  }

  private giveWay(newer: Poll): void {
    if (newer.exchange.gone) return
    const { exchange } = this
    this.hold(newer.exchange)
    newer.hold(exchange)
  }

  private hold(exchange: Exchange): void {
    this.exchange = exchange
    exchange.onGone = () => this.#environment.gone(this.call)
  }

  private answerLater(reply: Reply): void {
    queueMicrotask(() => this.answer(reply, undefined))
  }

  private answer(reply: Reply, invocation: Invocation | undefined): void {
    this.#poller.answer(this.#environment, this.exchange, reply, invocation)
  }
}

/** Answers when there is an event, without limit; a peer that goes away is forgotten. */
export function poll(
  environment: Environment,
  polls: ListenerPolls,
  exchange: Exchange,
  poller: Poller,
): void {
  const older = poller.parked(environment)
  const parked = new Poll(environment, exchange, poller)
  const before = polls.latest
  polls.latest = parked
  if (older === null && polls.deferred === 0) {
    poller.ask(environment, parked, false)
    return
  }
  const waiting = older === null ? undefined : environment.parked(older)
  defer(environment, polls, parked, { before, older: waiting instanceof Poll ? waiting : null }, poller)
}

interface Earlier {
  /** the last poll of the listener */
  readonly before: Poll | null
  /** the one of the same peer that is parked */
  readonly older: Poll | null
}

/** Polls that come meanwhile are put off as well, so that all keep the order of their arrival. */
function defer(
  environment: Environment,
  polls: ListenerPolls,
  parked: Poll,
  { before, older }: Earlier,
  poller: Poller,
): void {
  polls.deferred++
  if (older !== null) older.newer = parked
  environment.park(parked, parked.call)
  setImmediate(() =>
    setImmediate(() => {
      polls.deferred--
      if (older?.newer === parked) older.newer = null
      const concurrent = before !== null && !before.exchange.gone
      if (environment.withdraw(parked.call)) poller.ask(environment, parked, concurrent)
    }),
  )
}
