/** Every case on both adapters. */

import { describe, expect, test } from 'bun:test'
import { listenWithFetch } from '../../src/http/fetch.ts'
import { listenNatively } from '../../src/http/native.ts'
import { all } from './cases.ts'
import { differences } from './differences.ts'
import { type Open, stand } from './stand.ts'

const unknown = (): never => {
  throw new Error('this Bun has other handles')
}
const adapters: Readonly<Record<'native' | 'fetch', Open>> = {
  native: (at, handlers) => listenNatively(at, handlers, unknown),
  fetch: listenWithFetch,
}

for (const name of ['native', 'fetch'] as const) {
  const own = differences.filter(({ adapter }) => adapter === name)
  describe(name, () => {
    for (const { title, run, hostname } of all) {
      const difference = own.find((one) => one.title === title)
      test(difference === undefined ? title : `differs: ${title} (${difference.why})`, async () => {
        await using made = stand(adapters[name], hostname)
        await (difference?.run ?? run)(made)
      })
    }
  })
}

test('what was answered is written before a listener stops', async () => {
  const made = stand(adapters.native)
  made.handle = () => {}
  const peer = await made.connect()
  peer.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const exchange = await made.exchange()
  exchange.respond(200, [], 'last', true)
  void made.listener.stop()
  await peer.until(/last$/)
})

test('differences are of cases that exist', () => {
  const titles = new Set(all.map(({ title }) => title))
  expect(differences.filter(({ title }) => !titles.has(title))).toEqual([])
})
