/** How a runtime answers: responses, errors, modes, streams, limits. */
import { expect } from 'bun:test'
import { bytes, type Request, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { accepted, base64, fault, maxResponse, refusal, signed } from './facts.ts'

const causeType = 'application/vnd.aws.lambda.error.cause+json'

export const responses = chapter('Runtime API: responses', (it) => {
  it('acknowledges a response in JSON with a newline', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    const { id } = await rie.next()
    const answer = await rie.respond(id)
    expect([answer.status, answer.text, answer.header('Content-Type')]).toEqual([
      202,
      accepted,
      'application/json',
    ])
  })

  it('takes an error for an answer to one invocation and a response to the next', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('1')
    const { id } = await rie.next()
    expect((await rie.error(id, '{"errorMessage":"no"}')).status).toBe(202)
    rie.park()
    expect((await call).text).toBe('{"errorMessage":"no"}')
    expect((await rie.exchange('2', '"yes"')).answer.text).toBe('"yes"')
  })

  it('takes header names in any case', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const headers = { 'CONTENT-TYPE': causeType, 'lambda-runtime-function-error-type': 'Function.Foo' }
    await rie.error(id, '{"errorMessage":"m","errorType":"T","extra":1}', headers)
    rie.park()
    expect((await call).text).toBe('{"errorMessage":"m","errorType":"T"}')
  })

  const cause = { exceptions: [{ message: 'm', type: 'T', stack: [] }], working_directory: '/', paths: [] }
  for (const [kind, sent, got] of [
    [
      'drops the cause',
      { errorMessage: 'm', errorType: 'T', errorCause: cause },
      '{"errorMessage":"m","errorType":"T"}',
    ],
    [
      'keeps the stack trace',
      { errorMessage: 'm', errorType: 'T', stackTrace: ['a', 'b'], errorCause: cause },
      '{"errorMessage":"m","errorType":"T","stackTrace":["a","b"]}',
    ],
    ['fills in what is missing', {}, '{"errorMessage":"","errorType":""}'],
    [
      'escapes as the reference does',
      { errorMessage: '<&>' },
      '{"errorMessage":"\\u003c\\u0026\\u003e","errorType":""}',
    ],
    ['answers for what it cannot read', 'not an object', '"Invalid error body"'],
    ['answers for a field of a wrong type', { errorMessage: 7 }, '"Invalid error body"'],
    ['takes null for the document', null, '{"errorMessage":"","errorType":""}'],
    ['takes names in any case', { ErrorMessage: 'm' }, '{"errorMessage":"m","errorType":""}'],
    ['takes null for a line', { stackTrace: [null] }, '{"errorMessage":"","errorType":"","stackTrace":[""]}'],
  ] as const) {
    it(`${kind} of an error of type ${causeType}`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke()
      const { id } = await rie.next()
      const answer = await rie.error(id, JSON.stringify(sent), { 'Content-Type': causeType })
      expect(answer.status).toBe(202)
      rie.park()
      expect([(await call).status, (await call).text]).toEqual([200, got])
    })
  }

  it('takes an error cause of 900 KB in a header', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const headers = { 'Lambda-Runtime-Function-XRay-Error-Cause': 'x'.repeat(900_000) }
    expect((await rie.error(id, '{"errorMessage":"long"}', headers)).status).toBe(202)
    rie.park()
    expect((await call).text).toBe('{"errorMessage":"long"}')
  })

  for (const [mode, status] of [
    ['streaming', 202],
    ['buffered', 202],
  ] as const) {
    it(`takes the response mode ${mode}`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke()
      const { id } = await rie.next()
      const headers = { 'Lambda-Runtime-Function-Response-Mode': mode }
      expect((await rie.respond(id, '"as it is"', headers)).status).toBe(status)
      rie.park()
      expect((await call).text).toBe('"as it is"')
    })
  }

  it('refuses a response mode that it does not know', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    const { id } = await rie.next()
    const answer = await rie.respond(id, '"no"', { 'Lambda-Runtime-Function-Response-Mode': 'bogus' })
    expect([answer.status, answer.text]).toEqual([
      400,
      refusal('InvalidFunctionResponseMode', 'Invalid function response mode'),
    ])
  })

  it('lets a runtime answer after a response mode was refused', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.respond(id, '"no"', { 'Lambda-Runtime-Function-Response-Mode': 'bogus' })
    expect((await rie.respond(id, '"yes"')).status).toBe(202)
    rie.park()
    expect((await call).text).toBe('"yes"')
  })

  const response = (id: string, headers: Record<string, string>, body: string): Request => ({
    method: 'POST',
    path: `/2018-06-01/runtime/invocation/${id}/response`,
    headers,
    body,
  })

  it('takes a response that comes in chunks with a trailer announced', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const headers = { 'Transfer-Encoding': 'chunked', Trailer: 'Lambda-Runtime-Function-Error-Type' }
    using wire = await Wire.open(rie.api)
    wire.send(bytes(rie.api, response(id, headers, '4\r\n"pie\r\n')))
    await rie.settle()
    wire.send('4\r\nces"\r\n0\r\n\r\n')
    expect((await wire.answer()).status).toBe(202)
    rie.park()
    const answer = await call
    expect([answer.status, answer.text, answer.header('X-Amz-Function-Error')]).toEqual([
      200,
      '"pieces"',
      undefined,
    ])
  })

  const trailers = `Lambda-Runtime-Function-Error-Type: Boom\r\nLambda-Runtime-Function-Error-Body: ${base64('{"errorMessage":"boom"}')}\r\n`
  const streaming = {
    'Lambda-Runtime-Function-Response-Mode': 'streaming',
    'Transfer-Encoding': 'chunked',
    Trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body',
  }

  it('answers with the document of a stream that ended in trailers', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke('{}', signed)
    const { id } = await rie.next()
    using wire = await Wire.open(rie.api)
    wire.send(bytes(rie.api, response(id, streaming, `5\r\nbegun\r\n0\r\n${trailers}\r\n`)))
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '{"errorMessage":"boom"}'])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    expect((await wire.answer()).status).toBe(202)
  })

  it('answers with the document of a stream that ended in trailers before its first byte', async ({
    start,
  }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    using wire = await Wire.open(rie.api)
    wire.send(bytes(rie.api, response(id, streaming, `0\r\n${trailers}\r\n`)))
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '{"errorMessage":"boom"}'])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  for (const [kind, headers, body] of [
    ['with a length', { 'Content-Length': '100' }, '"only so much'],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }, '5\r\n"only\r\n'],
  ] as const) {
    it(`ends the invocation when an upload ${kind} breaks off`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke()
      const { id } = await rie.next()
      const wire = await Wire.open(rie.api)
      wire.send(bytes(rie.api, response(id, headers, body)))
      await rie.settle()
      wire[Symbol.dispose]()
      const answer = await call
      expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.TruncatedResponse'])
    })
  }

  for (const [order, ends] of [
    ['is seen first', false],
    ['is seen last', true],
  ] as const) {
    it(`answers with the death of a runtime in the middle of its upload, when the break ${order}`, async ({
      start,
    }) => {
      await using rie = await start()
      const call = rie.invoke()
      const { id } = await rie.next()
      const runtime = await rie.runtime()
      const wire = await Wire.open(rie.api)
      wire.send(bytes(rie.api, response(id, { 'Content-Length': '6000000' }, '"half of it')))
      await rie.settle()
      if (ends) {
        runtime.kill()
        await runtime.gone()
        await rie.settle()
      }
      wire[Symbol.dispose]()
      runtime.kill()
      const answer = await call
      expect([answer.status, answer.text]).toEqual([
        502,
        fault('Runtime.ExitError', id, 'Runtime exited with error: signal: killed'),
      ])
    })
  }

  it('takes a response whose sender closes its side after the last byte', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    using wire = await Wire.open(rie.api)
    wire.send(bytes(rie.api, response(id, {}, '"all of it"')))
    wire.finish()
    expect((await wire.answer()).status).toBe(202)
    rie.park()
    expect((await call).text).toBe('"all of it"')
  })

  it('refuses a response over the limit and goes on with the same runtime', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const answer = await rie.respond(id, 'x'.repeat(maxResponse + 1))
    expect([answer.status, answer.text]).toEqual([
      413,
      refusal('RequestEntityTooLarge', 'Exceeded maximum allowed payload size (6291556 bytes).'),
    ])
    rie.park()
    await call
    expect((await rie.exchange('{}', '"small"')).answer.text).toBe('"small"')
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('refuses an error over the limit and goes on with the same runtime', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const answer = await rie.error(id, 'x'.repeat(maxResponse + 1))
    expect([answer.status, answer.json.errorType]).toEqual([413, 'RequestEntityTooLarge'])
    rie.park()
    expect((await call).json.errorType).toBe('Function.ResponseSizeTooLarge')
    expect((await rie.exchange('{}', '"small"')).answer.text).toBe('"small"')
  })
})
