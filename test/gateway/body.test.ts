import { describe, expect, test } from 'bun:test'
import { type Body, readBody } from '../../src/gateway/body.ts'

const url = 'http://localhost/'
const limit = 6_291_456

/** A body of that many bytes in chunks, of which nobody knows the length; counts how many were read. */
function chunks(
  bytes: number,
  size = 1_000_000,
): { readonly body: ReadableStream; readonly read: () => number } {
  let left = bytes
  return {
    body: new ReadableStream({
      pull(controller) {
        if (left === 0) controller.close()
        else {
          controller.enqueue(new Uint8Array(Math.min(left, size)))
          left -= Math.min(left, size)
        }
      },
    }),
    read: () => bytes - left,
  }
}

const post = (body: ReadableStream | Uint8Array<ArrayBuffer> | string | null, headers = {}): Promise<Body> =>
  new Promise((resolve) => readBody(new Request(url, { method: 'POST', body, headers }), limit, resolve))
const sized = (bytes: number): Promise<Body> =>
  post(new Uint8Array(bytes), { 'content-length': String(bytes) })

describe('the limit, at the byte', () => {
  test('with its length', async () => {
    expect(await sized(limit)).toMatchObject({ size: limit })
    expect(await sized(limit + 1)).toBe('too-large')
  })

  test('in chunks', async () => {
    expect(await post(chunks(limit).body)).toMatchObject({ size: limit })
    expect(await post(chunks(limit + 1).body)).toBe('too-large')
  })

  test('with its length twice', async () => {
    const twice = (bytes: number) => ({ 'content-length': `${bytes}, ${bytes}` })
    expect(await post(new Uint8Array(limit), twice(limit))).toMatchObject({ size: limit })
    expect(await post(new Uint8Array(limit + 1), twice(limit + 1))).toBe('too-large')
  })

  test('what is announced over it is not read', async () => {
    const { body, read } = chunks(limit + 1, 1000)
    expect(await post(body, { 'content-length': String(limit + 1) })).toBe('too-large')
    expect(read()).toBeLessThan(limit / 2)
  })

  test('what comes over it unannounced is read to its end, so that the caller can read the answer', async () => {
    const { body, read } = chunks(3 * limit)
    expect(await post(body)).toBe('too-large')
    expect(read()).toBe(3 * limit)
  })
})

test('nothing is an empty object', async () => {
  const bodies = [
    await post(null),
    await sized(0),
    await post(chunks(0).body),
    await post('', { 'content-length': '0' }),
  ]
  expect(await Promise.all(bodies.map((body) => (body as Blob).text()))).toEqual(['{}', '{}', '{}', '{}'])
})

test('bytes stay bytes', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
  expect(await ((await post(bytes)) as Blob).bytes()).toEqual(bytes)
})

test('a body that breaks off is broken', async () => {
  const broken = () =>
    new ReadableStream({
      pull(controller) {
        controller.error(new Error('gone'))
      },
    })
  expect(await post(broken())).toBe('broken')
  expect(await post(broken(), { 'content-length': '10' })).toBe('broken')
})
