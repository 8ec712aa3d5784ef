/** What an exchange promises, as cases that both adapters are held to. What one of them does otherwise is in `differences.ts`. */

import { expect } from 'bun:test'
import type { Body, Fields, ResponseStream } from '../../src/http/exchange.ts'
import { until } from '../harness.ts'
import { answers, bodyOf, read, type Stand, turns } from './stand.ts'

export interface Case {
  readonly title: string
  run(stand: Stand): Promise<void>
  /** the address that is listened on; 127.0.0.1 unless it says so */
  readonly hostname?: string
}

const cases: Case[] = []
const check = (title: string, run: (stand: Stand) => Promise<void>, hostname?: string): void => {
  cases.push(hostname === undefined ? { title, run } : { title, run, hostname })
}

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const getAndClose = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
const post = (body: string, headers = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`
const chunked = (body: string, headers = '', trailers = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\n${headers}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n${trailers}\r\n`

// answers

check(
  'an answer has the headers that it was given, in their spelling, its length and a date',
  async (stand) => {
    stand.handle = (exchange) => exchange.respond(202, ['X-oDD-name', 'Value', 'Content-Type', 'a/b'], 'body')
    const answer = await stand.ask(getAndClose)
    expect(answer).toStartWith('HTTP/1.1 202 Accepted\r\n')
    expect(answer).toContain('\r\nX-oDD-name: Value\r\n')
    expect(answer).toContain('\r\nContent-Type: a/b\r\n')
    expect(answer).toMatch(/\r\ncontent-length: 4\r\n/i)
    expect(answer).toMatch(/\r\ndate: \w{3}, \d\d \w{3} \d{4} /i)
    expect(answer.match(/content-length/gi)).toHaveLength(1)
    expect(bodyOf(answer)).toBe('body')
  },
)

check('a body is text, bytes, or a list of bytes', async (stand) => {
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  const bodies: (Body | undefined)[] = [
    undefined,
    '',
    new Uint8Array(0),
    [],
    [new Uint8Array(0)],
    'ä',
    bytes('bytes'),
    [bytes('one')],
    [bytes('o'), new Uint8Array(0), bytes('ne')],
    'l'.repeat(100_000),
    [bytes('a'.repeat(50_000)), bytes('b'.repeat(50_000))],
  ]
  const got: string[] = []
  for (const body of bodies) {
    stand.handle = (exchange) => exchange.respond(200, [], body)
    const answer = await stand.ask(getAndClose)
    const length = Number(/content-length: (\d+)/i.exec(answer)?.[1])
    expect(bodyOf(answer)).toHaveLength(length)
    got.push(Buffer.from(bodyOf(answer), 'latin1').toString())
  }
  const long = ['l'.repeat(100_000), 'a'.repeat(50_000) + 'b'.repeat(50_000)]
  expect(got).toEqual(['', '', '', '', '', 'ä', 'bytes', 'one', 'one', ...long])
})

check('a header may be sent twice', async (stand) => {
  stand.handle = (exchange) => exchange.respond(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
  expect(await stand.ask(getAndClose)).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n')
})

check('an answer to HEAD has a length and no body', async (stand) => {
  const peer = await stand.connect()
  for (const body of ['text', Buffer.from('text'), [Buffer.from('te'), Buffer.from('xt')]]) {
    stand.handle = (exchange) => exchange.respond(200, ['X', 'y'], body)
    peer.send('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n')
    await peer.until(/\r\n\r\n$/)
    expect(peer.received).toMatch(/content-length: 4\r\n/i)
    peer.received = ''
  }
  stand.handle = (exchange) => {
    const stream = exchange.stream(200, ['X', 'y'])
    stream?.write(Buffer.from('lost'))
    stream?.end()
  }
  peer.send('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n')
  await peer.until(/\r\n\r\n$/)
  // the connection goes on: nothing but heads was sent
  stand.handle = (exchange) => exchange.respond(200, [], 'last')
  peer.send(get)
  await peer.until(/last$/)
  expect(peer.received).not.toContain('lost')
})

check('a stream for HEAD has no length', async (stand) => {
  stand.handle = (exchange) => exchange.stream(200, [])?.end()
  const answer = await stand.ask('HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/\r\ntransfer-encoding: chunked\r\n/i)
  expect(answer).not.toMatch(/content-length/i)
})

check('a stream for HEAD ends with its head: no chunk, not the last one either', async (stand) => {
  stand.handle = (exchange) => {
    const stream = exchange.stream(200, ['X', 'y'])
    stream?.write(Buffer.from('lost'))
    stream?.end()
  }
  const peer = await stand.connect()
  peer.send('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n')
  await peer.until(/\r\n\r\n/)
  stand.handle = (exchange) => exchange.respond(200, [], 'last')
  peer.send(get)
  await peer.until(/last$/)
  expect(bodyOf(peer.received)).toStartWith('HTTP/1.1 200 ')
})

check('204 and 304 have no body', async (stand) => {
  for (const status of [204, 304]) {
    for (const body of [
      undefined,
      'short',
      'long'.repeat(10_000),
      [Buffer.from('in'), Buffer.from('pieces')],
    ]) {
      stand.handle = (exchange) => exchange.respond(status, [], body)
      expect(bodyOf(await stand.ask(getAndClose))).toBe('')
    }
  }
})

check('the first answer counts; a second one is refused', async (stand) => {
  const said: (boolean | null | ResponseStream)[] = []
  stand.handle = (exchange) => {
    said.push(
      exchange.respond(200, [], 'first'),
      exchange.respond(200, [], 'second'),
      exchange.stream(200, []),
    )
  }
  expect(bodyOf(await stand.ask(getAndClose))).toBe('first')
  expect(said).toEqual([true, false, null])
})

check('an answer may come later, from outside of the handler', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get)
  const exchange = await stand.exchange()
  expect(exchange.respond(200, [], 'late')).toBe(true)
  await peer.until(/late$/)
})

for (const [what, fields] of [
  ['a line break in a value', ['X-Bad', 'a\r\nX-Injected: 1']],
  ['a line feed in a value', ['X-Bad', 'a\nb']],
  ['a NUL in a value', ['X-Bad', 'a\0b']],
  ['a character beyond Latin-1', ['X-Bad', '€']],
  ['a line break in a name', ['X-Bad\r\nX-Injected', '1']],
  ['a blank in a name', ['X Bad', '1']],
  ['an empty name', ['', '1']],
] as const) {
  check(`${what} is refused: a 500, and the reason is told`, async (stand) => {
    stand.handle = (exchange) => exchange.respond(200, fields, 'body')
    const answer = await stand.ask(getAndClose)
    expect(answer).toStartWith('HTTP/1.1 500 ')
    expect(answer).not.toContain('Injected')
    expect(stand.errors).toHaveLength(1)
    expect(stand.errors[0]).toStartWith('TypeError: ')
  })
}

check('headers of a stream are checked as well', async (stand) => {
  const said: (ResponseStream | null)[] = []
  stand.handle = (exchange) => said.push(exchange.stream(200, ['X-Bad', 'a\r\nX-Injected: 1']))
  expect(await stand.ask(getAndClose)).toStartWith('HTTP/1.1 500 ')
  expect(said).toEqual([null])
  expect(stand.errors).toHaveLength(1)
})

check('Latin-1 goes out as it is', async (stand) => {
  stand.handle = (exchange) => exchange.respond(200, ['X-Latin', 'é\tÿ'])
  expect(await stand.ask(getAndClose)).toContain('X-Latin: é\tÿ\r\n')
})

check('a text goes out in UTF-8, and half a surrogate pair as the character for it', async (stand) => {
  stand.handle = (exchange) => exchange.respond(200, [], 'é€😀a\ud800b')
  const answer = await stand.ask(getAndClose)
  expect(answer).toContain('Content-Length: 14\r\n')
  expect(answer).toEndWith(Buffer.from('é€😀a\ufffdb').toString('latin1'))
})

// failures

check('a handler that throws is told, and its peer gets a 500', async (stand) => {
  stand.handle = () => {
    throw new Error('broken handler')
  }
  const answer = await stand.ask(getAndClose)
  expect(answer).toStartWith('HTTP/1.1 500 ')
  expect(stand.errors).toEqual(['Error: broken handler'])
})

check('whoever is told of a failure may answer it', async (stand) => {
  stand.answerFailure = (exchange) => exchange.respond(503, [], 'sorry')
  stand.handle = () => {
    throw new Error('broken handler')
  }
  const answer = await stand.ask(getAndClose)
  expect(answer).toStartWith('HTTP/1.1 503 ')
  expect(bodyOf(answer)).toBe('sorry')
})

check('a reader that throws is told, at a piece and at the end', async (stand) => {
  const fail = (): never => {
    throw new Error('broken reader')
  }
  for (const reader of [
    { chunk: fail, end() {} },
    { chunk() {}, end: fail },
  ]) {
    stand.handle = (exchange) => exchange.read(reader)
    expect(await stand.ask(post('body', 'Connection: close\r\n'))).toStartWith('HTTP/1.1 500 ')
  }
  expect(stand.errors).toEqual(['Error: broken reader', 'Error: broken reader'])
})

check('whoever throws when a peer has gone is told', async (stand) => {
  stand.handle = (exchange) => {
    exchange.onGone = () => {
      throw new Error('broken listener')
    }
  }
  const peer = await stand.connect()
  peer.send(get)
  await stand.exchange()
  peer.leave()
  await until('the failure', () => stand.errors.length > 0)
  expect(stand.errors).toEqual(['Error: broken listener'])
})

// requests

check('method, target and version are as they were sent', async (stand) => {
  const seen: string[] = []
  stand.handle = (exchange) => {
    seen.push(`${exchange.method} ${exchange.target}`)
    exchange.respond(200, [])
  }
  const targets = ['/', '/a%2Fb?c=%20&d', '/a//b', '/?', '/a?b=/../c']
  for (const target of targets)
    await stand.ask(`PUT ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  expect(seen).toEqual(targets.map((target) => `PUT ${target}`))
})

check('dot segments are kept', async (stand) => {
  const seen: string[] = []
  stand.handle = (exchange) => {
    seen.push(exchange.target)
    exchange.respond(200, [])
  }
  await stand.ask('GET /a/../b/./c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  expect(seen).toEqual(['/a/../b/./c'])
})

check('of a full address, path and query are the target', async (stand) => {
  const seen: string[] = []
  stand.handle = (exchange) => {
    seen.push(exchange.target)
    exchange.respond(200, [])
  }
  for (const target of ['http://other/a?b', 'http://other:81/']) {
    await stand.ask(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  }
  expect(seen).toEqual(['/a?b', '/'])
})

check('a target beyond ASCII arrives as its bytes', async (stand) => {
  const seen: string[] = []
  stand.handle = (exchange) => {
    seen.push(exchange.target)
    exchange.respond(200, [])
  }
  const target = Buffer.from('/café').toString('latin1')
  expect(await stand.ask(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toStartWith(
    'HTTP/1.1 200 ',
  )
  expect(seen).toHaveLength(1)
})

check('a header is found in any letter case, and the first of several counts', async (stand) => {
  const seen: (string | null)[] = []
  stand.handle = (exchange) => {
    seen.push(
      ...['x-twice', 'content-type', '__proto__', 'constructor', '1', 'x-none'].map((name) =>
        exchange.header(name),
      ),
    )
    exchange.respond(200, [])
  }
  const head =
    'X-Twice: one\r\nX-TWICE: two\r\nCONTENT-type: \t a/b; c=d \r\n__proto__: p\r\nConstructor: c\r\n1: n'
  await stand.ask(`GET / HTTP/1.1\r\nHost: x\r\n${head}\r\nConnection: close\r\n\r\n`)
  expect(seen).toEqual(['one', 'a/b; c=d', 'p', 'c', 'n', null])
})

check('all headers are there as they were sent, those that came twice apart', async (stand) => {
  let headers: Fields = []
  stand.handle = (exchange) => {
    headers = exchange.headers
    exchange.respond(200, [])
  }
  await stand.ask('GET / HTTP/1.1\r\nHost: x\r\nX-a: 1\r\nx-A: 2\r\nConnection: close\r\n\r\n')
  expect(headers).toEqual(['Host', 'x', 'X-a', '1', 'x-A', '2', 'Connection', 'close'])
})

check('a value beyond ASCII comes as its bytes', async (stand) => {
  const seen: (string | null)[] = []
  stand.handle = (exchange) => {
    seen.push(exchange.header('x-name'))
    exchange.respond(200, [])
  }
  await stand.ask(
    `GET / HTTP/1.1\r\nHost: x\r\nX-Name: ${Buffer.from('é').toString('latin1')}\r\nConnection: close\r\n\r\n`,
  )
  expect(seen).toEqual([Buffer.from('é').toString('latin1')])
})

check('control characters in a header or a target get a 400', async (stand) => {
  for (const character of ['\0', '\x01', '\r', '\x1f', '\x7f']) {
    for (const [target, value] of [
      [`/a${character}b`, 'a'],
      ['/', `a${character}b`],
    ]) {
      const answer = await stand.ask(`GET ${target} HTTP/1.1\r\nHost: x\r\nX-A: ${value}\r\n\r\n`)
      expect(answer).toMatch(/^HTTP\/1\.1 (400|505) /)
    }
  }
  expect(stand.exchanges).toEqual([])
})

check('who asks for an upgrade is answered like anybody else', async (stand) => {
  const answer = await stand.ask(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n' +
      getAndClose,
  )
  expect(answer).toStartWith('HTTP/1.1 200 ')
})

check('CONNECT is answered, and its connection ends', async (stand) => {
  stand.handle = (exchange) => exchange.respond(405, ['Allow', 'POST'], 'no')
  expect(await stand.ask('CONNECT host:80 HTTP/1.1\r\nHost: host:80\r\n\r\n')).toStartWith('HTTP/1.1 405 ')
})

check('what is no HTTP gets a 400 or the end, and nobody is asked', async (stand) => {
  for (const text of [
    'garbage\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: x\r\n\r\n',
  ]) {
    expect(await stand.ask(text)).toMatch(/^(HTTP\/1\.1 (400|505) [\s\S]*)?$/)
  }
  expect(stand.exchanges).toEqual([])
})

check('the peer is known by its address', async (stand) => {
  const seen: string[] = []
  stand.handle = (exchange) => {
    seen.push(exchange.peer)
    exchange.respond(200, [])
  }
  await stand.ask(getAndClose)
  expect(seen).toEqual(['127.0.0.1'])
})

// bodies

check('a body arrives whole, with a length and in chunks', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text, end }) => exchange.respond(200, [], `${end}:${text}`))
  expect(bodyOf(await stand.ask(post('hello', 'Connection: close\r\n')))).toBe('complete:hello')
  expect(bodyOf(await stand.ask(chunked('3\r\nfoo\r\n2\r\nba\r\n', 'Connection: close\r\n')))).toBe(
    'complete:fooba',
  )
  expect(bodyOf(await stand.ask(post('', 'Connection: close\r\n')))).toBe('complete:')
  expect(bodyOf(await stand.ask(chunked('', 'Connection: close\r\n')))).toBe('complete:')
  expect(bodyOf(await stand.ask(getAndClose))).toBe('complete:')
})

check('six megabytes go there and back, byte for byte', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ bytes }) => exchange.respond(200, [], bytes))
  const bytes = Buffer.allocUnsafe(6 * 1024 * 1024)
  for (let index = 0; index < bytes.length; index++) bytes[index] = index % 251
  const peer = await stand.connect()
  for (const _ of [1, 2]) {
    peer.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`)
    peer.send(bytes)
    await until('the whole answer', () => bodyOf(peer.received).length >= bytes.length)
    expect(Buffer.from(bodyOf(peer.received), 'latin1').equals(bytes)).toBe(true)
    peer.received = ''
  }
})

check('a piece that came is the reader’s to keep', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ bytes }) => exchange.respond(200, [], Buffer.concat(bytes)))
  const peer = await stand.connect()
  const kept: Uint8Array[][] = []
  stand.handle = (exchange) =>
    read(exchange, ({ bytes }) => {
      kept.push(bytes)
      exchange.respond(200, [], 'ok')
    })
  for (const letter of 'abcdefgh') {
    peer.received = ''
    peer.send(post(letter.repeat(1000)))
    await peer.until(/ok$/)
  }
  expect(kept.map((bytes) => Buffer.concat(bytes).toString())).toEqual(
    [...'abcdefgh'].map((letter) => letter.repeat(1000)),
  )
})

check('a body may be read later: it is held', async (stand) => {
  stand.handle = () => {}
  for (const [index, size] of [5, 300_000, 3_000_000].entries()) {
    const peer = await stand.connect()
    peer.send(post('x'.repeat(size)))
    const exchange = await stand.exchange(index)
    await turns(10)
    const got = read(exchange, ({ text }) => exchange.respond(200, [], String(text.length)))
    await peer.until(`\r\n\r\n${size}`)
    expect(got.end).toBe('complete')
  }
})

check('a body may be read later: one that broke off meanwhile is told so', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
  const exchange = await stand.exchange()
  peer.leave()
  await until('the peer to be gone', () => exchange.gone)
  const got = read(exchange)
  await until('the end', () => got.end)
  expect(got).toMatchObject({ end: 'truncated', ends: 1 })
})

check('a body that nobody reads is dropped with the answer, at once and later', async (stand) => {
  const peer = await stand.connect()
  for (const size of [3, 100_000, 3_000_000]) {
    for (const late of [false, true]) {
      stand.handle = (exchange) => void (late || exchange.respond(413, [], 'no'))
      const before = stand.exchanges.length
      peer.received = ''
      peer.send(post('x'.repeat(size)))
      const exchange = await stand.exchange(before)
      if (late) exchange.respond(413, [], 'no')
      await peer.until(/no$/)
      stand.handle = (exchange) => exchange.respond(200, [], 'next')
      peer.send(get)
      await peer.until(/next$/)
    }
  }
})

check('a body is read once', async (stand) => {
  stand.handle = (exchange) => {
    read(exchange)
    read(exchange)
  }
  expect(await stand.ask(post('x', 'Connection: close\r\n'))).toStartWith('HTTP/1.1 500 ')
  expect(stand.errors).toEqual(['Error: the body of a request is read once'])
})

check('a body has one end, also when the connection ends behind it', async (stand) => {
  const results: ReturnType<typeof read>[] = []
  stand.handle = (exchange) => {
    results.push(read(exchange, () => exchange.respond(200, [], 'ok')))
  }
  await stand.ask(post('whole', 'Connection: close\r\n'))
  const peer = await stand.connect()
  peer.send(chunked('1\r\na\r\n'))
  await peer.until(/ok$/)
  peer.leave()
  const parked = await stand.connect()
  stand.handle = (exchange) => {
    results.push(read(exchange))
  }
  parked.send(post('parked'))
  await until('the third body', () => results[2]?.end)
  parked.leave()
  await until('the peer to be gone', () => stand.exchanges[2]?.gone)
  expect(results.map(({ text, end, ends }) => ({ text, end, ends }))).toEqual([
    { text: 'whole', end: 'complete', ends: 1 },
    { text: 'a', end: 'complete', ends: 1 },
    { text: 'parked', end: 'complete', ends: 1 },
  ])
})

check('a body that breaks off is told so: FIN, reset, a bad chunk', async (stand) => {
  const results: ReturnType<typeof read>[] = []
  stand.handle = (exchange) => {
    results.push(read(exchange))
  }
  const acts: ((peer: Awaited<ReturnType<Stand['connect']>>) => void)[] = [
    (peer) => peer.leave(),
    (peer) => peer.halfClose(),
    (peer) => peer.reset(),
  ]
  for (const [index, act] of acts.entries()) {
    const peer = await stand.connect()
    peer.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
    await until('the first half', () => results[index]?.text === 'half' || stand.exchanges[index])
    act(peer)
    await until('the end', () => results[index]?.end)
  }
  const peer = await stand.connect()
  peer.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n')
  await until('the end', () => results[3]?.end)
  expect(results.map(({ end, ends }) => `${end} ${ends}`)).toEqual(Array(4).fill('truncated 1'))
})

check('Expect: 100-continue is answered when the body is read, in any letter case', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], text))
  for (const value of ['100-continue', '100-Continue', '100-CONTINUE']) {
    const peer = await stand.connect()
    peer.send(`POST / HTTP/1.1\r\nHost: x\r\neXpect: ${value}\r\nContent-Length: 2\r\n\r\n`)
    expect(await peer.until(/\r\n\r\n/)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    peer.send('ab')
    await peer.until(/ab$/)
  }
})

check('Expect: 100-continue is answered when the body is read later', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  const exchange = await stand.exchange()
  read(exchange, ({ text }) => exchange.respond(200, [], text))
  await peer.until('100 Continue\r\n\r\n')
  peer.send('ab')
  await peer.until(/ab$/)
})

check('who expects to be told to go on, and is refused, sends no body', async (stand) => {
  stand.handle = (exchange) => exchange.respond(413, [], 'no')
  const peer = await stand.connect()
  peer.send('POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  await peer.until(/no$/)
  expect(peer.received).toStartWith('HTTP/1.1 413 ')
})

check('trailers are the reader’s, and the connection goes on', async (stand) => {
  stand.handle = (exchange) =>
    read(exchange, ({ text, trailers }) => exchange.respond(200, [], `${text} ${JSON.stringify(trailers)}`))
  const peer = await stand.connect()
  for (const body of ['', '1\r\na\r\n', `${(100_000).toString(16)}\r\n${'y'.repeat(100_000)}\r\n`]) {
    peer.received = ''
    peer.send(chunked(body, 'Trailer: X-Type, X-Body\r\n', 'X-Type: Function.Error\r\nX-Body: e30=\r\n'))
    await peer.until('["X-Type","Function.Error","X-Body","e30="]')
  }
})

check('trailers that were announced and did not come are none', async (stand) => {
  stand.handle = (exchange) =>
    read(exchange, ({ text, trailers }) => exchange.respond(200, [], `${text} ${JSON.stringify(trailers)}`))
  const peer = await stand.connect()
  for (const _ of [1, 2]) {
    peer.received = ''
    peer.send(chunked('1\r\na\r\n', 'Trailer: X-Type\r\n'))
    await peer.until(/a \[\]$/)
  }
})

check('a body can be paused: its sender stops, and nothing is lost', async (stand) => {
  const size = 20_000_000
  let count = 0
  stand.handle = (exchange) => {
    exchange.read({
      chunk: (bytes) => {
        count += bytes.byteLength
      },
      end: () => exchange.respond(200, [], `${count} bytes`),
    })
    exchange.pause()
  }
  const peer = await stand.connect()
  peer.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`)
  peer.send(Buffer.alloc(size))
  const exchange = await stand.exchange()
  let before = -1
  // it stands still when nothing came between two looks
  await until('the sender to stop', async () => {
    if (count === before) return true
    before = count
    await turns(50)
    return false
  })
  expect(count).toBeLessThan(2_000_000)
  expect(peer.unsent).toBeGreaterThan(0)
  exchange.resume()
  await peer.until(`${size} bytes`)
})

// connections

check('a connection serves one request after the other', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], `<${text}>`))
  const peer = await stand.connect()
  for (const text of ['a', 'b', 'c']) {
    peer.send(post(text))
    await peer.until(`<${text}>`)
  }
  expect(peer.closed).toBe(false)
})

check('Connection: close is kept, also after an answer in many pieces', async (stand) => {
  const peer = await stand.connect()
  stand.handle = (exchange) =>
    exchange.respond(
      200,
      [],
      Array.from({ length: 40 }, () => Buffer.alloc(100_000)),
    )
  peer.keeps = false
  peer.send(getAndClose)
  await peer.ended()
  expect(peer.bytes).toBeGreaterThan(4_000_000)
})

check('HTTP/1.0: the connection ends with the answer, and a stream has no frames', async (stand) => {
  const versions: string[] = []
  stand.handle = (exchange) => {
    versions.push(exchange.protocol)
    exchange.respond(200, [], 'whole')
  }
  expect(await stand.ask('GET / HTTP/1.0\r\n\r\n')).toEndWith('\r\n\r\nwhole')
  stand.handle = (exchange) => {
    versions.push(exchange.protocol)
    const stream = exchange.stream(200, [])
    stream?.write(Buffer.from('in '))
    stream?.write(Buffer.from('pieces'))
    stream?.end()
  }
  const streamed = await stand.ask('GET / HTTP/1.0\r\n\r\n')
  expect(streamed).toEndWith('\r\n\r\nin pieces')
  expect(streamed).not.toMatch(/transfer-encoding/i)
  expect(versions).toEqual(['HTTP/1.0', 'HTTP/1.0'])
})

check('HTTP/1.0 is never told to go on', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], text))
  const answer = await stand.ask('POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab')
  expect(answer).toMatch(/^HTTP\/1\.[01] 200 /)
})

check('an empty line after a body is no request', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], `<${text}>`))
  const peer = await stand.connect()
  peer.send(`${post('one')}\r\n`)
  await peer.until('<one>')
  peer.send(`\r\n${post('two')}`)
  await peer.until('<two>')
  expect(answers(peer.received)).toHaveLength(2)
})

check('requests that are sent together are answered in order, if each is answered at once', async (stand) => {
  stand.handle = (exchange) => read(exchange, ({ text }) => exchange.respond(200, [], `<${text}>`))
  const texts = Array.from({ length: 20 }, (_, index) => String(index))
  const peer = await stand.connect()
  peer.send(texts.map((text) => post(text)).join(''))
  await peer.until('<19>')
  expect(answers(peer.received).map((answer) => bodyOf(answer))).toEqual(texts.map((text) => `<${text}>`))
})

check('a request behind one that waits is answered after it, whichever answer comes first', async (stand) => {
  stand.handle = (exchange) => {
    read(exchange)
  }
  for (const first of [0, 1]) {
    const peer = await stand.connect()
    const base = stand.exchanges.length
    peer.send(post('a') + post('b'))
    const both = [await stand.exchange(base), await stand.exchange(base + 1)] as const
    both[first]?.respond(200, [], `<${first}>`)
    await turns(10)
    both[1 - first]?.respond(200, [], `<${1 - first}>`)
    await peer.until('<1>')
    expect(answers(peer.received).map((answer) => bodyOf(answer))).toEqual(['<0>', '<1>'])
    // and the connection goes on
    stand.handle = (exchange) => exchange.respond(200, [], 'next')
    peer.send(get)
    await peer.until(/next$/)
    stand.handle = (exchange) => {
      read(exchange)
    }
  }
})

check('requests that are sent together may have large, streamed and empty answers', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get.repeat(4))
  await stand.exchange(3)
  const [one, two, three, four] = stand.exchanges
  four?.respond(200, [], 'four')
  const stream = three?.stream(200, [], false, true)
  expect(stream?.write(Buffer.from('str'))).toBe(false)
  stream?.write(Buffer.from('eam'))
  stream?.end()
  two?.respond(200, [], [Buffer.alloc(1_000_000, 'l'), Buffer.alloc(1_000_000, 'm')])
  await turns(10)
  expect(peer.received).toBe('')
  one?.respond(204, [])
  await peer.until(/four$/)
  const all = answers(peer.received)
  expect(all).toHaveLength(4)
  expect(bodyOf(all[0] as string)).toBe('')
  expect(bodyOf(all[1] as string)).toBe('l'.repeat(1_000_000) + 'm'.repeat(1_000_000))
  expect(bodyOf(all[2] as string).replace(/\r\n|^\d\r\n/gm, '')).toContain('str')
  expect(all[2]).toContain('eam')
})

check('whoever leaves takes the requests behind the first one along', async (stand) => {
  const gone: number[] = []
  stand.handle = (exchange) => {
    const index = stand.exchanges.length - 1
    exchange.onGone = () => gone.push(index)
  }
  const peer = await stand.connect()
  peer.send(get.repeat(3))
  await stand.exchange(2)
  stand.exchanges[1]?.respond(200, [], 'kept back')
  peer.leave()
  await until('all to be gone', () => stand.exchanges.every((exchange) => exchange.gone))
  expect(gone).toContain(0)
  expect(gone).toContain(2)
  expect(stand.exchanges[2]?.respond(200, [])).toBe(false)
})

check('a hundred requests at once that all wait are cut off', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get.repeat(100))
  await peer.ended()
  expect(stand.exchanges.length).toBeLessThan(100)
})

// peers that leave

for (const [how, act] of [
  ['closes', (peer) => peer.leave()],
  ['resets', (peer) => peer.reset()],
  ['ends its half', (peer) => peer.halfClose()],
] as const satisfies [string, (peer: Awaited<ReturnType<Stand['connect']>>) => void][]) {
  check(`a peer that ${how} while it waits is told of once, and gets no answer`, async (stand) => {
    let told = 0
    stand.handle = (exchange) => {
      exchange.onGone = () => told++
    }
    const peer = await stand.connect()
    peer.send(get)
    const exchange = await stand.exchange()
    expect(exchange.gone).toBe(false)
    act(peer)
    await until('it to be told', () => told > 0)
    expect(exchange.gone).toBe(true)
    expect(exchange.respond(200, [], 'late')).toBe(false)
    expect(exchange.stream(200, [])).toBe(null)
    expect(told).toBe(1)
    expect(stand.errors).toEqual([])
  })
}

check('a peer that leaves after its answer is nobody’s concern', async (stand) => {
  let told = 0
  stand.handle = (exchange) => {
    exchange.onGone = () => told++
    exchange.respond(200, [], 'ok')
  }
  for (const act of ['leave', 'reset', 'halfClose'] as const) {
    const peer = await stand.connect()
    peer.send(get)
    await peer.until(/ok$/)
    peer[act]()
  }
  // a request that comes after their ends has been seen after them
  await stand.ask(getAndClose)
  expect(told).toBe(0)
})

check('who has ended its half is answered, if that is at once', async (stand) => {
  const peer = await stand.connect()
  peer.send(get)
  peer.halfClose()
  await peer.until(/ok$/)
})

check('who has ended its half is answered so with headers that are known to be good', async (stand) => {
  stand.handle = (exchange) => exchange.respond(200, [], 'ok', true)
  const peer = await stand.connect()
  peer.send(get)
  peer.halfClose()
  await peer.until(/ok$/)
})

check('several that are answered at once get each its own answer', async (stand) => {
  stand.handle = () => {}
  const peers = [await stand.connect(), await stand.connect(), await stand.connect()]
  for (let round = 0; round < 3; round++) {
    for (const [index, peer] of peers.entries()) {
      peer.send(get)
      await stand.exchange(3 * round + index)
    }
    const parked = stand.exchanges.slice(3 * round)
    expect(parked.map((one, index) => one.respond(200, [], `${round}-${index}`, true))).toEqual([
      true,
      true,
      true,
    ])
    // an answer has begun
    expect(parked.map((one) => one.respond(200, [], 'again', true))).toEqual([false, false, false])
    for (const [index, peer] of peers.entries()) await peer.until(new RegExp(`${round}-${index}$`))
  }
})

check('who leaves before its answer is written holds up no other', async (stand) => {
  stand.handle = () => {}
  const [first, second] = [await stand.connect(), await stand.connect()]
  first.send(get)
  const leaves = await stand.exchange()
  second.send(get)
  const stays = await stand.exchange(1)
  let gone = false
  leaves.onGone = () => {
    gone = true
    stays.respond(200, [], 'other', true)
  }
  first.leave()
  await second.until(/other$/)
  expect(gone).toBe(true)
  expect(leaves.respond(200, [], 'late', true)).toBe(false)
})

check('that a peer has left is told before its next request on another connection comes', async (stand) => {
  const order: string[] = []
  stand.handle = (exchange) => {
    const name = exchange.header('x-name') ?? ''
    order.push(`came ${name}`)
    exchange.onGone = () => order.push(`gone ${name}`)
  }
  const ask = (name: number): string => `GET / HTTP/1.1\r\nHost: x\r\nX-Name: ${name}\r\n\r\n`
  let peer = await stand.connect()
  peer.send(ask(0))
  await stand.exchange(0)
  for (let index = 1; index <= 50; index++) {
    const next = await stand.connect()
    peer.leave()
    next.send(ask(index))
    await stand.exchange(index)
    peer = next
  }
  const expected = Array.from({ length: 50 }, (_, index) => [`came ${index}`, `gone ${index}`]).flat()
  expect(order.slice(0, 100)).toEqual(expected)
})

// streams

check('a stream goes out as it is written', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get)
  const exchange = await stand.exchange()
  const stream = exchange.stream(200, ['Content-Type', 'text/plain']) as ResponseStream
  await peer.until(/\r\n\r\n/)
  expect(peer.received).toMatch(/transfer-encoding: chunked\r\n/i)
  stream.write(Buffer.from('first'))
  await peer.until('5\r\nfirst\r\n')
  stream.write(Buffer.from('second'))
  await peer.until('6\r\nsecond\r\n')
  stream.end()
  await peer.until(/0\r\n\r\n$/)
  stand.handle = (exchange) => exchange.respond(200, [], 'next')
  peer.send(get)
  await peer.until(/next$/)
})

check('the head of a stream goes out at once, and an empty one ends', async (stand) => {
  stand.handle = (exchange) => exchange.stream(200, ['X-Head', 'out'])?.end()
  const peer = await stand.connect()
  peer.send(get)
  await peer.until(/X-Head: out/)
  stand.handle = (exchange) => exchange.respond(200, [], 'next')
  peer.send(get)
  await peer.until(/next$/)
})

check('a head that goes out with the first piece of its stream is the same head', async (stand) => {
  stand.handle = (exchange) => {
    const stream = exchange.stream(200, ['X-Head', 'out'], false, true)
    stream?.write(Buffer.from('one '))
    stream?.write(Buffer.from('two'))
    stream?.end()
  }
  const peer = await stand.connect()
  peer.send(get)
  await peer.until(/two/)
  expect(peer.received).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Head: out\r\n[\s\S]*\r\n\r\n[\s\S]*one [\s\S]*two[\s\S]*$/,
  )
  expect(peer.received.match(/X-Head/g)).toHaveLength(1)
  expect(await stand.ask(`HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Head: out\r\n[\s\S]*\r\n\r\n$/,
  )
  expect(await stand.ask('GET / HTTP/1.0\r\n\r\n')).toMatch(/X-Head: out\r\n[\s\S]*\r\n\r\none two$/)
})

check('a head goes out at the end of its stream, where no piece has taken it', async (stand) => {
  stand.handle = (exchange) => exchange.stream(200, ['X-Head', 'out'], false, true)?.end()
  const peer = await stand.connect()
  peer.send(get)
  await peer.until(/X-Head: out\r\n[\s\S]*\r\n\r\n/)
  stand.handle = (exchange) => exchange.respond(200, [], 'next')
  peer.send(get)
  await peer.until(/next$/)
})

check('a slow reader of a first piece that takes the head along gets all of it', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.keeps = false
  peer.stall()
  peer.send(get)
  const stream = (await stand.exchange()).stream(200, [], false, true) as ResponseStream
  let drained = 0
  stream.onDrain = () => drained++
  const size = 32 * 1024 * 1024
  expect(stream.write(Buffer.alloc(size))).toBe(false)
  await turns(20)
  expect(drained).toBe(0)
  peer.go()
  await until('the reader to have taken it', () => drained > 0)
  stream.end()
  await until('the whole stream', () => peer.bytes > size)
})

check('a stream that is broken off has no end that could be taken for one', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get)
  const stream = (await stand.exchange()).stream(200, []) as ResponseStream
  stream.write(Buffer.from('half'))
  await peer.until('half')
  stream.abort()
  await peer.ended()
  expect(peer.received).not.toMatch(/0\r\n\r\n$/)
})

check('a stream has trailers, if it is given some', async (stand) => {
  stand.handle = (exchange) => {
    const stream = exchange.stream(200, ['Trailer', 'X-End'])
    stream?.write(Buffer.from('body'))
    stream?.end(['X-End', 'well'])
  }
  const peer = await stand.connect()
  peer.send(get)
  await peer.until('0\r\nX-End: well\r\n\r\n')
})

check('trailers of an answer are checked', async (stand) => {
  stand.handle = (exchange) => exchange.stream(200, [])?.end(['X-End', 'a\r\nb'])
  const peer = await stand.connect()
  peer.send(get)
  await until('the failure', () => stand.errors.length > 0)
  expect(stand.errors[0]).toStartWith('TypeError: ')
  await peer.ended()
})

check('a slow reader of a stream stops its writer, and gets everything', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.keeps = false
  peer.send(get)
  const stream = (await stand.exchange()).stream(200, []) as ResponseStream
  await until('the head', () => peer.bytes > 0)
  peer.stall()
  const piece = Buffer.alloc(65_536)
  const size = 64 * 1024 * 1024
  let written = 0
  let stops = 0
  const write = (): void => {
    while (written < size) {
      written += piece.length
      if (!stream.write(piece)) {
        stops++
        return
      }
    }
    stream.end()
  }
  stream.onDrain = write
  write()
  await until('the writer to stop', () => stops > 0)
  await turns(20)
  const before = written
  expect(before).toBeLessThan(size / 2)
  peer.go()
  await until('the whole stream', () => peer.bytes > size)
  expect(written).toBe(size)
})

check(
  'whoever leaves in the middle of a stream is told of, and what is written then is dropped',
  async (stand) => {
    let told = 0
    stand.handle = (exchange) => {
      exchange.onGone = () => told++
    }
    const peer = await stand.connect()
    peer.send(get)
    const stream = (await stand.exchange()).stream(200, []) as ResponseStream
    stream.write(Buffer.from('half'))
    await peer.until('half')
    peer.leave()
    await until('it to be told', () => told > 0)
    expect(stream.write(Buffer.alloc(1_000_000))).toBe(true)
    stream.end()
    expect(told).toBe(1)
    expect(stand.errors).toEqual([])
  },
)

check('slow readers of large answers take little memory', async (stand) => {
  const piece = Buffer.alloc(500_000, 'x')
  const body = Array.from({ length: 12 }, () => piece)
  stand.handle = (exchange) => exchange.respond(200, [], body)
  Bun.gc(true)
  const before = process.memoryUsage.rss()
  const readers = await Promise.all(Array.from({ length: 20 }, () => stand.connect()))
  for (const reader of readers) {
    reader.keeps = false
    reader.stall()
    reader.send(get)
  }
  await stand.exchange(19)
  await turns(50)
  // 120 MB would be a copy for each
  expect(process.memoryUsage.rss() - before).toBeLessThan(40_000_000)
  for (const reader of readers) reader.go()
  await until('all to have all', () => readers.every(({ bytes }) => bytes > 6_000_000))
})

// listening and its end

check('an address that is taken cannot be had', async (stand) => {
  expect(() =>
    Bun.serve({ hostname: '127.0.0.1', port: stand.port, reusePort: false, fetch: () => new Response() }),
  ).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }))
})

check(
  'every address is both of IPv6 and IPv4, and peers have their own',
  async (stand) => {
    const seen: string[] = []
    stand.handle = (exchange) => {
      seen.push(exchange.peer)
      exchange.respond(200, [], 'ok')
    }
    for (const host of ['127.0.0.1', '::1']) {
      const peer = await stand.connect(host)
      peer.send(get)
      await peer.until(/ok$/)
    }
    expect(seen).toEqual(['127.0.0.1', '::1'])
    expect(stand.listener.hostname).toBe('::')
  },
  '',
)

check('close: nobody new comes, those that wait are answered and their connections end', async (stand) => {
  stand.handle = (exchange) => {
    if (exchange.target === '/wait') return
    exchange.respond(200, [], 'ok')
  }
  const idle = await stand.connect()
  idle.send(get)
  await idle.until(/ok$/)
  const waiting = await stand.connect()
  waiting.send('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
  const exchange = await stand.exchange(1)
  stand.listener.close()
  await expect(stand.connect()).rejects.toThrow()
  expect(exchange.respond(200, [], 'at last')).toBe(true)
  await waiting.until('at last')
  await waiting.ended()
  // whoever asks on an old connection is told that it ends
  idle.send(get)
  await idle.ended()
})

check('stop: whoever still waits sees the end', async (stand) => {
  let told = 0
  stand.handle = (exchange) => {
    exchange.onGone = () => told++
  }
  const peer = await stand.connect()
  peer.send(get)
  const exchange = await stand.exchange()
  await stand.listener.stop()
  await peer.ended()
  expect(exchange.respond(200, [])).toBe(false)
  expect(told).toBe(1)
})

check('a request that waits is kept through collections', async (stand) => {
  stand.handle = () => {}
  const peer = await stand.connect()
  peer.send(get)
  await stand.exchange()
  for (let index = 0; index < 10; index++) {
    Bun.gc(true)
    await turns(1)
  }
  stand.exchanges[0]?.respond(200, [], 'kept')
  await peer.until(/kept$/)
})

export const all: readonly Case[] = cases
