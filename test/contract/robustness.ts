/** Nonsense on either port does no harm to anybody else. */
import { expect } from 'bun:test'
import { Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { invokePath } from './emulator.ts'

type Door = 'gateway' | 'api'
const doors: readonly Door[] = ['gateway', 'api']

const path: Record<Door, string> = { gateway: '/nowhere', api: '/2018-06-01/runtime/init/error' }

/** What is thrown at a port. Whatever comes back, the next invocation must work. */
const nonsense: Record<string, (path: string) => string | Uint8Array> = {
  'bytes that are no HTTP': () => Uint8Array.from({ length: 4096 }, (_, index) => (index * 37) % 256),
  'an empty line': () => '\r\n\r\n',
  'half a request line': (path) => `POST ${path}`,
  'half a header': (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Le`,
  'a length that is no number': (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n`,
  'a negative length': (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n`,
  'two lengths': (path) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}`,
  'a chunk of no size': (path) =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
  'a protocol of the future': (path) => `POST ${path} HTTP/9.9\r\nHost: x\r\n\r\n`,
  'a path that cannot be decoded': () => 'GET /%zz%00%ff HTTP/1.1\r\nHost: x\r\n\r\n',
  'a path of 100 KB': () => `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a method that nobody knows': (path) => `BREW ${path} HTTP/1.1\r\nHost: x\r\n\r\n`,
  'a header of 3 MB': (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(3_000_000)}\r\n\r\n`,
  'ten thousand headers': (path) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 10_000 }, (_, n) => `X-${n}: y\r\n`).join('')}\r\n`,
  'a greeting of TLS': () => Buffer.from('16030100c8010000c40303', 'hex'),
}

async function works(rie: Emulator): Promise<void> {
  const { answer } = await rie.exchange('"still"', '"here"')
  expect([answer.status, answer.text]).toEqual([200, '"here"'])
}

export const robustness = chapter('Robustness', (it) => {
  for (const door of doors) {
    for (const [kind, what] of Object.entries(nonsense)) {
      it(`survives ${kind} on the ${door}`, async ({ start }) => {
        await using rie = await start()
        using wire = await Wire.open(rie[door])
        wire.send(what(path[door]))
        await rie.settle()
        wire.finish()
        await works(rie)
      })
    }

    it(`survives a hundred connections that say nothing on the ${door}`, async ({ start }) => {
      await using rie = await start()
      using wires = new DisposableStack()
      for (let n = 0; n < 100; n++) wires.use(await Wire.open(rie[door]))
      await works(rie)
    })

    it(`survives connections that are dropped in the middle of a request on the ${door}`, async ({
      start,
    }) => {
      await using rie = await start()
      for (let n = 0; n < 30; n++) {
        const wire = await Wire.open(rie[door])
        wire.send(
          `POST ${path[door]} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(n * 30)}`,
        )
        wire[Symbol.dispose]()
      }
      await rie.settle()
      await works(rie)
    })

    it(`takes a request that comes byte by byte on the ${door}`, async ({ start }) => {
      await using rie = await start()
      using wire = await Wire.open(rie[door])
      for (const byte of `GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n`) {
        wire.send(byte)
        await Bun.sleep(0)
      }
      expect((await wire.answer()).status).toBe(404)
    })

    it(`answers pipelined requests in their order on the ${door}`, async ({ start }) => {
      await using rie = await start()
      using wire = await Wire.open(rie[door])
      const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
      const expected = door === 'api' ? [200, 404, 200] : [404, 404, 404]
      wire.send(one('/2018-06-01/ping') + one('/nowhere') + one('/2018-06-01/ping'))
      const statuses: number[] = []
      for (const _ of expected) statuses.push((await wire.answer()).status)
      expect(statuses).toEqual(expected)
    })
  }

  it('survives callers that go away by the dozen while an invocation runs', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('"mine"')
    const event = await rie.next()
    for (let n = 0; n < 24; n++) {
      const wire = await Wire.open(rie.gateway)
      wire.send(`POST ${invokePath} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{`)
      wire[Symbol.dispose]()
    }
    await rie.respond(event.id, '"done"')
    rie.park()
    expect((await call).text).toBe('"done"')
    await works(rie)
  })

  it('survives callers that go away while they wait in the queue', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('"first"')
    const event = await rie.next()
    const wire = await Wire.open(rie.gateway)
    wire.send(`POST ${invokePath} HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n"queued"`)
    await rie.settle()
    wire[Symbol.dispose]()
    await rie.settle()
    await rie.respond(event.id)
    rie.park()
    await call
    expect((await rie.reply()).text).toBe('"queued"')
    await works(rie)
  })
})
