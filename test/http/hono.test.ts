import { afterEach, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { createRouter, type Router, route } from '../../src/http/hono.ts'
import { listen } from '../../src/http/listen.ts'
import { until } from '../harness.ts'
import { bodyOf, type Stand, stand, turns } from './stand.ts'

let made: Stand
let router: Router
beforeEach(() => {
  made = stand(listen)
  router = createRouter()
  made.handle = (exchange) => route(router, exchange, (error) => made.errors.push(String(error)))
})
afterEach(() => made[Symbol.asyncDispose]())

const ask = (line: string, rest = '\r\n'): Promise<string> =>
  made.ask(`${line} HTTP/1.1\r\nHost: name:81\r\nConnection: close\r\n${rest}`)

test('a route sees path, headers, peer and body as they were sent', async () => {
  router.post('/a/../b', async ({ req, env }) =>
    Response.json({
      target: env.target,
      peer: env.peer,
      host: req.header('host'),
      odd: req.header('x-odd'),
      body: await req.text(),
    }),
  )
  const answer = await ask('POST /a/../b?c=d', 'X-Odd: \xe9\r\nContent-Length: 4\r\n\r\nbody')
  expect(JSON.parse(Buffer.from(bodyOf(answer), 'latin1').toString())).toEqual({
    target: '/a/../b?c=d',
    peer: '127.0.0.1',
    host: 'name:81',
    odd: 'é',
    body: 'body',
  })
})

test('what is there is answered in one piece, with names as AWS spells them', async () => {
  router.get('/', () => {
    const headers = new Headers({ 'x-amzn-requestid': '1', 'lambda-extension-identifier': '2' })
    headers.append('set-cookie', 'a=1')
    headers.append('set-cookie', 'b=2')
    return new Response('whole', { status: 201, headers })
  })
  const answer = await ask('GET /')
  expect(answer).toStartWith('HTTP/1.1 201 ')
  expect(answer).toContain('x-amzn-RequestId: 1\r\n')
  expect(answer).toContain('Lambda-Extension-Identifier: 2\r\n')
  expect(answer).toContain('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n')
  expect(answer).toContain('Content-Length: 5\r\n')
  expect(answer).not.toMatch(/transfer-encoding/i)
})

test('an answer without a body, and one to HEAD', async () => {
  router.get('/', () => new Response(null, { status: 204 }))
  router.get('/text', () => new Response('text'))
  expect(await ask('GET /')).toStartWith('HTTP/1.1 204 ')
  const head = await ask('HEAD /text')
  expect(head).toStartWith('HTTP/1.1 200 ')
  expect(bodyOf(head)).toBe('')
})

test('a path that is no path is not found', async () => {
  expect(await ask('GET http://other')).toStartWith('HTTP/1.1 404 ')
  expect(await made.ask('CONNECT host:1 HTTP/1.1\r\nHost: host:1\r\n\r\n')).toStartWith('HTTP/1.1 404 ')
})

test('a peer that has ended its half is answered', async () => {
  router.get('/', async () => new Response(await Promise.resolve('quick')))
  const peer = await made.connect()
  peer.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  peer.halfClose()
  await peer.until(/quick$/)
})

describe('a stream', () => {
  test('goes out as it comes, and its source hears that the reader has gone', async () => {
    let cancelled = false
    const encoder = new TextEncoder()
    let controller: ReadableStreamDefaultController | undefined
    router.get('/', () => {
      const body = new ReadableStream({
        start(one) {
          controller = one
          one.enqueue(encoder.encode('data: 1\n\n'))
        },
        cancel() {
          cancelled = true
        },
      })
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
    })
    const peer = await made.connect()
    peer.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await peer.until('data: 1')
    controller?.enqueue(encoder.encode('data: 2\n\n'))
    await peer.until('data: 2')
    peer.leave()
    await until('the source to hear of it', () => cancelled)
  })

  test('that fails is broken off', async () => {
    router.get('/', () => {
      let count = 0
      const body = new ReadableStream({
        async pull(one) {
          if (count++ > 2) throw new Error('source failed')
          await turns(1)
          one.enqueue(new TextEncoder().encode('piece'))
        },
      })
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
    })
    expect(await ask('GET /')).not.toMatch(/0\r\n\r\n$/)
    await until('the failure', () => made.errors.length > 0)
    expect(made.errors).toEqual(['Error: source failed'])
  })
})

test('a large upload is read at the pace of its route', async () => {
  const size = 8_000_000
  router.post('/', async ({ req }) => new Response(String((await req.arrayBuffer()).byteLength)))
  const peer = await made.connect()
  peer.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`)
  peer.send(Buffer.alloc(size))
  await peer.until(`\r\n\r\n${size}`)
})

test('what a route throws, at once or later, is told of and printed nowhere', async () => {
  router.get('/now', () => {
    throw new Error('now')
  })
  router.get('/later', async () => {
    await turns(1)
    throw new Error('later')
  })
  const printed = spyOn(console, 'error')
  try {
    for (const path of ['/now', '/later']) void ask(`GET ${path}`).catch(() => {})
    await until('both errors', () => made.errors.length === 2)
    expect(made.errors).toEqual(['Error: now', 'Error: later'])
    expect(printed).not.toHaveBeenCalled()
  } finally {
    printed.mockRestore()
  }
})

test('a peer that goes away in the middle of its body is no failure', async () => {
  let waits = false
  let refused: unknown
  router.post('/', async ({ req }) => {
    const body = req.arrayBuffer()
    waits = true
    await body.catch((error) => {
      refused = error
    })
    throw refused
  })
  const peer = await made.connect()
  peer.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf')
  await until('the route to wait', () => waits)
  peer.leave()
  await until('the body to break off', () => refused !== undefined)
  await turns(2)
  expect(made.errors).toEqual([])
})

test('a body that its route does not read is dropped', async () => {
  router.post('/', () => new Response('no', { status: 403 }))
  const peer = await made.connect()
  for (const size of [10, 3_000_000]) {
    peer.received = ''
    peer.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`)
    peer.send(Buffer.alloc(size))
    await peer.until(/no$/)
  }
})

test('a route sees that its peer has gone', async () => {
  let aborted = false
  router.get('/', ({ req }) => {
    req.raw.signal.addEventListener('abort', () => {
      aborted = true
    })
    return new Promise(() => {})
  })
  const peer = await made.connect()
  peer.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await made.exchange()
  peer.leave()
  await until('the signal', () => aborted)
})
