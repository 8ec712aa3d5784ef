import { describe, expect, test } from 'bun:test'
import type { Outcome } from '../../src/core/failure.ts'
import { encoded } from '../../src/http/collect.ts'
import { invocation, requestId } from '../engine/fakes.ts'
import { until } from '../harness.ts'
import { textOf } from '../http/fake.ts'
import { connect, exchange } from '../kit/peer.ts'
import { type ApiStage, type Body, extensionPath, listening, runtimePath, started, told } from './stage.ts'

const json = 'application/json'
const one = requestId('6f9b2e5c-0000-4000-8000-000000000001')
const two = requestId('6f9b2e5c-0000-4000-8000-000000000002')
const next = `${runtimePath}/invocation/next`
const path = (call: 'response' | 'error', id = one) => `${runtimePath}/invocation/${id}/${call}`
const ok = { status: 202, type: json, body: '{"status":"OK"}\n' }
const wrong = (status: number, errorType: string, errorMessage: string) => ({
  status,
  type: json,
  body: `${JSON.stringify({ errorMessage, errorType })}\n`,
})
const illegal = (from: string, to: string) =>
  wrong(
    403,
    'InvalidStateTransition',
    `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
  )

/** An invocation whose event the runtime has fetched. */
async function running(over: Parameters<typeof invocation>[2] = {}) {
  const staged = started()
  const caller = invocation(one, staged.log, over)
  staged.environment.invoke(caller)
  const event = await staged.fetch(next)
  return { staged, caller, event }
}

/** The answer of the caller, with its payload and document as text. */
function text(outcome: Outcome | undefined): unknown {
  if (outcome === undefined || !('payload' in outcome)) return outcome
  const payload = outcome.payload && textOf(outcome.payload)
  return 'document' in outcome
    ? { ...outcome, payload, document: outcome.document && textOf(outcome.document) }
    : { ...outcome, payload }
}

const waiting = (staged: ApiStage, count = 1) =>
  until(`${count} polls to wait`, () => {
    const { state } = staged.environment
    return state.phase === 'serving' && state.polls.length === count
  })

describe('next', () => {
  test('waits for an event, and hands out the bytes of the caller under the headers of the service', async () => {
    await using staged = started()
    const asked = exchange(staged.api.port, [`GET ${next} HTTP/1.1`])
    await waiting(staged)
    const caller = invocation(one, [], {
      payload: encoded('{ "raw": "é" }\n'),
      clientContext: '{"client":1}',
      tenant: 'blue',
    })
    staged.environment.invoke(caller)
    const { head, body } = await asked
    expect(head[0]).toBe('HTTP/1.1 200 OK')
    // in the spelling of AWS, because shell runtimes look for it
    expect(head.slice(1).toSorted()).toEqual([
      'Content-Length: 16',
      'Content-Type: application/json',
      `Lambda-Runtime-Aws-Request-Id: ${one}`,
      'Lambda-Runtime-Aws-Tenant-Id: blue',
      'Lambda-Runtime-Client-Context: {"client":1}',
      `Lambda-Runtime-Deadline-Ms: ${Math.floor(caller.deadline)}`,
      `Lambda-Runtime-Invocation-Id: ${caller.deliveryId}`,
      'Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:012345678912:function:f',
      'Lambda-Runtime-Trace-Id: Root=1-2-3',
    ])
    expect(Buffer.from(body, 'latin1').toString()).toBe('{ "raw": "é" }\n')
  })

  test('hands out the same event again to a runtime that has not answered', async () => {
    const { staged, event } = await running()
    await using _ = staged
    const again = await staged.fetch(next)
    expect([event, again].map((each) => each.headers.get('lambda-runtime-aws-request-id'))).toEqual([
      one,
      one,
    ])
    expect([await event.text(), await again.text()]).toEqual(['{}', '{}'])
  })

  test('forgets a poller that went away', async () => {
    await using staged = started()
    const aborted = new AbortController()
    const poll = staged.fetch(next, { signal: aborted.signal }).catch(() => 'aborted')
    await waiting(staged)
    aborted.abort()
    expect(await poll).toBe('aborted')
    await waiting(staged, 0)
    staged.environment.invoke(invocation(one))
    expect((await staged.fetch(next)).headers.get('lambda-runtime-aws-request-id')).toBe(one)
  })

  test('is refused where no runtime is expected', async () => {
    await using staged = listening()
    expect(await told(staged.fetch(next))).toEqual(illegal('NotStarted', 'Ready'))
  })

  test('is refused when the environment stops', async () => {
    await using staged = started()
    const poll = told(staged.fetch(next))
    await waiting(staged)
    staged.environment.dispatch({ type: 'stop' })
    expect(await poll).toEqual(illegal('Stopped', 'Ready'))
  })
})

describe('response', () => {
  test('is accepted, and its bytes are what the caller gets', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    expect(await told(staged.post(path('response'), '{"é":1}', { 'content-type': 'text/html' }))).toEqual(ok)
    expect(caller.outcomes.map(text)).toEqual([{ kind: 'response', payload: '{"é":1}', contentType: null }])
  })

  test('to another delivery is refused and ends nothing, as an error to it', async () => {
    const { staged, event, caller } = await running()
    await using _ = staged
    const delivery = event.headers.get('lambda-runtime-invocation-id')!
    const echo = (id: string) => ({ 'lambda-runtime-invocation-id': id })
    for (const call of ['response', 'error'] as const)
      expect(await told(staged.post(path(call), 'late', echo(one)))).toEqual(
        wrong(410, 'InvokeTimeout', 'Invoke timeout'),
      )
    expect(caller.outcomes).toEqual([])
    expect(await told(staged.post(path('response'), '1', echo(delivery)))).toEqual(ok)
    expect(caller.outcomes).toHaveLength(1)
  })

  test('to an invocation that is not in flight, or not delivered yet, is refused by the rules, whatever it echoes', async () => {
    await using staged = started()
    const echo = { 'lambda-runtime-invocation-id': one }
    const unknown = wrong(400, 'InvalidRequestID', 'Invalid request ID')
    expect(await told(staged.post(path('response'), 'x', echo))).toEqual(unknown)
    staged.environment.invoke(invocation(one))
    expect(await told(staged.post(path('response'), 'x', echo))).toEqual(
      illegal('Started', 'InvocationResponse'),
    )
  })

  test('may be empty', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    expect(await told(staged.post(path('response')))).toEqual(ok)
    expect(text(caller.outcomes[0])).toEqual({ kind: 'response', payload: '', contentType: null })
  })

  test('that is streamed decides the type that its caller sees', async () => {
    const types: [sent: Record<string, string>, seen: string][] = [
      [{ 'content-type': 'text/event-stream' }, 'text/event-stream'],
      [{ 'content-type': 'application/octet-stream' }, 'application/octet-stream'],
    ]
    for (const [sent, seen] of types) {
      const { staged, caller } = await running()
      await using _ = staged
      const headers = { 'lambda-runtime-function-response-mode': 'streaming', ...sent }
      const chunks = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('a'))
          controller.enqueue(new TextEncoder().encode('b'))
          controller.close()
        },
      })
      expect(await told(staged.post(path('response'), chunks, headers))).toEqual(ok)
      expect(text(caller.outcomes[0])).toEqual({ kind: 'response', payload: 'ab', contentType: seen })
    }
  })

  test('of an unknown mode is refused, and the runtime can still answer', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    const mode = (value: string) => ({ 'lambda-runtime-function-response-mode': value })
    for (const value of ['bogus', 'Streaming']) {
      expect(await told(staged.post(path('response'), 'x', mode(value)))).toEqual(
        wrong(400, 'InvalidFunctionResponseMode', 'Invalid function response mode'),
      )
    }
    expect(await told(staged.post(path('response'), 'x', mode('buffered')))).toEqual(ok)
    expect(caller.outcomes).toHaveLength(1)
  })

  test('is checked for its id, then for the state, before its body is read', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    const invalid = wrong(400, 'InvalidRequestID', 'Invalid request ID')
    expect(await told(staged.post(path('response', two), 'x'))).toEqual(invalid)
    expect(await told(staged.post(`${runtimePath}/invocation//response`, 'x'))).toEqual(invalid)
    using half = await connect(staged.api.port)
    half.send(`POST ${path('error', two)} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nno more`)
    await half.until('"errorType":"InvalidRequestID"}')
    expect(await told(staged.post(path('response'), 'x'))).toEqual(ok)
    expect(await told(staged.post(path('response'), 'x'))).toEqual(
      illegal('RuntimeResponseSentState', 'InvocationResponse'),
    )
    expect(await told(staged.post(path('error'), 'x'))).toEqual(
      illegal('RuntimeResponseSentState', 'InvocationErrorResponse'),
    )
    expect(caller.outcomes).toHaveLength(1)
  })

  test('where no runtime is expected has an id that nobody knows', async () => {
    await using staged = listening()
    const invalid = wrong(400, 'InvalidRequestID', 'Invalid request ID')
    expect(await told(staged.post(path('response'), 'x'))).toEqual(invalid)
    expect(await told(staged.post(path('error'), 'x'))).toEqual(invalid)
  })

  test('that breaks off is a truncated one', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    const wire = await connect(staged.api.port)
    wire.send(`POST ${path('response')} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\npart`)
    await until('it to be read', () => inflight(staged) === 'responding')
    wire.leave()
    await until('the answer', () => caller.outcomes.length > 0)
    expect(caller.outcomes).toMatchObject([
      { kind: 'fault', fault: { errorType: 'Runtime.TruncatedResponse' } },
    ])
  })

  test('that ends in the trailers of an error is a broken stream, with type and document', async () => {
    const document = '{"errorType":"Function.Oops","errorMessage":"é"}'
    const type = 'Lambda-Runtime-Function-Error-Type: Function.Oops\r\n'
    const body = (text: string): string =>
      `Lambda-Runtime-Function-Error-Body: ${Buffer.from(text).toString('base64')}\r\n`
    const instead = (errorType: string, errorMessage: string): string =>
      JSON.stringify({ errorType, errorMessage })
    const none = 'The response stream ended in an error without a document'
    const unreadable = 'The response stream ended in an error whose document is not base64 of JSON'
    for (const [chunk, trailers, payload, errorType, told] of [
      ['4\r\npart\r\n', type + body(document), 'part', 'Function.Oops', document],
      ['', type + body(document), null, 'Function.Oops', document],
      ['', type, null, 'Function.Oops', instead('Function.Oops', none)],
      ['', type + body('no JSON'), null, 'Function.Oops', instead('Function.Oops', unreadable)],
      [
        '',
        'Lambda-Runtime-Function-Error-Type: odd\r\nLambda-Runtime-Function-Error-Body: {}\r\n',
        null,
        'Runtime.Unknown',
        instead('odd', unreadable),
      ],
      ['', body('{}'), null, 'Runtime.Unknown', '{}'],
    ] as const) {
      const { staged, caller } = await running()
      await using _ = staged
      using wire = await connect(staged.api.port)
      wire.send(
        `POST ${path('response')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n` +
          'Lambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/x\r\n' +
          'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n' +
          chunk,
      )
      await until('it to be read', () => inflight(staged) === 'responding')
      wire.send(`0\r\n${trailers}\r\n`)
      await wire.until('{"status":"OK"}\n')
      const sent = /Error-Type: (.*)\r\n/.exec(trailers)?.[1]
      expect(text(caller.outcomes[0])).toEqual({
        kind: 'broken-stream',
        payload,
        contentType: 'text/x',
        errorType,
        ...(sent === undefined ? {} : { sentType: sent }),
        document: told,
      })
      // the connection goes on, so that the runtime's next poll may use it
      wire.received = ''
      wire.send('GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n')
      await wire.until(/pong$/)
    }
  })

  test('that ends in other trailers, or in empty ones, is a response', async () => {
    for (const trailers of ['X-Other: 1\r\n', 'Lambda-Runtime-Function-Error-Type: \r\n']) {
      const { staged, caller } = await running()
      await using _ = staged
      using wire = await connect(staged.api.port)
      wire.send(
        `POST ${path('response')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n` +
          `Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\n"a"\r\n0\r\n${trailers}\r\n`,
      )
      await wire.until('{"status":"OK"}\n')
      expect(text(caller.outcomes[0])).toEqual({ kind: 'response', payload: '"a"', contentType: null })
    }
  })

  test('that announces trailers and has none is a response', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    using wire = await connect(staged.api.port)
    wire.send(
      `POST ${path('response')} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n` +
        'Trailer: Lambda-Runtime-Function-Error-Type\r\n\r\n3\r\n"a"\r\n0\r\n\r\n',
    )
    await wire.until('{"status":"OK"}\n')
    expect(text(caller.outcomes[0])).toEqual({ kind: 'response', payload: '"a"', contentType: null })
  })
})

describe('the limit of a response, at the byte', () => {
  const limit = 6_291_556
  const tooLarge = wrong(
    413,
    'RequestEntityTooLarge',
    'Exceeded maximum allowed payload size (6291556 bytes).',
  )
  const streamed = (bytes: number) =>
    new ReadableStream({
      start(controller) {
        for (let left = bytes; left > 0; left -= 1_000_000) {
          controller.enqueue(new Uint8Array(Math.min(left, 1_000_000)))
        }
        controller.close()
      },
    })
  const rows: [name: string, call: 'response' | 'error', body: (bytes: number) => Body][] = [
    ['a response with its length', 'response', (bytes) => new Uint8Array(bytes)],
    ['a response in chunks', 'response', streamed],
    ['an error with its length', 'error', (bytes) => new Uint8Array(bytes)],
    ['an error in chunks', 'error', streamed],
  ]

  test.each(rows)('%s', async (_, call, body) => {
    {
      const { staged, caller } = await running()
      await using _ = staged
      expect(await told(staged.post(path(call), body(limit)))).toEqual(ok)
      expect(caller.outcomes).toMatchObject([{ kind: call, payload: { size: limit } }])
    }
    {
      const { staged, caller } = await running()
      await using _ = staged
      expect(await told(staged.post(path(call), body(limit + 1)))).toEqual(tooLarge)
      expect(caller.outcomes).toEqual([{ kind: 'oversize', bytes: limit + 1 }])
      const poll = staged.fetch(next)
      await waiting(staged)
      staged.environment.invoke(invocation(two))
      expect((await poll).headers.get('lambda-runtime-aws-request-id')).toBe(two)
    }
  })
})

describe('error', () => {
  test('is accepted, and its bytes are what the caller gets', async () => {
    const { staged, caller } = await running()
    await using _ = staged
    const headers = { 'Lambda-Runtime-Function-Error-Type': 'Function.Oops' }
    expect(await told(staged.post(path('error'), 'any\0thing', headers))).toEqual(ok)
    expect(text(caller.outcomes[0])).toEqual({
      kind: 'error',
      payload: 'any\0thing',
      errorType: 'Function.Oops',
    })
  })

  test('has a type that is normalised, or none', async () => {
    for (const [sent, errorType] of [
      ['MyError', 'Runtime.Unknown'],
      [null, null],
    ] as const) {
      const { staged, caller } = await running()
      await using _ = staged
      await staged.post(
        path('error'),
        'x',
        sent === null ? {} : { 'lambda-runtime-function-error-type': sent },
      )
      expect(caller.outcomes).toMatchObject([{ kind: 'error', errorType }])
    }
  })

  const causes: [name: string, body: string, payload: string][] = [
    [
      'everything',
      '{"errorCause":{"x":1},"stackTrace":["<a>","b"],"errorType":"T","errorMessage":"m","more":1}',
      '{"errorMessage":"m","errorType":"T","stackTrace":["\\u003ca\\u003e","b"]}',
    ],
    ['nothing', '{}', '{"errorMessage":"","errorType":""}'],
    ['an empty stack', '{"errorMessage":"m","stackTrace":[]}', '{"errorMessage":"m","errorType":""}'],
    [
      'nulls',
      '{"errorMessage":null,"errorType":null,"stackTrace":null}',
      '{"errorMessage":"","errorType":""}',
    ],
    ['a number for a message', '{"errorMessage":1}', '"Invalid error body"'],
    ['a string for a stack', '{"stackTrace":"x"}', '"Invalid error body"'],
    ['numbers in the stack', '{"stackTrace":[1]}', '"Invalid error body"'],
    ['a list', '[]', '"Invalid error body"'],
    ['null', ' null ', '{"errorMessage":"","errorType":""}'],
    ['names in other cases', '{"ErrorMessage":"m","ERRORTYPE":"T"}', '{"errorMessage":"m","errorType":"T"}'],
    ['a name in two cases', '{"errorMessage":"a","ErrorMessage":"b"}', '{"errorMessage":"b","errorType":""}'],
    [
      'nulls in the stack',
      '{"stackTrace":["a",null]}',
      '{"errorMessage":"","errorType":"","stackTrace":["a",""]}',
    ],
    [
      'half of a character',
      '{"errorMessage":"\\ud800","stackTrace":["\\udc00"]}',
      '{"errorMessage":"\ufffd","errorType":"","stackTrace":["\ufffd"]}',
    ],
    ['a byte-order mark', '\ufeff{}', '"Invalid error body"'],
    ['more than the document', '{} {}', '"Invalid error body"'],
    ['a cause of brackets', `{"errorCause":${'['.repeat(2_000_000)}`, '"Invalid error body"'],
    [
      'a cause that is nested without end',
      `{"errorCause":${'['.repeat(10_001)}${']'.repeat(10_001)}}`,
      '"Invalid error body"',
    ],
    ['no JSON', 'oops', '"Invalid error body"'],
    ['no bytes', '', '"Invalid error body"'],
  ]
  test.each(causes)('with a cause is handed on without it: %s', async (_, body, payload) => {
    const { staged, caller } = await running()
    await using __ = staged
    const headers = { 'content-type': 'application/vnd.aws.lambda.error.cause+json' }
    expect(await told(staged.post(path('error'), body, headers))).toEqual(ok)
    expect(text(caller.outcomes[0])).toMatchObject({ kind: 'error', payload })
  })
})

describe('init error', () => {
  const initError = `${runtimePath}/init/error`

  test('is the answer of the second attempt, byte for byte', async () => {
    await using staged = started()
    const caller = invocation(one)
    staged.environment.invoke(caller)
    const headers = { 'lambda-runtime-function-error-type': 'Runtime.ImportModuleError' }
    expect(await told(staged.post(initError, 'first', headers))).toEqual(ok)
    staged.processes.process('runtime').exit()
    await until('the second attempt', () => staged.processes.all.length === 2)
    expect(await told(staged.post(initError, '{"second": 1}', headers))).toEqual(ok)
    // nobody is answered before the runtime has ended, or has had its time to
    expect(caller.outcomes).toEqual([])
    staged.processes.process('runtime').exit()
    await until('the answer', () => caller.outcomes.length > 0)
    const [outcome] = caller.outcomes
    expect(outcome).toMatchObject({ kind: 'fault', fault: { errorType: 'Runtime.ImportModuleError' } })
    const document = outcome?.kind === 'fault' ? outcome.fault.document : undefined
    expect(document && textOf(document)).toBe('{"second": 1}')
  })

  test('is refused after the first poll, and where no runtime is expected', async () => {
    await using staged = started()
    void staged.fetch(next).catch(() => {})
    await waiting(staged)
    expect(await told(staged.post(initError, 'x'))).toEqual(illegal('Ready', 'InitError'))
    await using nobody = listening()
    expect(await told(nobody.post(initError, 'x'))).toEqual(illegal('NotStarted', 'InitError'))
  })

  test('over the limit has no document', async () => {
    await using staged = started()
    const caller = invocation(one)
    staged.environment.invoke(caller)
    staged.processes.process('runtime').exit()
    await until('the second attempt', () => staged.processes.all.length === 2)
    expect(await told(staged.post(initError, new Uint8Array(6_291_557)))).toEqual(ok)
    staged.processes.process('runtime').exit()
    await until('the answer', () => caller.outcomes.length > 0)
    const text = 'The runtime reported an error during init'
    expect(caller.outcomes).toEqual([{ kind: 'fault', fault: { errorType: 'Runtime.Unknown', text } }])
  })

  test('that breaks off is none, and the runtime goes on', async () => {
    await using staged = started()
    const arrival = nextCall(staged)
    {
      using wire = await connect(staged.api.port)
      wire.send(`POST ${initError} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"half"`)
      await arrival
    }
    void staged.fetch(next).catch(() => {})
    await waiting(staged)
    expect(staged.environment.state).toMatchObject({ phase: 'serving', generation: 1 })
  })

  test.each([
    ['an init error', initError, '', 'runtime', 'InitError'],
    [
      'a registration',
      `${extensionPath}/register`,
      'Lambda-Extension-Name: a\r\n',
      'extension',
      'Registered',
    ],
  ])('race: the processes end while %s is read, which is none of the next generation', async (...row) => {
    const [, path, header, subject, target] = row
    await using staged = started()
    staged.environment.invoke(invocation(one))
    using wire = await connect(staged.api.port)
    const body = '{"events":[]}'
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\n${header}Content-Length: ${body.length}\r\n\r\n`
    const arrival = nextCall(staged)
    wire.send(head + body.slice(0, 5))
    await arrival
    staged.processes.process('runtime').exit()
    await until('the second attempt', () => staged.environment.state.generation === 2)
    wire.send(body.slice(5))
    const answer = await wire.until(/\}\n/)
    expect(answer).toStartWith('HTTP/1.1 403')
    expect(answer).toContain(`State transition from NotStarted to ${target} failed for ${subject}.`)
    expect(staged.environment.state).toMatchObject({ phase: 'starting', runtime: 'Started', failure: null })
  })
})

/** Resolves when the next call to the API has arrived; its body may be on its way still. */
function nextCall({ environment }: ApiStage): Promise<void> {
  const newCall = environment.newCall.bind(environment)
  return new Promise((resolve) => {
    environment.newCall = () => {
      environment.newCall = newCall
      resolve()
      return newCall()
    }
  })
}

function inflight(staged: ApiStage): string | undefined {
  const { state } = staged.environment
  return state.phase === 'serving' ? state.inflight[0]?.stage : undefined
}
