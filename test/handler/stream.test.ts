import { describe, expect, test } from 'bun:test'
import { play } from './scripted-api.ts'

const decode = (body: string | undefined) => JSON.parse(Buffer.from(body ?? '', 'base64').toString())

describe.concurrent('a streaming handler', () => {
  test('answers piece by piece, with a content type of its own', async () => {
    const { calls } = await play('streams.pieces')
    expect(calls).toEqual([
      {
        path: '/2018-06-01/runtime/invocation/id-1/response',
        body: 'first,second,{"third":3}',
        headers: expect.objectContaining({
          'content-type': 'text/plain',
          'lambda-runtime-function-response-mode': 'streaming',
          'transfer-encoding': 'chunked',
        }),
        trailers: {},
      },
    ])
  })

  test('can be the end of a pipeline, again and again', async () => {
    const { calls, code } = await play('streams.pipes', { events: [{}, {}] })
    expect(calls.map((call) => [call.body.length, call.headers['content-type']])).toEqual([
      [1_000_002, 'application/octet-stream'],
      [1_000_002, 'application/octet-stream'],
    ])
    expect(code).toBe(0)
  })

  test('sends status and headers before the body', async () => {
    const { calls } = await play('streams.http')
    expect(calls[0]?.body).toBe(`{"statusCode":201,"headers":{"a":"b"}}${'\0'.repeat(8)}body`)
    expect(calls[0]?.headers['content-type']).toBe('application/vnd.awslambda.http-integration-response')
  })

  test('reports an error after the first byte in trailers and goes on', async () => {
    const { calls, lines } = await play('streams.failsMidway', { events: [{}, {}] })
    expect(calls.map((call) => call.body)).toEqual(['half', 'half'])
    expect(calls[0]?.trailers['lambda-runtime-function-error-type']).toBe('TypeError')
    expect(decode(calls[0]?.trailers['lambda-runtime-function-error-body'])).toEqual({
      errorType: 'TypeError',
      errorMessage: 'midway',
      trace: expect.any(Array),
    })
    expect(lines[0]).toContain('Invoke Error')
  })

  test.each([
    ['an error before the first byte', 'streams.failsFirst', 'TypeError', 'before anything'],
    ['that nothing was written', 'streams.unfinished', 'Error', 'Response stream is not finished.'],
  ])('reports %s in trailers too', async (_, handler, errorType, errorMessage) => {
    const { calls } = await play(handler)
    expect(calls.map(({ path, body }) => [path, body])).toEqual([
      ['/2018-06-01/runtime/invocation/id-1/response', ''],
    ])
    expect(calls[0]?.trailers['lambda-runtime-function-error-type']).toBe(errorType)
    expect(decode(calls[0]?.trailers['lambda-runtime-function-error-body'])).toEqual({
      errorType,
      errorMessage,
      trace: expect.any(Array),
    })
  })

  test('must be async, of which the caller is not told when all was written', async () => {
    const { calls, lines } = await play('streams.synchronous')
    expect(calls.map(({ body, trailers }) => [body, trailers])).toEqual([['x', {}]])
    expect(lines).toEqual([expect.stringContaining('Streaming does not support non-async handlers.')])
  })
})
