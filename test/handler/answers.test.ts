import { describe, expect, test } from 'bun:test'
import { document, play } from './scripted-api.ts'

const success: [title: string, handler: string, body: string][] = [
  ['an async handler', 'answers.echo', '{"a":1}'],
  ['a handler that returns a plain value', 'answers.plain', '{"plain":{"a":1}}'],
  ['a handler that returns nothing', 'answers.nothing', 'null'],
  ['a callback', 'answers.callback', '{"called":{"a":1}}'],
  ['a callback that is called later', 'answers.callbackLater', '"later"'],
  ['the first of two calls of the callback', 'answers.callbackTwice', '1'],
  ['context.succeed', 'answers.succeed', '{"a":1}'],
  ['a handler that did nothing, when the event loop is empty', 'answers.silent', 'null'],
  ['a promise that never settles, when the event loop is empty', 'answers.neverSettles', 'null'],
  ['a callback that need not wait, though a timer is left', 'answers.callbackWithoutWait', '"at once"'],
  ['a value that JSON has no word for', 'answers.functionAnswer', 'null'],
  ['a nested export', 'answers.nested.deep.handler', '"nested"'],
  ['a module that awaits at its top level', 'awaits.handler', '"ready"'],
  ['the sample', '@sample.handler', '{"message":"Hello, world!","event":{"a":1},"requestId":"id-1"}'],
]

const failure: [title: string, handler: string, errorType: string, errorMessage: string, header?: string][] =
  [
    ['a thrown error', 'answers.throws', 'CustomError', 'thrown'],
    ['a rejection, without the byte that the service refuses', 'answers.rejects', 'TypeError', 're%7Fjected'],
    ['a rejection with text', 'answers.rejectsString', 'string', 'just text'],
    ['a rejection with nothing', 'answers.rejectsUndefined', 'undefined', 'undefined'],
    ['an error given to the callback', 'answers.callbackError', 'CustomError', 'by callback'],
    ['context.fail', 'answers.failed', 'CustomError', 'by context'],
    ['context.fail without a reason', 'answers.failedWithoutReason', 'string', 'handled'],
    [
      'a value that cannot be serialised',
      'answers.unserialisable',
      'Runtime.JSONStringifyError',
      'Unable to stringify response body',
    ],
  ]

describe.concurrent('an answer is taken from', () => {
  test.each(success)('%s', async (_, handler, body) => {
    const { calls, code, stderr } = await play(handler)
    expect(calls.map((call) => [call.path, call.body])).toEqual([
      ['/2018-06-01/runtime/invocation/id-1/response', body],
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe.concurrent('an error document is made of', () => {
  test.each(failure)('%s', async (_, handler, errorType, errorMessage) => {
    const { calls, code, lines } = await play(handler)
    // as AWS's client, which names a type only where it is one of the runtime's
    const named = errorType.startsWith('Runtime.') ? errorType : undefined
    expect(calls.map((call) => [call.path, call.headers['lambda-runtime-function-error-type']])).toEqual([
      ['/2018-06-01/runtime/invocation/id-1/error', named],
    ])
    expect(document(calls[0])).toEqual({ errorType, errorMessage, trace: expect.any(Array) })
    expect(lines.join('\n')).toContain('\tid-1\tERROR\tInvoke Error \t{"errorType"')
    expect(code).toBe(0)
  })
})

describe.concurrent('the trace of an error begins with the name that Node gives', () => {
  test.each([
    ['a class of its own', 'answers.throws', 'CustomError: thrown'],
    ['a class derived from another than Error', 'answers.throwsDerived', 'TypeError: derived'],
    ['the same without a message', 'answers.throwsDerivedSilently', 'TypeError'],
    ['a name that was given later', 'answers.throwsRenamed', 'Error: renamed'],
    ['a DOMException, which Bun gives no stack', 'answers.throwsAborted', 'AbortError: aborted'],
  ])('%s', async (_, handler, line) => {
    const { calls } = await play(handler)
    expect(document(calls[0]).trace[0]).toBe(line)
  })
})

describe.concurrent('invocations', () => {
  test('follow each other on one connection', async () => {
    const { calls, connections } = await play('answers.echo', {
      events: [{ body: '1' }, { body: '2' }, { body: '3' }],
    })
    expect(calls.map((call) => call.body)).toEqual(['1', '2', '3'])
    expect(connections).toBe(1)
  })

  test('go on when the emulator closes the connection after each reply', async () => {
    const headers = { Connection: 'close' }
    const { calls, connections } = await play('answers.echo', { events: [{ headers }, { headers }] })
    expect(calls).toHaveLength(2)
    expect(connections).toBe(3)
  })

  test('go on after an event that is not JSON', async () => {
    const { calls } = await play('answers.echo', { events: [{ body: 'oops' }, { body: '2' }] })
    expect(document(calls[0])).toEqual({
      errorType: 'Runtime.UnmarshalError',
      errorMessage: 'The event is not JSON: Unexpected identifier "oops"',
      trace: ['Runtime.UnmarshalError: The event is not JSON: Unexpected identifier "oops"'],
    })
    expect(calls[1]?.body).toBe('2')
  })

  test('go on after an answer that was refused', async () => {
    const { calls, lines, code } = await play('answers.echo', { events: [{ status: 413 }, { body: '2' }] })
    expect(calls.map((call) => call.body)).toEqual(['{"a":1}', '2'])
    expect(lines).toEqual([
      expect.stringContaining('ERROR\tThe response was not accepted: 413 {"status":"OK"}'),
    ])
    expect(code).toBe(0)
  })

  test('carry six megabytes both ways', async () => {
    const event = JSON.stringify('x'.repeat(6_000_000))
    const { calls } = await play('answers.echo', { events: [{ body: event }] })
    expect(calls[0]?.body === event).toBe(true)
  })

  test('are served on an IPv6 address', async () => {
    expect((await play('answers.echo', { host: '::1' })).calls).toHaveLength(1)
  })

  test('see what they are told about, and nothing of ours', async () => {
    const { calls } = await play('answers.facts', {
      events: [
        {
          headers: {
            'Lambda-Runtime-Client-Context': '{"custom":{"k":1}}',
            'Lambda-Runtime-Cognito-Identity': '{"cognitoIdentityId":"i"}',
            'Lambda-Runtime-Aws-Tenant-Id': 'blue',
            'Lambda-Runtime-Trace-Id': 'Root=1-2-3',
          },
        },
        {},
      ],
      env: {
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
        AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/f',
        AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
        _LAMBDA_RIE_SERVE_HANDLER: '1',
        HTTP_PROXY: 'http://127.0.0.1:1',
      },
    })
    const [first, second] = calls.map((call) => JSON.parse(call.body))
    expect(first).toEqual({
      context: {
        callbackWaitsForEmptyEventLoop: true,
        functionName: 'f',
        functionVersion: '$LATEST',
        memoryLimitInMB: '3008',
        logGroupName: '/aws/lambda/f',
        logStreamName: 'stream',
        invokedFunctionArn: 'arn:aws:lambda:eu-west-1:012345678912:function:f',
        awsRequestId: 'id-1',
        clientContext: { custom: { k: 1 } },
        identity: { cognitoIdentityId: 'i' },
        tenantId: 'blue',
        xRayTraceId: 'Root=1-2-3',
      },
      remaining: expect.any(Number),
      trace: 'Root=1-2-3',
      leaked: [],
      dotenv: null,
    })
    expect(second.trace).toBeNull()
    expect(first.remaining).toBeWithin(1, 60_001)
  })
})
