import { describe, expect, test } from 'bun:test'
import {
  type ApiAnswer,
  accepted,
  errorAnswer,
  errorType,
  goJson,
  invokeEvent,
  methodNotAllowed,
  notFound,
  refusal,
  registered,
  sendInvocation,
  shutdownEvent,
} from '../../src/api/wire.ts'
import type { ExtensionId } from '../../src/core/ids.ts'
import { encoded } from '../../src/http/collect.ts'
import { invocation } from '../engine/fakes.ts'
import { type FakeAnswer, FakeExchange } from '../http/fake.ts'

/** An answer as one value. */
function whole({ status, headers, body }: Omit<ApiAnswer, 'body'> & { readonly body: unknown }): unknown {
  const pairs: [string, string][] = []
  for (let index = 0; index < headers.length; index += 2) {
    pairs.push([headers[index] as string, headers[index + 1] as string])
  }
  return { status, headers: Object.fromEntries(pairs), body }
}

/** The event that a runtime gets. */
function delivered(one: ReturnType<typeof invocation>): unknown {
  const exchange = new FakeExchange({ method: 'GET' })
  sendInvocation(exchange, one)
  const { status, headers, text } = exchange.answer as FakeAnswer
  return whole({ status, headers, body: text })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const json = { 'Content-Type': 'application/json' }

test('JSON is escaped as Go does it', () => {
  expect(goJson({ a: '<b>&"\u2028\u2029é' })).toBe('{"a":"\\u003cb\\u003e\\u0026\\"\\u2028\\u2029é"}')
})

describe('answers', () => {
  test('to everything that was posted', () => {
    expect(whole(accepted)).toEqual({ status: 202, headers: json, body: '{"status":"OK"}\n' })
  })

  test('to what is refused: message first, and a newline', () => {
    expect(whole(refusal({ code: 'InvalidRequestID', message: 'Invalid request ID' }))).toEqual({
      status: 400,
      headers: json,
      body: '{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}\n',
    })
    expect(whole(errorAnswer(500, 'T', '<m>'))).toEqual({
      status: 500,
      headers: json,
      body: '{"errorMessage":"\\u003cm\\u003e","errorType":"T"}\n',
    })
  })

  test('to a registration', () => {
    expect(whole(registered('an-id' as ExtensionId, { b: 1, a: 2 }))).toEqual({
      status: 200,
      headers: { ...json, 'Lambda-Extension-Identifier': 'an-id' },
      body: '{"b":1,"a":2}\n',
    })
  })

  test('to what is not served', () => {
    expect(whole(notFound)).toEqual({
      status: 404,
      headers: { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' },
      body: '404 page not found\n',
    })
    expect(whole(methodNotAllowed('PUT'))).toEqual({ status: 405, headers: { Allow: 'PUT' }, body: '' })
  })
})

describe('events', () => {
  test('an invocation with nothing but what it must have', () => {
    const one = { ...invocation('an-id'), deadline: 1_700_000_003_000.7 }
    expect(delivered(one)).toEqual({
      status: 200,
      headers: {
        ...json,
        'Lambda-Runtime-Aws-Request-Id': 'an-id',
        'Lambda-Runtime-Deadline-Ms': '1700000003000',
        'Lambda-Runtime-Invoked-Function-Arn': 'arn:aws:lambda:us-east-1:012345678912:function:f',
        'Lambda-Runtime-Trace-Id': 'Root=1-2-3',
        'Lambda-Runtime-Invocation-Id': expect.stringMatching(uuid),
      },
      body: '{}',
    })
    expect(one.deliveryId).toMatch(uuid)
  })

  test('an invocation that is handed out again keeps the number of its delivery', () => {
    const one = invocation('an-id')
    expect(delivered(one)).toEqual(delivered(one))
  })

  test('an invocation with everything', () => {
    const one = invocation('an-id', [], {
      clientContext: '{"a":"\\u00e9"}',
      cognitoIdentity: '{"cognitoIdentityId":"i","cognitoIdentityPoolId":""}',
      tenant: 'blue',
      payload: encoded('not json'),
    })
    expect(delivered(one)).toMatchObject({
      headers: {
        ...json,
        'Lambda-Runtime-Client-Context': '{"a":"\\u00e9"}',
        'Lambda-Runtime-Cognito-Identity': '{"cognitoIdentityId":"i","cognitoIdentityPoolId":""}',
        'Lambda-Runtime-Aws-Tenant-Id': 'blue',
      },
      body: 'not json',
    })
  })

  test('INVOKE for an extension, without a newline', () => {
    const one = { ...invocation('an-id'), deadline: 1_700_000_003_000.7 }
    expect(whole(invokeEvent(one))).toEqual({
      status: 200,
      headers: { ...json, 'Lambda-Extension-Event-Identifier': expect.stringMatching(uuid) },
      body:
        '{"eventType":"INVOKE","deadlineMs":1700000003000,"requestId":"an-id",' +
        '"invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:f",' +
        '"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}}',
    })
  })

  test('SHUTDOWN for an extension', () => {
    expect(whole(shutdownEvent('spindown', 1_700_000_002_000.2))).toEqual({
      status: 200,
      headers: { ...json, 'Lambda-Extension-Event-Identifier': expect.stringMatching(uuid) },
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
