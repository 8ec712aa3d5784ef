import { describe, expect, test } from 'bun:test'
import type { Outcome, Payload } from '../../src/core/failure.ts'
import type { RequestId } from '../../src/core/ids.ts'
import {
  type InvokeAnswer,
  invalidContent,
  render,
  requestTooLarge,
  type SpokenDialect,
} from '../../src/gateway/dialect.ts'
import { encoded } from '../../src/http/collect.ts'

const id = 'an-id' as RequestId
const unread = { errorType: null, document: null }
const bytes = encoded('{"posted": 1}')
const nothing = encoded('')
const json = 'application/json'
const fault = { errorType: 'Runtime.ExitError', text: 'Runtime exited with error: exit status 1' }
const unhandled = (status: number, body: Payload | string, contentType = json): InvokeAnswer => ({
  status,
  body,
  contentType,
  functionError: true,
})

const faultBody =
  '{"errorType":"Runtime.ExitError","errorMessage":"RequestId: an-id Error: Runtime exited with error: exit status 1"}'
const throttled: InvokeAnswer = {
  status: 429,
  body: '{"Type":"User","Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"Rate Exceeded."}',
  contentType: json,
  functionError: false,
  headers: { 'x-amzn-ErrorType': 'TooManyRequestsException', 'Retry-After': '1' },
}
const stopping: InvokeAnswer = {
  status: 503,
  body: '{"Type":"Service","Message":"The emulator is shutting down; this invocation was not finished."}',
  contentType: json,
  functionError: false,
  headers: { 'x-amzn-ErrorType': 'ServiceUnavailableException' },
}
const streamError = unhandled(
  200,
  '{"errorType":"Function.ResponseStreamError","errorMessage":"RequestId: an-id Error: The response stream ended in an error before its first byte"}',
)

/** Every outcome, as the reference and as the service would have sent it. */
const rows: [name: string, outcome: Outcome, rie: InvokeAnswer, lambda: InvokeAnswer][] = [
  [
    'a response',
    { kind: 'response', payload: bytes, contentType: null },
    { status: 200, body: bytes, contentType: json, functionError: false },
    { status: 200, body: bytes, contentType: json, functionError: false },
  ],
  [
    'a streamed response',
    { kind: 'response', payload: bytes, contentType: 'text/html' },
    { status: 200, body: bytes, contentType: 'text/html', functionError: false },
    { status: 200, body: bytes, contentType: 'text/html', functionError: false },
  ],
  [
    'an empty response',
    { kind: 'response', payload: nothing, contentType: null },
    { status: 200, body: nothing, contentType: json, functionError: false },
    { status: 200, body: nothing, contentType: json, functionError: false },
  ],
  [
    'an error of the handler',
    { kind: 'error', payload: bytes, errorType: 'Function.Oops' },
    unhandled(200, bytes),
    unhandled(200, bytes),
  ],
  [
    'a response over the limit',
    { kind: 'oversize', bytes: 6_291_557 },
    unhandled(
      200,
      '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."}',
    ),
    unhandled(
      200,
      '{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}',
    ),
  ],
  [
    'a stream that broke after some bytes',
    { kind: 'broken-stream', payload: bytes, contentType: 'text/x', ...unread },
    unhandled(200, bytes, 'text/x'),
    unhandled(200, bytes, 'text/x'),
  ],
  [
    'a stream that broke after some bytes of no type',
    { kind: 'broken-stream', payload: bytes, contentType: null, ...unread },
    unhandled(200, bytes),
    unhandled(200, bytes),
  ],
  [
    'a stream that broke before its first byte',
    { kind: 'broken-stream', payload: null, contentType: 'text/x', ...unread },
    streamError,
    streamError,
  ],
  [
    'a stream that broke with a document',
    {
      kind: 'broken-stream',
      payload: nothing,
      contentType: 'text/x',
      errorType: 'Function.Oops',
      document: bytes,
    },
    unhandled(200, bytes),
    unhandled(200, bytes),
  ],
  [
    'a timeout',
    { kind: 'timeout' },
    unhandled(200, 'Task timed out after 3.00 seconds', 'text/plain; charset=utf-8'),
    unhandled(
      200,
      '{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: an-id Error: Task timed out after 3.00 seconds"}',
    ),
  ],
  ['a fault', { kind: 'fault', fault }, unhandled(502, faultBody), unhandled(200, faultBody)],
  [
    'a fault that was posted',
    { kind: 'fault', fault: { ...fault, document: bytes } },
    unhandled(502, bytes),
    unhandled(200, bytes),
  ],
  [
    'a fault that was posted without a word',
    { kind: 'fault', fault: { ...fault, document: nothing } },
    unhandled(502, faultBody),
    unhandled(200, faultBody),
  ],
  ['no room', { kind: 'throttled' }, throttled, throttled],
  ['a stop', { kind: 'shutdown' }, stopping, stopping],
]

describe.each(rows)('%s', (_, outcome, rie, lambda) => {
  test.each([
    ['rie', rie],
    ['lambda', lambda],
  ] as [SpokenDialect, InvokeAnswer][])('in the dialect %s', (dialect, expected) => {
    const answer = render(outcome, { dialect, id, timeoutSeconds: 3 })
    expect(answer).toEqual(expected)
    // bytes of a runtime are handed on, not copied
    if (typeof expected.body === 'object') expect(answer.body).toBe(expected.body)
  })
})

describe('with several invocations at a time', () => {
  const managed = (outcome: Outcome, dialect: SpokenDialect) =>
    render(outcome, { dialect, id, timeoutSeconds: 3, managed: true })

  test.each<[string, Outcome, string | undefined]>([
    ['a response', { kind: 'response', payload: bytes, contentType: null }, undefined],
    ['an error', { kind: 'error', payload: bytes, errorType: 'Function.Oops' }, 'Function.Oops'],
    ['an error without a type', { kind: 'error', payload: bytes, errorType: null }, 'Runtime.Unknown'],
    ['a response that is too large', { kind: 'oversize', bytes: 7e6 }, 'Function.ResponseSizeTooLarge'],
    ['a timeout', { kind: 'timeout' }, 'Sandbox.Timedout'],
    ['a fault', { kind: 'fault', fault }, 'Runtime.ExitError'],
    ['no slot', { kind: 'throttled', noSlot: true }, 'Runtime.Unavailable'],
    ['a stop', { kind: 'shutdown' }, 'Client.ExecutionEnvironmentShutDown'],
  ])('%s names its type as the reference does, and not as the service', (_, outcome, type) => {
    expect(managed(outcome, 'rie').headers?.['Error-Type']).toBe(type as string)
    expect(managed(outcome, 'lambda')).toEqual(render(outcome, { dialect: 'lambda', id, timeoutSeconds: 3 }))
  })

  test('an invocation without a slot is refused in the words of each', () => {
    const outcome = { kind: 'throttled', noSlot: true } as const
    expect(managed(outcome, 'rie')).toMatchObject({
      status: 400,
      body: '{"errorType":"Runtime.Unavailable","errorMessage":"RequestId: an-id Error: No worker of the runtime was free, and no more invocations may wait (--max-queue)"}',
      functionError: false,
    })
    expect(managed(outcome, 'lambda')).toEqual(throttled)
  })
})

test('errors of the service before there is an outcome', () => {
  expect(requestTooLarge(6_291_456)).toEqual({
    status: 413,
    body: '{"Message":"Request must be smaller than 6291456 bytes for the InvokeFunction operation"}',
    contentType: json,
    functionError: false,
    headers: { 'x-amzn-ErrorType': 'RequestEntityTooLargeException' },
  })
  expect(invalidContent('why')).toEqual({
    status: 400,
    body: '{"Type":"User","message":"why"}',
    contentType: json,
    functionError: false,
    headers: { 'x-amzn-ErrorType': 'InvalidRequestContentException' },
  })
})
