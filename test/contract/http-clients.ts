/** What other HTTP clients than curl send: Expect in any letters, trailers, on both listeners. */
import { expect } from 'bun:test'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath, runtimePath } from './emulator.ts'
import { accepted, maxRequest, signed } from './facts.ts'

/** Java's HttpClient, Apache HttpComponents, curl, and who shouts. */
const expectations = ['100-Continue', '100-continue', '100-CONTINUE']
const continued = /^HTTP\/1\.1 100 Continue\r\n\r\n/
const chunked = { 'Transfer-Encoding': 'chunked' }

const posts = { response: 'respond', error: 'error' } as const

export const httpClients = chapter('HTTP of other clients', (it) => {
  for (const expectation of expectations) {
    it(`says 100 Continue to Expect: ${expectation} before an event with a length`, async ({ start }) => {
      await using rie = await start()
      using wire = await Wire.open(rie.gateway)
      const headers = { Expect: expectation, 'Content-Length': '6' }
      wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
      await wire.until(continued)
      wire.send('"late"')
      expect((await rie.reply('"1"')).text).toBe('"late"')
      const answer = await wire.answer()
      expect([answer.status, answer.text]).toEqual([200, '"1"'])
    })

    it(`says 100 Continue to Expect: ${expectation} before an event in chunks`, async ({ start }) => {
      await using rie = await start()
      using wire = await Wire.open(rie.gateway)
      const headers = { Expect: expectation, ...chunked }
      wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
      await wire.until(continued)
      wire.send('6\r\n"late"\r\n0\r\n\r\n')
      expect((await rie.reply()).text).toBe('"late"')
      expect((await wire.answer()).status).toBe(200)
    })

    for (const post of ['response', 'error'] as const) {
      it(`says 100 Continue to Expect: ${expectation} of a runtime before its ${post}`, async ({ start }) => {
        await using rie = await start()
        const call = rie.invoke()
        const { id } = await rie.next()
        using wire = await Wire.open(rie.api)
        const headers = { Expect: expectation, 'Content-Length': '5' }
        wire.send(
          bytes(rie.api, { method: 'POST', path: `${runtimePath}/invocation/${id}/${post}`, headers }),
        )
        await wire.until(continued)
        wire.send('"own"')
        expect((await wire.answer()).text).toBe(accepted)
        rie.park()
        expect((await call).text).toBe('"own"')
      })
    }
  }

  it('says 100 Continue to a runtime before it reports an error of init', async ({ start }) => {
    await using rie = await start({ flags: ['--init-timeout', '0'] })
    const call = rie.invoke()
    for (const n of [1, 2]) {
      await rie.runtime(n)
      using wire = await Wire.open(rie.api)
      const headers = { Expect: '100-Continue', 'Content-Length': '17' }
      wire.send(bytes(rie.api, { method: 'POST', path: `${runtimePath}/init/error`, headers }))
      await wire.until(continued)
      wire.send('{"errorType":"X"}')
      expect((await wire.answer()).status).toBe(202)
    }
    expect((await call).text).toBe('{"errorType":"X"}')
  })

  it('says 100 Continue to an extension before it registers', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.runtime()
    using wire = await Wire.open(rie.api)
    const headers = { Expect: '100-Continue', 'Lambda-Extension-Name': 'inner', 'Content-Length': '21' }
    wire.send(bytes(rie.api, { method: 'POST', path: '/2020-01-01/extension/register', headers }))
    await wire.until(continued)
    wire.send('{"events":["INVOKE"]}')
    expect((await wire.answer()).status).toBe(200)
  })

  it('serves a caller that expects 100 Continue and then sends a second event on the same connection', async ({
    start,
  }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    for (const text of ['"one"', '"two"']) {
      const headers = { Expect: '100-Continue', 'Content-Length': '5' }
      wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
      await wire.until(continued)
      wire.send(text)
      expect((await rie.reply(text)).text).toBe(text)
      expect((await wire.answer()).text).toBe(text)
    }
  })

  it('serves a caller that expects 100 Continue and does not wait for it', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('"eager"', { Expect: '100-continue' })
    expect((await rie.reply()).text).toBe('"eager"')
    expect((await call).status).toBe(200)
  })

  it('serves a caller that expects 100 Continue and has no body', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('', { Expect: '100-continue' })
    expect((await rie.reply()).status).toBe(200)
    expect((await call).status).toBe(200)
  })

  it('answers 404 to a caller that expects 100 Continue from another path', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    const headers = { Expect: '100-Continue', 'Content-Length': '6' }
    wire.send(bytes(rie.gateway, { method: 'POST', path: '/elsewhere', headers }))
    await wire.until(/HTTP\/1\.1 (404|100)/)
    if (continued.test(wire.received.toString())) wire.send('"late"')
    expect((await wire.answer()).status).toBe(404)
  })

  it('refuses an event that is announced as too large, to a caller that waits for 100 Continue', async ({
    start,
  }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    const headers = { Expect: '100-continue', 'Content-Length': String(maxRequest + 1) }
    wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, headers }))
    await wire.until(/HTTP\/1\.1 (413|100)/)
    if (continued.test(wire.received.toString())) wire.send(new Uint8Array(maxRequest + 1))
    expect((await wire.answer()).status).toBe(413)
    expect(rie.runtimes()).toEqual([])
  })

  for (const [kind, headers, trailers] of [
    ['a trailer that is announced', { Trailer: 'X-Checksum' }, 'X-Checksum: abc\r\n'],
    ['a trailer that is not announced', {}, 'X-Checksum: abc\r\n'],
    ['several trailers, one without a value', { Trailer: 'A, B' }, 'A: 1\r\nB:\r\nC: x: y\r\n'],
    [
      'a trailer of an SDK, signed',
      { ...signed, Trailer: 'x-amz-checksum-crc32' },
      'x-amz-checksum-crc32: AAAAAA==\r\n',
    ],
    ['trailers that were announced and do not come', { Trailer: 'X-Checksum' }, ''],
  ] as const) {
    it(`takes an event in chunks with ${kind}, and the next on the same connection`, async ({ start }) => {
      await using rie = await start()
      using wire = await Wire.open(rie.gateway)
      for (const n of ['1', '2']) {
        const body = `7\r\n{"n":${n}}\r\n0\r\n${trailers}\r\n`
        wire.send(
          bytes(rie.gateway, { method: 'POST', path: invokePath, headers: { ...chunked, ...headers }, body }),
        )
        expect((await rie.reply(n)).text).toBe(`{"n":${n}}`)
        const answer = await wire.answer()
        expect([answer.status, answer.text]).toEqual([200, n])
      }
    })
  }

  it('takes an event in chunks with trailers that come byte by byte', async ({ start }) => {
    await using rie = await start()
    using wire = await Wire.open(rie.gateway)
    const body = '2\r\n{}\r\n0\r\nX-Checksum: abc\r\nX-Other: d\r\n\r\n'
    for (const byte of bytes(rie.gateway, { method: 'POST', path: invokePath, headers: chunked, body })) {
      wire.send(new Uint8Array([byte]))
      if (byte === 10) await rie.call('GET', '/2018-06-01/ping')
    }
    expect((await rie.reply()).text).toBe('{}')
    expect((await wire.answer()).status).toBe(200)
  })

  it('takes chunks with extensions', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('3;a=b\r\n{"a\r\n4;c\r\n":1}\r\n0\r\nT: 1\r\n\r\n', chunked)
    expect((await rie.reply()).text).toBe('{"a":1}')
    expect((await call).status).toBe(200)
  })

  for (const post of ['response', 'error'] as const) {
    it(`takes a ${post} with a trailer that tells of no error`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke()
      const { id } = await rie.next()
      const body = '4\r\n"ok"\r\n0\r\nX-Checksum: abc\r\n\r\n'
      const answer = await rie[posts[post]](id, body, { ...chunked, Trailer: 'X-Checksum' })
      expect([answer.status, answer.text]).toEqual([202, accepted])
      rie.park()
      expect((await call).text).toBe('"ok"')
    })
  }

  it('takes a registration with a trailer', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.runtime()
    const answer = await rie.call(
      'POST',
      '/2020-01-01/extension/register',
      '15\r\n{"events":["INVOKE"]}\r\n0\r\nX-Checksum: abc\r\n\r\n',
      { ...chunked, 'Lambda-Extension-Name': 'inner' },
    )
    expect(answer.status).toBe(200)
  })
})
