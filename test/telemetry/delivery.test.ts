/** Deliveries to real sockets, well-behaved and not. */

import { describe, expect, test } from 'bun:test'
import { createServer, type Server, type Socket } from 'node:net'
import { openTransport, type Transport } from '../../src/telemetry/delivery.ts'
import type { Destination } from '../../src/telemetry/subscription.ts'
import { until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'

interface Listening extends AsyncDisposable {
  readonly port: number
  readonly sockets: Socket[]
  /** what came on all connections */
  readonly text: () => string
}

/** A server that does with each connection what it is told. */
async function listen(serve: (socket: Socket) => void): Promise<Listening> {
  const sockets: Socket[] = []
  let text = ''
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      text += bytes.toString()
    })
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    sockets,
    text: () => text,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const http = (port: number, over: Partial<Extract<Destination, { protocol: 'HTTP' }>> = {}): Destination => ({
  protocol: 'HTTP',
  port,
  target: '/logs?a=b',
  host: `sandbox:${port}`,
  method: 'POST',
  ...over,
})

async function open(destination: Destination): Promise<Transport> {
  const transport = await openTransport(destination, 20_000)
  if ('problem' in transport) throw new Error(transport.problem)
  return transport
}

describe('over HTTP', () => {
  test('a delivery is one request with all records', async () => {
    const requests: unknown[] = []
    await using server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        const { method, url, headers } = request
        requests.push([
          method,
          new URL(url).pathname + new URL(url).search,
          headers.get('content-type'),
          headers.get('host'),
        ])
        requests.push(await request.json())
        return new Response('ok')
      },
    })
    const port = server.port as number
    using transport = await open(http(port))
    expect(await transport.deliver(['{"a":1}', '{"b":"é"}'], 20_000)).toEqual({ kind: 'delivered' })
    using put = await open(http(port, { method: 'PUT', target: '/' }))
    expect(await put.deliver(['{}'], 20_000)).toEqual({ kind: 'delivered' })
    expect(requests).toEqual([
      ['POST', '/logs?a=b', 'application/json', `sandbox:${port}`],
      [{ a: 1 }, { b: 'é' }],
      ['PUT', '/', 'application/json', `sandbox:${port}`],
      [{}],
    ])
  })

  test('a large delivery arrives whole at a reader who is in no hurry', async () => {
    const sizes: number[] = []
    await using server = await listen((socket) => {
      let size = 0
      socket.on('data', (bytes) => {
        size += bytes.length
        socket.pause()
        setTimeout(() => socket.resume(), 1)
        if (size > 3_000_000) {
          sizes.push(size)
          socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
        }
      })
    })
    using transport = await open(http(server.port))
    expect(await transport.deliver([JSON.stringify('x'.repeat(3_000_000))], 20_000)).toEqual({
      kind: 'delivered',
    })
    expect(sizes).toHaveLength(1)
  })

  const answers: [name: string, answer: string, outcome: object][] = [
    ['with no content', 'HTTP/1.1 204 No Content\r\n\r\n', { kind: 'delivered' }],
    ['of HTTP/1.0, closed', 'HTTP/1.0 200 OK\r\n\r\nfine', { kind: 'delivered' }],
    [
      'in chunks',
      'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      { kind: 'delivered' },
    ],
    [
      'after an interim one',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
      { kind: 'delivered' },
    ],
    [
      'that redirects',
      'HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n',
      { kind: 'failed', reason: 'the subscriber answered 302' },
    ],
    [
      'that fails',
      'HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n',
      { kind: 'failed', reason: 'the subscriber answered 500' },
    ],
    [
      'that is no HTTP',
      `${'nonsense '.repeat(2000)}\r\n\r\n`,
      { kind: 'failed', reason: 'the answer is no HTTP' },
    ],
  ]
  test.each(answers)('an answer %s', async (_, answer, outcome) => {
    await using server = await listen((socket) => {
      socket.once('data', () => socket.end(answer))
    })
    using transport = await open(http(server.port))
    expect(await transport.deliver(['{}'], 20_000)).toMatchObject(outcome)
  })

  test('an answer counts when its status has come, although the rest never does', async () => {
    await using server = await listen((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nha'))
    })
    using transport = await open(http(server.port))
    expect(await transport.deliver(['{}'], 20_000)).toEqual({ kind: 'delivered' })
  })

  test('an answer that comes a byte at a time is not waited for', async () => {
    await using server = await listen((socket) => {
      const text = 'HTTP/1.1 200 OK\r\n\r\n'
      let sent = 0
      const timer = setInterval(() => socket.write(text.charAt(sent++)), 100)
      socket.on('close', () => clearInterval(timer))
    })
    using transport = await open(http(server.port))
    expect(await transport.deliver(['{}'], 250)).toEqual({
      kind: 'failed',
      reason: 'no answer within 250 ms',
      refused: false,
    })
  })

  test('one who accepts and never reads is not waited for', async () => {
    await using server = await listen((socket) => socket.pause())
    using transport = await open(http(server.port))
    const large = JSON.stringify('x'.repeat(8_000_000))
    expect(await transport.deliver([large], 250)).toMatchObject({ reason: 'no answer within 250 ms' })
  })

  test('one who closes in the middle of the body has not taken it', async () => {
    await using server = await listen((socket) => {
      socket.once('data', () => socket.destroy())
    })
    using transport = await open(http(server.port))
    const large = JSON.stringify('x'.repeat(8_000_000))
    expect(await transport.deliver([large], 20_000)).toMatchObject({ kind: 'failed', refused: false })
  })

  test('nobody who listens is told apart', async () => {
    using transport = await open(http(freePort()))
    expect(await transport.deliver(['{}'], 20_000)).toEqual({
      kind: 'failed',
      reason: 'cannot connect: ECONNREFUSED',
      refused: true,
    })
  })

  test('race: the machine stalls, and the time is over before the answer is read that came meanwhile', async () => {
    let deliveries = 0
    await using server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () => {
        deliveries++
        return new Response('')
      },
    })
    using transport = await open(http(server.port as number))
    const delivery = transport.deliver(['{}'], 1000)
    const end = performance.now() + 1500
    while (performance.now() < end);
    expect([await delivery, deliveries]).toEqual([{ kind: 'delivered' }, 1])
  })

  test('a delivery under way ends with its transport', async () => {
    await using server = await listen(() => {})
    const transport = await open(http(server.port))
    const delivery = transport.deliver(['{}'], 60_000)
    await until('the connection', () => server.sockets[0])
    transport[Symbol.dispose]()
    expect(await delivery).toMatchObject({ kind: 'failed', reason: 'the subscription ended' })
  })
})

describe('over TCP', () => {
  const tcp = (port: number): Destination => ({ protocol: 'TCP', port })

  test('records are lines on one connection, opened at once', async () => {
    await using server = await listen(() => {})
    using transport = await open(tcp(server.port))
    await until('the connection', () => server.sockets[0])
    await transport.deliver(['{"a":1}', '{"b":2}'], 20_000)
    await transport.deliver(['{"c":3}'], 20_000)
    await until('all lines', () => server.text() === '{"a":1}\n{"b":2}\n{"c":3}\n' || undefined)
    expect(server.sockets).toHaveLength(1)
  })

  test('nobody who listens is a problem at once', async () => {
    expect(await openTransport(tcp(await freePort()), 20_000)).toEqual({
      problem: 'cannot connect: ECONNREFUSED',
    })
  })

  test('a connection that was closed is opened again', async () => {
    await using server = await listen(() => {})
    using transport = await open(tcp(server.port))
    const first = await until('the connection', () => server.sockets[0])
    const closed = new Promise((resolve) => first.on('close', resolve))
    first.end()
    await closed
    // the end of it may be read after the delivery has begun: then the first attempt fails, and is made again
    let outcome = await transport.deliver(['again'], 20_000)
    if (outcome.kind === 'failed') outcome = await transport.deliver(['again'], 20_000)
    expect(outcome).toEqual({ kind: 'delivered' })
    await until('the line', () => server.text() === 'again\n' || undefined)
  })

  test('one who never reads is not waited for, and gets no half of a record later', async () => {
    await using server = await listen((socket) => socket.pause())
    using transport = await open(tcp(server.port))
    const large = 'x'.repeat(16_000_000)
    expect(await transport.deliver([large], 250)).toMatchObject({ reason: 'not taken within 250 ms' })
    await until('a connection of its own', async () => {
      await transport.deliver(['next'], 20_000)
      return server.sockets[1]
    })
  })

  test('a slow reader gets everything', async () => {
    let size = 0
    await using server = await listen((socket) => {
      socket.on('data', (bytes) => {
        size += bytes.length
        socket.pause()
        setTimeout(() => socket.resume(), 1)
      })
    })
    using transport = await open(tcp(server.port))
    expect(await transport.deliver(['x'.repeat(5_000_000)], 30_000)).toEqual({ kind: 'delivered' })
    await until('all bytes', () => size === 5_000_001 || undefined)
  })
})
