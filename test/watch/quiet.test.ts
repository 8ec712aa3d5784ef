import { expect, test } from 'bun:test'
import { Quiet } from '../../src/watch/quiet.ts'
import { until } from '../harness.ts'

/** A quiet whose ends are counted. */
function counted(quietMs: (told: ReadonlySet<string>) => number, limitMs = 60_000) {
  const ends: (readonly string[])[] = []
  const quiet = new Quiet<string>({ quietMs, limitMs, done: (told) => ends.push(told) })
  return { quiet, ends }
}

test('what is told before the end is told together, each once', async () => {
  const { quiet, ends } = counted(() => 20)
  for (const what of ['a', 'b', 'a']) quiet.tell(what)
  await until('the end', () => ends.length > 0)
  quiet.tell('c')
  await until('the next end', () => ends.length > 1)
  expect(ends).toEqual([['a', 'b'], ['c']])
})

test('the wait is asked for with each change, of all that was told', () => {
  const asked: string[][] = []
  const { quiet } = counted((told) => {
    asked.push([...told])
    return 60_000
  })
  using _ = quiet
  quiet.tell('a')
  quiet.tell('b')
  expect(asked).toEqual([['a'], ['a', 'b']])
})

test('it ends at the limit, also where the changes do not', async () => {
  const { quiet, ends } = counted(() => 60_000, 30)
  using _ = quiet
  const changes = setInterval(() => quiet.tell('a'), 1)
  await until('the end', () => ends.length > 0)
  clearInterval(changes)
  expect(ends[0]).toEqual(['a'])
})

test('changes that wait to be told, because the process had no CPU, come before the end', async () => {
  const { quiet, ends } = counted(() => 20)
  quiet.tell('a')
  // the timer is due when this ends, and so is what tells of the next change
  const end = performance.now() + 60
  while (performance.now() < end);
  setTimeout(() => quiet.tell('b'), 0)
  await until('the end', () => ends.length > 0)
  expect(ends).toEqual([['a', 'b']])
})

test('nothing is told after it is disposed', async () => {
  const { quiet, ends } = counted(() => 0)
  quiet.tell('a')
  quiet[Symbol.dispose]()
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(ends).toEqual([])
})
