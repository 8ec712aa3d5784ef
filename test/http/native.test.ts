import { expect, test } from 'bun:test'
import type { Shared } from '../../src/http/exchange.ts'
import { type NativeServer, nativeCallback } from '../../src/http/native.ts'

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
