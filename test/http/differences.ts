/** What an adapter does otherwise than a case says, with the reason. */

import { expect } from 'bun:test'
import type { Fields } from '../../src/http/exchange.ts'
import { until } from '../harness.ts'
import { bodyOf, read, type Stand } from './stand.ts'

export interface Difference {
  readonly adapter: 'native' | 'fetch'
  readonly title: string
  readonly why: string
  /** what it does */
  run(stand: Stand): Promise<void>
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

export const differences: readonly Difference[] = [
  {
    adapter: 'native',
    title: 'a target beyond ASCII arrives as its bytes',
    why: 'Bun’s parser for node:http refuses it, as Node’s does',
    async run(stand) {
      const target = Buffer.from('/café').toString('latin1')
      expect(await stand.ask(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`)).toStartWith('HTTP/1.1 400 ')
      expect(stand.exchanges).toEqual([])
    },
  },
  {
    adapter: 'fetch',
    title: 'a header may be sent twice',
    why: 'Set-Cookie goes out in lower case, the only header that may be sent twice',
    async run(stand) {
      stand.handle = (exchange) => exchange.respond(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
      expect(await stand.ask(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toContain(
        'set-cookie: a=1\r\nset-cookie: b=2\r\n',
      )
    },
  },
  {
    adapter: 'fetch',
    title: 'a stream for HEAD has no length',
    why: 'a Response without a body has the length 0',
    async run(stand) {
      stand.handle = (exchange) => exchange.stream(200, [])?.end()
      expect(await stand.ask('HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toMatch(
        /\r\ncontent-length: 0\r\n/i,
      )
    },
  },
  {
    adapter: 'fetch',
    title: 'dot segments are kept',
    why: 'the address is made canonical',
    async run(stand) {
      stand.handle = (exchange) => exchange.respond(200, [], exchange.target)
      const answer = await stand.ask('GET /a/../b/./c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      expect(bodyOf(answer)).toBe('/b/c')
    },
  },
  {
    adapter: 'fetch',
    title: 'all headers are there as they were sent, those that came twice apart',
    why: 'Headers has names in lower case, and joins what came twice',
    async run(stand) {
      let headers: Fields = []
      stand.handle = (exchange) => {
        headers = exchange.headers
        exchange.respond(200, [])
      }
      await stand.ask('GET / HTTP/1.1\r\nHost: x\r\nX-a: 1\r\nx-A: 2\r\nConnection: close\r\n\r\n')
      expect(headers.toSorted()).toEqual(['host', 'x', 'x-a', '1, 2', 'connection', 'close'].toSorted())
    },
  },
  {
    adapter: 'fetch',
    title: 'control characters in a header or a target get a 400',
    why: 'DEL is let through',
    async run(stand) {
      const head = (value: string): string =>
        `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: a${value}b\r\n\r\n`
      expect(await stand.ask(head('\x01'))).toStartWith('HTTP/1.1 400 ')
      expect(await stand.ask(head('\x7f'))).toStartWith('HTTP/1.1 200 ')
    },
  },
  {
    adapter: 'fetch',
    title: 'CONNECT is answered, and its connection ends',
    why: 'Bun keeps the connection as a tunnel',
    async run(stand) {
      stand.handle = (exchange) => exchange.respond(405, ['Allow', 'POST'], 'no')
      const peer = await stand.connect()
      peer.send('CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n')
      await peer.until('HTTP/1.1 405 ')
    },
  },
  {
    adapter: 'fetch',
    title: 'Expect: 100-continue is answered when the body is read, in any letter case',
    why: 'Bun answers it by itself, in lower case only',
    async run(stand) {
      stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], text))
      const peer = await stand.connect()
      peer.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
      expect(await peer.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
      peer.send('ab')
      await peer.until(/ab$/)
      peer.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n')
      await stand.exchange(1)
      peer.send('cd')
      await peer.until(/cd$/)
      expect(peer.received.match(/ 100 /g)).toHaveLength(1)
    },
  },
  {
    adapter: 'fetch',
    title: 'who expects to be told to go on, and is refused, sends no body',
    why: 'Bun tells to go on before anybody is asked',
    async run(stand) {
      stand.handle = (exchange) => exchange.respond(413, [], 'no')
      const peer = await stand.connect()
      peer.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
      await peer.until(/no$/)
      expect(peer.received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 413 /)
    },
  },
  {
    adapter: 'fetch',
    title: 'trailers are the reader’s, and the connection goes on',
    why: 'they are taken for the next request, which gets a 400; that some came is told',
    async run(stand) {
      const seen: (Fields | null)[] = []
      stand.handle = (exchange) => {
        read(exchange, ({ text, trailers }) => {
          seen.push(trailers)
          exchange.respond(200, [], text)
        })
      }
      const peer = await stand.connect()
      peer.send(
        'POST / HTTP/1.1\r\nHost: x\r\nTrailer: X-End\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-End: b\r\n\r\n',
      )
      await peer.ended()
      await until('the end of the body', () => seen.length > 0)
      expect(seen).toEqual([null])
      expect(peer.received).toStartWith('HTTP/1.1 400 ')
    },
  },
  {
    adapter: 'fetch',
    title: 'HTTP/1.0: the connection ends with the answer, and a stream has no frames',
    why: 'which version was spoken is not told',
    async run(stand) {
      stand.handle = (exchange) => exchange.respond(200, [], exchange.protocol)
      expect(await stand.ask('GET / HTTP/1.0\r\n\r\n')).toEndWith('\r\n\r\nHTTP/1.1')
    },
  },
  {
    adapter: 'fetch',
    title: 'HTTP/1.0 is never told to go on',
    why: 'Bun tells everybody',
    async run(stand) {
      stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], text))
      const answer = await stand.ask('POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab')
      expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
    },
  },
  {
    adapter: 'fetch',
    title: 'an empty line after a body is no request',
    why: 'it is taken for a bad one, and the connection ends',
    async run(stand) {
      stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], `<${text}>`))
      const answer = await stand.ask('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none\r\n')
      expect(answer).toEndWith('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    },
  },
  ...[
    'a request behind one that waits is answered after it, whichever answer comes first',
    'requests that are sent together may have large, streamed and empty answers',
    'whoever leaves takes the requests behind the first one along',
    'a hundred requests at once that all wait are cut off',
  ].map(
    (title): Difference => ({
      adapter: 'fetch',
      title,
      why: 'Bun gives up a request that waits when another one comes behind it, and answers neither',
      async run(stand) {
        stand.handle = () => {}
        const peer = await stand.connect()
        peer.send(get + get)
        const first = await stand.exchange()
        await until('it to be gone', () => first.gone)
        expect(first.respond(200, [], 'first')).toBe(false)
        expect(stand.exchanges).toHaveLength(1)
      },
    }),
  ),
  {
    adapter: 'fetch',
    title: 'a stream goes out as it is written',
    why: 'the head goes out with the first piece',
    async run(stand) {
      stand.handle = () => {}
      const peer = await stand.connect()
      peer.send(get)
      const stream = (await stand.exchange()).stream(200, ['Content-Type', 'text/plain'])
      stream?.write(Buffer.from('first'))
      await peer.until('5\r\nfirst\r\n')
      stream?.write(Buffer.from('second'))
      await peer.until('6\r\nsecond\r\n')
      stream?.end()
      await peer.until(/0\r\n\r\n$/)
    },
  },
  {
    adapter: 'fetch',
    title: 'a stream has trailers, if it is given some',
    why: 'there is no way to send them',
    async run(stand) {
      stand.handle = (exchange) => {
        const stream = exchange.stream(200, [])
        stream?.write(Buffer.from('body'))
        stream?.end(['X-End', 'well'])
      }
      const peer = await stand.connect()
      peer.send(get)
      await peer.until(/body/)
    },
  },
  {
    adapter: 'fetch',
    title: 'slow readers of large answers take little memory',
    why: 'Bun joins the pieces for each of them',
    async run(stand) {
      const body = Array.from({ length: 12 }, () => Buffer.alloc(500_000, 'x'))
      stand.handle = (exchange) => exchange.respond(200, [], body)
      const peer = await stand.connect()
      peer.keeps = false
      peer.stall()
      peer.send(get)
      await stand.exchange()
      peer.go()
      await until('all of it', () => peer.bytes > 6_000_000)
    },
  },
]
