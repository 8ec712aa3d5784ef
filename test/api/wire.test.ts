import { describe, expect, test } from 'bun:test'
import {
  accepted,
  errorResponse,
  errorType,
  goJson,
  invocationResponse,
  invokeEvent,
  methodNotAllowed,
  notFound,
  refusal,
  registered,
  shutdownEvent,
} from '../../src/api/wire.ts'
import type { ExtensionId } from '../../src/core/ids.ts'
import { invocation } from '../engine/fakes.ts'

/** A response as one value. */
async function whole(response: Response): Promise<unknown> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const json = { 'content-type': 'application/json' }

test('JSON is escaped as Go does it', () => {
  expect(goJson({ a: '<b>&"\u2028\u2029é' })).toBe('{"a":"\\u003cb\\u003e\\u0026\\"\\u2028\\u2029é"}')
})

describe('answers', () => {
  test('to everything that was posted', async () => {
    expect(await whole(accepted())).toEqual({ status: 202, headers: json, body: '{"status":"OK"}\n' })
    // a body can be read once, so each answer is a new one
    expect(accepted()).not.toBe(accepted())
  })

  test('to what is refused: message first, and a newline', async () => {
    expect(
      await whole(refusal({ kind: 'refused', code: 'InvalidRequestID', message: 'Invalid request ID' })),
    ).toEqual({
      status: 400,
      headers: json,
      body: '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
    })
    expect(await whole(errorResponse(500, 'T', '<m>'))).toEqual({
      status: 500,
      headers: json,
      body: '{"errorMessage":"\\u003cm\\u003e","errorType":"T"}\n',
    })
  })

  test('to a registration', async () => {
    expect(await whole(registered('an-id' as ExtensionId, { b: 1, a: 2 }))).toEqual({
      status: 200,
      headers: { ...json, 'lambda-extension-identifier': 'an-id' },
      body: '{"b":1,"a":2}\n',
    })
  })

  test('to what is not served', async () => {
    expect(await whole(notFound())).toEqual({
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
      body: '404 page not found\n',
    })
    expect(await whole(methodNotAllowed('PUT'))).toEqual({ status: 405, headers: { allow: 'PUT' }, body: '' })
  })
})

describe('events', () => {
  test('an invocation with nothing but what it must have', async () => {
    const one = { ...invocation('an-id'), deadline: 1_700_000_003_000.7 }
    expect(await whole(invocationResponse(one))).toEqual({
      status: 200,
      headers: {
        ...json,
        'lambda-runtime-aws-request-id': 'an-id',
        'lambda-runtime-deadline-ms': '1700000003000',
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:012345678912:function:f',
        'lambda-runtime-trace-id': 'Root=1-2-3',
      },
      body: '{}',
    })
  })

  test('an invocation with everything', async () => {
    const one = invocation('an-id', [], {
      clientContext: '{"a":"\\u00e9"}',
      tenant: 'blue',
      payload: new Blob(['not json']),
    })
    expect(await whole(invocationResponse(one))).toMatchObject({
      headers: {
        ...json,
        'lambda-runtime-client-context': '{"a":"\\u00e9"}',
        'lambda-runtime-aws-tenant-id': 'blue',
      },
      body: 'not json',
    })
  })

  test('INVOKE for an extension, without a newline', async () => {
    const one = { ...invocation('an-id'), deadline: 1_700_000_003_000.7 }
    expect(await whole(invokeEvent(one))).toEqual({
      status: 200,
      headers: { ...json, 'lambda-extension-event-identifier': expect.stringMatching(uuid) },
      body:
        '{"eventType":"INVOKE","deadlineMs":1700000003000,"requestId":"an-id",' +
        '"invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:f",' +
        '"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}}',
    })
  })

  test('SHUTDOWN for an extension', async () => {
    expect(await whole(shutdownEvent('spindown', 1_700_000_002_000.2))).toEqual({
      status: 200,
      headers: { ...json, 'lambda-extension-event-identifier': expect.stringMatching(uuid) },
      body: '{"eventType":"SHUTDOWN","deadlineMs":1700000002000,"shutdownReason":"spindown"}',
    })
  })
})

test.each([
  [null, 'Runtime.Unknown'],
  ['', 'Runtime.Unknown'],
  ['MyError', 'Runtime.Unknown'],
  ['MyError.Error', 'Runtime.Unknown'],
  ['Runtime.ImportModuleError', 'Runtime.ImportModuleError'],
  ['Function.Oops', 'Function.Oops'],
  ['Function.oops', 'Function.Unknown'],
  ['Function.', 'Function.Unknown'],
  ['Runtime.oops', 'Runtime.Unknown'],
  ['Runtime.X', 'Runtime.Unknown'],
  ['not a Runtime.Xyz', 'Runtime.Unknown'],
  ['Runtime.Xyz and more', 'Runtime.Unknown'],
  ['Function.Xyz\n', 'Function.Unknown'],
] as const)('the error type %j is %j', (sent, expected) => {
  expect(errorType(sent)).toBe(expected)
})
