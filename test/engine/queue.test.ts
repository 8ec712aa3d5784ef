import { describe, expect, test } from 'bun:test'
import { InvocationQueue, type Waiting } from '../../src/engine/queue.ts'
import { invocation, requestId } from './fakes.ts'

const waiting = (name: string, since: number, asynchronous = false): Waiting => ({
  invocation: { ...invocation(name), asynchronous },
  since,
})
const seen = (queue: InvocationQueue): string[] =>
  [...queue].map(({ invocation: { id }, since }) => `${id} since ${since}`)

describe('what waits for an environment', () => {
  test('is gone through in the order of its arrival, and counted by whether somebody waits for it', () => {
    const queue = new InvocationQueue()
    const [event, first, second] = [waiting('event', 1, true), waiting('first', 2), waiting('second', 3)]
    for (const one of [event, first, second]) queue.add(one)
    expect(seen(queue)).toEqual(['event since 1', 'first since 2', 'second since 3'])
    expect([queue.size, queue.withCaller]).toEqual([3, 2])
    expect(queue.oldest).toBe(first)
    expect([queue.hasId(requestId('second')), queue.hasId(requestId('third'))]).toEqual([true, false])
    expect(queue.find(second.invocation)).toBe(second)
  })

  test('leaves once: one that never waited, or has left, changes no count', () => {
    const queue = new InvocationQueue()
    const [event, other] = [waiting('event', 1, true), waiting('other', 2, true)]
    queue.add(event)
    expect([queue.remove(other), queue.remove(event), queue.remove(event)]).toEqual([false, true, false])
    expect([queue.size, queue.withCaller, queue.oldest]).toEqual([0, 0, undefined])
  })

  test('goes behind what an environment gives back, which keeps its order and arrives anew', () => {
    const queue = new InvocationQueue()
    queue.add(waiting('later', 5))
    queue.giveBack(waiting('one', 1).invocation)
    queue.giveBack(waiting('event', 2, true).invocation)
    expect([queue.gaveBack, queue.size]).toEqual([true, 1])
    queue.takeBack(9)
    expect(seen(queue)).toEqual(['one since 9', 'event since 9', 'later since 5'])
    expect([queue.gaveBack, queue.withCaller]).toEqual([false, 2])
  })

  test('may leave while it is gone through, and be followed by what comes then', () => {
    const queue = new InvocationQueue()
    const [first, second] = [waiting('first', 1), waiting('second', 2)]
    queue.add(first)
    queue.add(second)
    const visited: string[] = []
    for (const one of queue) {
      visited.push(one.invocation.id)
      queue.remove(one)
      if (one === first) queue.add(waiting('third', 3))
    }
    expect(visited.map(String)).toEqual(['first', 'second', 'third'])
    expect(queue.size).toBe(0)
  })
})
