import { afterEach, describe, expect, test } from 'bun:test'
import { bindAll, plainAddress } from '../../src/http/address.ts'
import type { Exchange } from '../../src/http/exchange.ts'
import { listen } from '../../src/http/listen.ts'
import { type Stand, stand } from './stand.ts'

const get = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
let made: Stand | undefined
afterEach(() => made?.[Symbol.asyncDispose]())

/** The native adapter sees requests that are sent together; the other one does not. */
async function adapter(): Promise<'native' | 'fetch'> {
  const one = made as Stand
  one.handle = () => {}
  const peer = await one.connect()
  peer.send(get + get)
  await one.exchange()
  return one.exchanges.length === 2 ? 'native' : 'fetch'
}

describe('which adapter', () => {
  test('the native one on a Bun whose handles are known', async () => {
    made = stand((at, handlers) => listen(at, handlers, '1.4.9'))
    expect(await adapter()).toBe('native')
    expect(made.limits).toEqual([])
  })

  test('the documented one on any other, which is told once', async () => {
    made = stand((at, handlers) => listen(at, handlers, '1.5.0'))
    expect(await adapter()).toBe('fetch')
    await made[Symbol.asyncDispose]()
    expect(made.limits.join()).toContain('errors of response streams')
    const second = stand((at, handlers) => listen(at, handlers, '1.3.14'))
    expect(second.limits).toEqual([])
    await second[Symbol.asyncDispose]()
  })
})

describe('every address', () => {
  const failing =
    (code: string) =>
    (hostname: string): string => {
      if (hostname === '::') throw Object.assign(new Error('no'), { code })
      return hostname
    }

  test('IPv4 alone where the kernel has no IPv6', () => {
    expect(bindAll((hostname) => hostname)).toBe('::')
    expect(bindAll(failing('EAFNOSUPPORT'))).toBe('0.0.0.0')
    expect(bindAll(failing('EADDRNOTAVAIL'))).toBe('0.0.0.0')
  })

  test('a port that is taken, or not ours, is no reason for it', () => {
    expect(() => bindAll(failing('EADDRINUSE'))).toThrow('no')
    expect(() => bindAll(failing('EACCES'))).toThrow('no')
  })

  test('an IPv4 peer has its own address', () => {
    expect(['::ffff:10.0.0.1', '::1', '::ffff:1', '10.0.0.1', ''].map(plainAddress)).toEqual([
      '10.0.0.1',
      '::1',
      '::ffff:1',
      '10.0.0.1',
      '',
    ])
  })
})

describe('localhost', () => {
  const statusOf = async (host: string, port: number): Promise<number> =>
    (await fetch(`http://${host}:${port}/`)).status
  const handlers = {
    handle: (exchange: Exchange) => void exchange.respond(204, []),
    failed() {},
    limited() {},
  }

  test('is both of its addresses, on one and the same port', async () => {
    const listener = listen({ hostname: 'localhost', port: 0 }, handlers)
    const { port } = listener
    expect([listener.hostname, await statusOf('127.0.0.1', port), await statusOf('[::1]', port)]).toEqual([
      '127.0.0.1',
      204,
      204,
    ])
    await listener.stop()
    for (const host of ['127.0.0.1', '[::1]']) expect(statusOf(host, port)).rejects.toThrow()
  })

  test.each([['127.0.0.1'], ['::1']])('is in use when somebody else listens on %s', async (hostname) => {
    const other = listen({ hostname, port: 0 }, handlers)
    const { port } = other
    expect(() => listen({ hostname: 'localhost', port }, handlers)).toThrow(`Is port ${port} in use?`)
    await other.stop()
    // nothing of the attempt is left
    await listen({ hostname: 'localhost', port }, handlers).stop()
  })
})
