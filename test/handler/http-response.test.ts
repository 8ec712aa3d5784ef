import { describe, expect, test } from 'bun:test'
import { parseAddress } from '../../src/handler/connection.ts'
import { type HttpResponse, HttpResponseParser } from '../../src/handler/http-response.ts'

/** Feeds a text in pieces of one size and gives back the replies, and whether the rest counts as begun. */
const parse = (text: string, size: number) => {
  const parser = new HttpResponseParser()
  const replies: HttpResponse[] = []
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) {
    const reply = parser.push(bytes.subarray(at, at + size))
    if (reply) replies.push(reply)
  }
  const plain = replies.map(({ status, body }) => [status, body.toString()])
  return { plain, headers: replies[0]?.headers, parser }
}

describe.each([1, 2, 3, 7, 1000])('a reply in pieces of %i bytes', (size) => {
  test.each([
    ['by length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, 'hello'],
    ['without a body', 'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n', 202, ''],
    ['that has none by its status', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    [
      'after a provisional one',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx',
      200,
      'x',
    ],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123\r\n6789\r\n0\r\n\r\n',
      200,
      'abc0123\r\n6789',
    ],
    [
      'with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n',
      200,
      'a',
    ],
  ])('is read %s', (_, text, status, body) => {
    const { plain, parser } = parse(text, size)
    expect(plain).toEqual([[status, body]])
    expect(parser.started).toBe(false)
  })

  test('follows another on the same connection', () => {
    const one = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'
    const parser = new HttpResponseParser()
    for (const body of ['first', 'second']) {
      const first = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      expect(parser.push(Buffer.from(first))?.body.toString()).toBe(body)
      expect(parser.push(Buffer.from(one))?.body.toString()).toBe('a')
    }
  })

  test('is complete at the end of the connection if nothing else says so', () => {
    const { plain, parser } = parse('HTTP/1.1 500 Oops\r\n\r\nall there is', size)
    expect(plain).toEqual([])
    expect(parser.end()?.body.toString()).toBe('all there is')
  })

  test('is not complete when the connection ends too early', () => {
    const { plain, parser } = parse('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell', size)
    expect(plain).toEqual([])
    expect(parser.end()).toBeUndefined()
    expect(parser.started).toBe(true)
  })
})

test('header names are compared in lower case and values are trimmed', () => {
  const { headers } = parse('HTTP/1.1 200 OK\r\nLAMBDA-X:  a: b \r\nContent-Length: 0\r\n\r\n', 5)
  expect([...(headers ?? [])]).toEqual([
    ['lambda-x', 'a: b'],
    ['content-length', '0'],
  ])
})

test.each([
  ['127.0.0.1:9001', '127.0.0.1', 9001],
  ['[::1]:9001', '::1', 9001],
  [':9001', '127.0.0.1', 9001],
  ['sandbox.localdomain:80', 'sandbox.localdomain', 80],
])('%s is an address', (text, host, port) => {
  expect(parseAddress(text)).toEqual({ host, port })
})
