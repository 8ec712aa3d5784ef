/** The poll that a peer makes on a new connection, against the end of the one before and an event from somebody else. */

import { describe, expect, test } from 'bun:test'
import type { ListenerPolls } from '../../src/api/poll.ts'
import { next } from '../../src/api/runtime.ts'
import { invocation, type Stage, stage } from '../engine/fakes.ts'
import { FakeExchange } from '../http/fake.ts'

interface Polling extends Stage {
  readonly first: FakeExchange
  readonly second: FakeExchange
}

/** A runtime has polled twice, on two connections; the second poll is not in force yet. */
function polledTwice(): Polling {
  const staged = stage()
  staged.environment.dispatch({ type: 'start' })
  const polls: ListenerPolls = { latest: null, deferred: 0 }
  const [first, second] = [new FakeExchange(), new FakeExchange()]
  next(staged.environment, polls, first)
  next(staged.environment, polls, second)
  return { ...staged, first, second }
}

/** The polls that the rules know. */
function parked({ environment: { state } }: Stage): number | null {
  return state.phase === 'serving' ? state.polls.length : null
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function inForce(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await turn()
}

const id = '11111111-1111-4111-8111-111111111111'
const other = '22222222-2222-4222-8222-222222222222'

describe('an event, while a poll on a new connection is not in force', () => {
  test('goes to the new connection, whose end of the old one is read after it', async () => {
    const staged = polledTwice()
    staged.environment.invoke(invocation(id))
    expect([staged.first.answer, staged.second.answer?.status]).toEqual([null, 200])
    staged.first.leave()
    await inForce()
    expect(parked(staged)).toBe(0)
    expect(staged.first.answer).toBeNull()
  })

  test('goes to the new connection, when the end of the old one was read before it', async () => {
    const staged = polledTwice()
    staged.first.leave()
    staged.environment.invoke(invocation(id))
    await inForce()
    expect([staged.first.answer, staged.second.answer?.status]).toEqual([null, 200])
    expect(parked(staged)).toBe(0)
  })

  test('leaves the old connection, if it lives, as a second poll, which has not lost the event', async () => {
    const staged = polledTwice()
    staged.environment.invoke(invocation(id))
    await inForce()
    expect([staged.first.answer, staged.second.answer?.status]).toEqual([null, 200])
    expect(parked(staged)).toBe(1)
    staged.first.leave()
    expect(parked(staged)).toBe(0)
  })

  test('goes to the old connection, when the new one has gone already', async () => {
    const staged = polledTwice()
    staged.second.leave()
    staged.environment.invoke(invocation(other))
    expect([staged.first.answer?.status, staged.second.answer]).toEqual([200, null])
    await inForce()
    expect(parked(staged)).toBe(0)
  })
})
