/** What the good subscriber of the fault run takes for the same delivery, and what for a record that was made twice. */
import { expect, test } from 'bun:test'
import { Subscribers } from './subscribers.ts'

const report = (id: string, time: string): string =>
  JSON.stringify({ time, type: 'platform.report', record: { requestId: id } })

test('a delivery whose answer came too late is made again, and is the same to the byte', async () => {
  using subscribers = await Subscribers.open()
  const body = `[${report('a', '1')},${report('b', '1')}]`
  subscribers.take(body)
  subscribers.take(`[${report('c', '2')}]`)
  subscribers.take(body)
  expect([subscribers.problems, subscribers.taken]).toEqual([[], 3])
})

test('a report in two deliveries, or twice in one, is a problem', async () => {
  using subscribers = await Subscribers.open()
  subscribers.take(`[${report('a', '1')}]`)
  subscribers.take(`[${report('a', '1')},${report('b', '1')}]`)
  subscribers.take(`[${report('c', '1')},${report('c', '1')}]`)
  expect(subscribers.problems).toEqual(['2 reports of a were delivered', '2 reports of c were delivered'])
})
