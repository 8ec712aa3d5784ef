/**
 * Requests and answers of any method, size, framing and time, many on one connection and cut anywhere: each gets its own
 * answer, whole and in its turn.
 */

import { expect, test } from 'bun:test'
import type { Exchange } from '../../src/http/exchange.ts'
import { listenNatively } from '../../src/http/native.ts'
import { Random } from '../faults/random.ts'
import { until } from '../harness.ts'
import { chunked, message } from '../kit/answers.ts'
import { type Open, type Read, read, stand } from './stand.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** on both sides of every size at which the adapter does something else */
const sizes = [0, 1, 100, 1023, 16_384, 16_385, 65_536, 65_537, 200_000] as const

interface Wanted {
  readonly method: string
  readonly sent: Uint8Array
  readonly status: number
  readonly size: number
  readonly way: 'whole' | 'pieces' | 'stream'
  readonly late: boolean
  /** its headers are known to be fit, so that it may be kept to the end of the turn */
  readonly checked: boolean
}

const bytes = (size: number, mark: number): Uint8Array => new Uint8Array(size).fill(97 + (mark % 26))

function wanted(random: Random, mark: number): Wanted {
  const method = random.pick(methods)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return {
    method,
    sent: bytes(hasBody ? random.pick(sizes) : 0, mark),
    status: random.pick([200, 200, 200, 204, 304, 500]),
    size: random.pick(sizes),
    way: random.pick(['whole', 'pieces', 'stream'] as const),
    late: random.chance(0.4),
    checked: random.chance(0.5),
  }
}

function request(random: Random, { method, sent }: Wanted, path: string, last: boolean): Uint8Array {
  const closing = last ? { Connection: 'close' } : {}
  if (sent.byteLength === 0 || random.chance(0.5))
    return message(method, path, sent.byteLength === 0 ? null : sent, closing)
  const head = message(method, path, null, { 'Transfer-Encoding': 'chunked', ...closing })
  return Buffer.concat([head, chunked(sent, random.int(500, 70_000))])
}

/** Halves of what is answered, or all of it. */
const halves = (all: Uint8Array): Uint8Array[] => {
  const middle = all.byteLength >> 1
  return [all.subarray(0, middle), all.subarray(middle)].filter((half) => half.byteLength > 0)
}

function answer(
  exchange: Exchange,
  { status, size, way, checked }: Wanted,
  number: number,
  body: string,
): void {
  const headers = ['X-Number', String(number), 'X-Read', body]
  const all = bytes(size, number)
  if (way !== 'stream') {
    exchange.respond(status, headers, way === 'whole' ? all : halves(all), checked)
    return
  }
  const stream = exchange.stream(status, headers, checked)
  for (const piece of halves(all)) stream?.write(piece)
  stream?.end()
}

/** Takes one answer off what came, and returns how it looks with the rest. */
function take(text: string, method: string): { status: number; head: string; body: string; rest: string } {
  const end = text.indexOf('\r\n\r\n')
  const head = text.slice(0, end + 2)
  const status = Number(head.slice(9, 12))
  let rest = text.slice(end + 4)
  let body = ''
  if (method === 'HEAD' || status === 204 || status === 304) return { status, head, body, rest }
  const length = /\r\nContent-Length: (\d+)\r\n/i.exec(head)?.[1]
  if (length !== undefined)
    return { status, head, body: rest.slice(0, Number(length)), rest: rest.slice(Number(length)) }
  for (;;) {
    const line = rest.indexOf('\r\n')
    const size = Number.parseInt(rest.slice(0, line), 16)
    body += rest.slice(line + 2, line + 2 + size)
    rest = rest.slice(line + 4 + size)
    // the last chunk, and the empty line behind it
    if (!(size > 0)) return { status, head, body, rest }
  }
}

/** Cuts anywhere; each piece is sent in a turn of its own. */
async function sendCut(random: Random, all: Uint8Array, send: (piece: Uint8Array) => void): Promise<void> {
  const cuts = Array.from({ length: random.int(0, 8) }, () => random.int(0, all.byteLength))
  let from = 0
  for (const to of [...cuts.toSorted((a, b) => a - b), all.byteLength]) {
    if (to > from) send(all.subarray(from, to))
    from = to
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const open: Open = (at, handlers) =>
  listenNatively(at, handlers, () => {
    throw new Error('this Bun has other handles')
  })

/** Number of a connection and of a request on it. */
const numbers = (path: string): number[] => path.split('/').slice(1).map(Number)

function plans(name: string): Wanted[][] {
  return Array.from({ length: 60 }, (_, connection) => {
    const random = new Random(name, connection)
    return Array.from({ length: random.int(1, 8) }, (_each, number) => wanted(random, number))
  })
}

/** All that one connection sends; the last request closes it where `closes`. */
const written = (random: Random, plan: readonly Wanted[], connection: number, closes: boolean): Buffer =>
  Buffer.concat(
    plan.map((want, number) =>
      request(random, want, `/${connection}/${number}`, closes && number === plan.length - 1),
    ),
  )

function verify(received: string, plan: readonly Wanted[], connection: number): void {
  let rest = received
  for (const [number, want] of plan.entries()) {
    const found = take(rest, want.method)
    const title = `connection ${connection}, request ${number}: ${JSON.stringify({ ...want, sent: want.sent.byteLength })}`
    expect(found.status, title).toBe(want.status)
    expect(found.head, title).toContain(`\r\nX-Number: ${number}\r\n`)
    const hash = Bun.hash.xxHash32(want.sent)
    expect(found.head, title).toContain(`\r\nX-Read: complete ${want.sent.byteLength} ${hash}\r\n`)
    const bodiless = want.method === 'HEAD' || want.status === 204 || want.status === 304
    const due = Buffer.from(bytes(bodiless ? 0 : want.size, number)).toString('latin1')
    expect(found.body === due, `${title}: ${found.body.length} bytes came`).toBe(true)
    rest = found.rest
  }
  expect(rest, `connection ${connection}`).toBe('')
}

test('many requests of all kinds on each connection, cut anywhere, are answered whole and in order', async () => {
  await using made = stand(open)
  const all = plans('matrix')
  made.handle = (exchange) => {
    const [connection = 0, number = 0] = numbers(exchange.target)
    const want = all[connection]?.[number] as Wanted
    read(exchange, ({ text, end }) => {
      const body = `${end} ${text.length} ${Bun.hash.xxHash32(text)}`
      if (want.late) setImmediate(() => answer(exchange, want, number, body))
      else answer(exchange, want, number, body)
    })
  }
  const one = async (connection: number): Promise<void> => {
    const random = new Random('cuts', connection)
    const plan = all[connection] as Wanted[]
    const peer = await made.connect()
    await sendCut(random, written(random, plan, connection, true), (piece) => peer.send(piece))
    await peer.ended()
    verify(peer.received, plan, connection)
  }
  // one at a time, then ten: with several, answers of one turn are kept and written together
  for (let connection = 0; connection < 20; connection++) await one(connection)
  const lane = async (from: number): Promise<void> => {
    for (let connection = from; connection < all.length; connection += 10) await one(connection)
  }
  await Promise.all(Array.from({ length: 10 }, (_, number) => lane(20 + number)))
  expect(made.errors).toEqual([])
})

test('a peer that leaves anywhere in its requests harms nobody, and each body that has begun has one end', async () => {
  await using made = stand(open)
  const all = plans('leaving')
  const reads: { readonly want: Wanted; readonly body: Read }[] = []
  made.handle = (exchange) => {
    const [connection = 0, number = 0] = numbers(exchange.target)
    const want = all[connection]?.[number] as Wanted
    const body = read(exchange, ({ end }) => end === 'complete' && answer(exchange, want, number, end))
    reads.push({ want, body })
  }
  for (const [connection, plan] of all.entries()) {
    const random = new Random('leaves', connection)
    const peer = await made.connect()
    const sent = written(random, plan, connection, false)
    await sendCut(random, sent.subarray(0, random.int(1, sent.byteLength)), (piece) => peer.send(piece))
    peer.leave()
  }
  const cut = await until('all bodies to end', () => {
    const short = reads.filter(({ want, body }) => body.text.length < want.sent.byteLength)
    return short.length > 0 && reads.every(({ body }) => body.ends === 1) ? short : undefined
  })
  for (const { body } of cut) expect(body.end).toBe('truncated')
  made.handle = (exchange) => exchange.respond(200, [], 'still there')
  expect(await made.ask('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).toEndWith('still there')
  expect(made.errors).toEqual([])
})
