import { describe, expect, test } from 'bun:test'
import { Deliveries } from '../../src/destinations/deliveries.ts'
import { fakeLog, realClock } from '../engine/fakes.ts'
import { stopwatch, until } from '../harness.ts'

const never = new Promise<void>(() => {})

/** A destination that does with each try what it is told. */
function staged(onTry: (id: string, count: number) => Promise<void> | void) {
  const tries: string[] = []
  const done: boolean[] = []
  const log = fakeLog()
  const deliveries = new Deliveries({
    destination: 'there',
    clock: realClock,
    log,
    done: (delivered) => done.push(delivered),
    async send({ id }) {
      tries.push(id)
      await onTry(id, tries.filter((one) => one === id).length)
    },
  })
  const errors = (): unknown[] =>
    log.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)
  const deliver = (id: string, record = '{}'): void => deliveries.deliver({ id, traceId: 'Root=1', record })
  return { deliveries, deliver, tries, done, errors }
}

function throws(message: string): never {
  throw new Error(message)
}

describe('a record', () => {
  test('that is taken is delivered once', async () => {
    const { deliveries, deliver, tries, done, errors } = staged(() => {})
    deliver('a')
    await deliveries.idle()
    expect([tries, done, errors()]).toEqual([['a'], [true], []])
  })

  test('that is refused is tried three times, a second and two later, and then told with its id', async () => {
    using watch = stopwatch()
    const tries: { readonly at: number; readonly own: number }[] = []
    const { deliveries, deliver, done, errors } = staged(() => {
      tries.push({ at: performance.now(), own: watch.elapsed() })
      throws('it is full')
    })
    deliver('a')
    await deliveries.idle()
    expect([done, errors()]).toEqual([
      [false],
      [{ requestId: 'a', destination: 'there', reason: 'it is full' }],
    ])
    for (const [index, pauseMs] of [1000, 2000].entries()) {
      const [before, after] = tries.slice(index, index + 2) as [(typeof tries)[0], (typeof tries)[0]]
      expect(after.at - before.at).toBeGreaterThanOrEqual(pauseMs - 5)
      expect(after.own - before.own).toBeLessThan(pauseMs * 2)
    }
  })

  test('does not wait for one that is tried again', async () => {
    const { deliveries, deliver, done, tries } = staged((id, count) => {
      if (id === 'slow' && count === 1) throws('not yet')
    })
    deliver('slow')
    deliver('quick')
    await until('the quick one', () => done.length === 1)
    expect(tries).toEqual(['slow', 'quick'])
    await deliveries.idle()
    expect(tries).toEqual(['slow', 'quick', 'slow'])
  })

  test('waits its turn where sixteen are under way', async () => {
    const gates: (() => void)[] = []
    const { deliveries, deliver, tries, done } = staged(
      () => new Promise<void>((resolve) => gates.push(resolve)),
    )
    for (let count = 0; count < 18; count++) deliver(`${count}`)
    await until('sixteen', () => tries.length === 16)
    gates.shift()!()
    await until('the next', () => tries.length === 17)
    expect(tries.at(-1)).toBe('16')
    while (done.length < 18) {
      gates.shift()?.()
      await Bun.sleep(0)
    }
    await deliveries.idle()
    expect(new Set(tries).size).toBe(18)
  })

  test('that would be too much is told at once', async () => {
    const { deliver, errors, tries } = staged(() => never)
    const big = 'x'.repeat(32 * 1024 * 1024)
    for (const id of ['a', 'b', 'c']) deliver(id, big)
    await until('two', () => tries.length === 2)
    expect(errors()).toEqual([
      { requestId: 'c', destination: 'there', reason: 'too many records wait for this destination' },
    ])
  })
})

describe('at the end', () => {
  test('those that hang, those that wait for their turn or another try, and those that come later are told', async () => {
    const { deliveries, deliver, errors, tries } = staged((id) => (id === 'refused' ? throws('no') : never))
    deliver('refused')
    for (let count = 0; count < 18; count++) deliver(`${count}`)
    await until('sixteen and one', () => tries.length === 17)
    await deliveries.drain(0, never)
    deliver('late')
    const told = errors() as { requestId: string; reason: string }[]
    expect(told.map(({ requestId }) => requestId)).toEqual([
      'refused',
      ...Array.from({ length: 18 }, (_, index) => `${index}`),
      'late',
    ])
    expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set(['the emulator has stopped']))
    await deliveries.idle()
  })

  test('what is under way has its time, and no more where somebody hurries', async () => {
    const gate = Promise.withResolvers<void>()
    const one = staged(() => gate.promise)
    one.deliver('a')
    const drained = one.deliveries.drain(60_000, never)
    gate.resolve()
    await drained
    expect([one.done, one.errors()]).toEqual([[true], []])
    const other = staged(() => never)
    other.deliver('b')
    await other.deliveries.drain(60_000, Promise.resolve())
    expect(other.errors()).toHaveLength(1)
  })
})
