import { expect, test } from 'bun:test'
import type { ResponseStream, Shared } from '../../src/http/exchange.ts'
import { listenNatively, type NativeServer, nativeCallback } from '../../src/http/native.ts'
import { Relay } from '../../src/http/relay.ts'
import { until } from '../harness.ts'
import { bodyOf, type Stand, stand } from './stand.ts'

const native = (): Stand => stand((at, handlers) => listenNatively(at, handlers, () => {}))

test('handles of another shape are noticed with the first request, which is sent away to come again', () => {
  const handled: unknown[] = []
  const shared: Shared = {
    handlers: { handle: (exchange) => handled.push(exchange), failed() {}, limited() {} },
    closing: false,
  }
  const changed: NativeServer[] = []
  const callback = nativeCallback(shared, (server) => changed.push(server)) as (...args: unknown[]) => void
  const written: unknown[][] = []
  // the arguments of Bun 1.3: headers as an object and as a list in place of the bits
  const handle = {
    writeHead: (...head: unknown[]) => written.push(head.slice(0, 3)),
    end: () => written.push(['end']),
  }
  const server = {} as NativeServer
  callback(server, '/', 'GET', { host: 'x' }, ['Host', 'x'], handle, false, {}, true, undefined, false)
  expect(changed).toEqual([server])
  expect(written).toEqual([[503, '', ['Retry-After', '1', 'Content-Length', '0']], ['end']])
  expect(handled).toEqual([])
})

test('a large piece that a stream has taken whole is let go of; what is kept, copied or held by a slow peer is not', async () => {
  await using made = native()
  made.handle = () => {}
  const caller = await made.connect()
  caller.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const answer = (await made.exchange()).stream(200, []) as ResponseStream
  await until('the head', () => caller.bytes > 0)
  caller.keeps = false

  const pieces: { bytes: Uint8Array; size: number; to: string }[] = []
  let ended = false
  let kept = false
  const take = (bytes: Uint8Array): string => {
    // a slow peer is not written to before it has drained
    if (kept || pieces.some(({ to }) => to === 'slow')) return 'nobody'
    // the same memory, but not the piece
    if (bytes.byteLength > 16_384 && pieces.every(({ to }) => to !== 'part')) {
      return answer.write(bytes.subarray(1)) ? 'part' : 'slow'
    }
    return answer.write(bytes) ? 'taken' : 'slow'
  }
  const sender = await made.connect()
  sender.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  const source = await made.exchange(1)
  source.read({
    chunk(bytes) {
      const size = bytes.byteLength
      pieces.push({ bytes, size, to: take(bytes) })
    },
    end() {
      ended = true
    },
  })
  const send = async (size: number): Promise<void> => {
    const before = pieces.reduce((sum, piece) => sum + piece.size, 0)
    sender.send(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`)
    await until('it to be read', () => pieces.reduce((sum, piece) => sum + piece.size, 0) === before + size)
  }
  for (const size of [100_000, 100, 100_000, 16_384]) await send(size)
  kept = true
  await send(100_000)
  kept = false
  caller.stall()
  while (pieces.every(({ to }) => to !== 'slow')) await send(400_000)
  sender.send('0\r\n\r\n')
  await until('the end', () => ended)

  const large = pieces.filter(({ size }) => size > 16_384)
  for (const to of ['taken', 'part', 'nobody', 'slow'])
    expect(large.some((piece) => piece.to === to)).toBe(true)
  for (const { bytes, size, to } of pieces) {
    expect(bytes.byteLength).toBe(to === 'taken' && size > 16_384 ? 0 : size)
  }
}, 60_000)

/** The chunks of a body. */
function* unframed(body: string): Generator<string> {
  for (let at = 0; at < body.length; ) {
    const line = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.slice(at, line), 16)
    yield body.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
}

test('a body that goes on as the answer to another request arrives as it was sent, also at a slow reader', async () => {
  await using made = native()
  made.handle = () => {}
  const reader = await made.connect()
  reader.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const answer = (await made.exchange()).stream(200, []) as ResponseStream
  await until('the head', () => reader.received.includes('\r\n\r\n'))
  const sender = await made.connect()
  const sent = new Bun.CryptoHasher('sha256')
  const send = (index: number): void => {
    // no two are the same, some are small, some come in several reads
    const bytes = Buffer.alloc([65_536, 300_000, 20_000, 900][index % 4] as number, `piece ${index} `)
    sent.update(bytes)
    sender.send(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]))
  }
  sender.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
  const source = await made.exchange(1)
  let ended = false
  const relay = new Relay(source, answer, {
    ended() {
      answer.end()
      ended = true
    },
  })
  source.read(relay)
  for (let index = 0; index < 40; index++) send(index)
  await until('the first pieces', () => reader.bytes > 1_000_000)
  reader.stall()
  for (let index = 40; index < 200; index++) send(index)
  await until('the relay to wait', () => relay.waiting > 0)
  reader.go()
  sender.send('0\r\n\r\n')
  await until('the end', () => ended && reader.received.endsWith('\r\n0\r\n\r\n'))
  const got = new Bun.CryptoHasher('sha256')
  for (const piece of unframed(bodyOf(reader.received))) got.update(Buffer.from(piece, 'latin1'))
  expect(got.digest('hex')).toBe(sent.digest('hex'))
}, 60_000)
