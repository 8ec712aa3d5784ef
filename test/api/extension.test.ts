import { describe, expect, test } from 'bun:test'
import { maxResponseBytes } from '../../src/core/limits.ts'
import { invocation, requestId } from '../engine/fakes.ts'
import { until } from '../harness.ts'
import { connect, exchange } from '../kit/peer.ts'
import { type ApiStage, extensionPath, listening, runtimePath, started, told } from './stage.ts'

const json = 'application/json'
const one = requestId('6f9b2e5c-0000-4000-8000-000000000001')
const nobody = 'ffffffff-0000-4000-8000-00000000abcd'
const ok = { status: 202, type: json, body: '{"status":"OK"}\n' }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const wrong = (errorType: string, errorMessage: string) => ({
  status: 403,
  type: json,
  body: `${JSON.stringify({ errorMessage, errorType })}\n`,
})

const register = (
  staged: ApiStage,
  name: string,
  body: string | null = '{"events":["INVOKE"]}',
  headers: Record<string, string> = {},
) => staged.post(`${extensionPath}/register`, body, { 'Lambda-Extension-Name': name, ...headers })

/** The identifier of an extension that registers now. */
const registered = async (staged: ApiStage, name: string, ...events: string[]): Promise<string> =>
  (await register(staged, name, JSON.stringify({ events }))).headers.get('lambda-extension-identifier') ?? ''

const next = (staged: ApiStage, id: string, init: RequestInit = {}) =>
  staged.fetch(`${extensionPath}/event/next`, { headers: { 'Lambda-Extension-Identifier': id }, ...init })

const report = (staged: ApiStage, call: 'init/error' | 'exit/error', id: string, type = 'Extension.Oops') =>
  staged.post(`${extensionPath}/${call}`, 'ignored', {
    'Lambda-Extension-Identifier': id,
    'Lambda-Extension-Function-Error-Type': type,
  })

const stateOf = (staged: ApiStage, name: string): string | undefined => {
  const { state } = staged.environment
  return 'extensions' in state ? state.extensions.find((each) => each.name === name)?.state : undefined
}
const pollOf = (staged: ApiStage, name: string): unknown => {
  const { state } = staged.environment
  return 'extensions' in state ? state.extensions.find((each) => each.name === name)?.poll : undefined
}

describe('register', () => {
  test('answers with an identifier and the facts of the function', async () => {
    await using staged = started()
    const answer = await register(staged, 'inner')
    expect(answer.headers.get('lambda-extension-identifier')).toMatch(uuid)
    expect(await told(answer)).toEqual({
      status: 200,
      type: json,
      body: '{"functionName":"test_function","functionVersion":"$LATEST","handler":"app.handler"}\n',
    })
    expect(staged.environment.state).toMatchObject({
      extensions: [{ name: 'inner', external: false, events: ['INVOKE'], state: 'Registered' }],
    })
  })

  test('answers with header names in the spelling of AWS', async () => {
    await using staged = started()
    const { head } = await exchange(
      staged.api.port,
      [`POST ${extensionPath}/register HTTP/1.1`, 'lambda-extension-name: inner', 'Content-Length: 2'],
      '{}',
    )
    expect(head.toSorted()).toEqual([
      'Content-Length: 85',
      'Content-Type: application/json',
      'HTTP/1.1 200 OK',
      expect.stringMatching(/^Lambda-Extension-Identifier: [0-9a-f-]{36}$/),
    ])
  })

  test('tells the account to who asks for it', async () => {
    const rows: [feature: string, told: boolean][] = [
      ['accountId', true],
      [' other , accountId ,', true],
      ['other', false],
      ['AccountId', false],
    ]
    for (const [feature, expected] of rows) {
      await using staged = started()
      const answer = await register(staged, 'inner', '{}', { 'Lambda-Extension-Accept-Feature': feature })
      expect((await answer.text()).startsWith('{"accountId":"012345678912","functionName"')).toBe(expected)
    }
  })

  const bodies: [body: string, events: string[]][] = [
    ['{}', []],
    ['null', []],
    ['{"events":null}', []],
    ['{"events":[]}', []],
    ['{"Events":["INVOKE"],"unknown":{}}', ['INVOKE']],
    ['{"EVENTS":["INVOKE","INVOKE"]}', ['INVOKE']],
    ['{"events":["INVOKE"],"configurationKeys":[]}', ['INVOKE']],
    ['{"events":["INVOKE"],"configurationKeys":null}', ['INVOKE']],
    ['{"events":["BAD"],"Events":["INVOKE"]}', ['INVOKE']],
    [`{"events":["INVOKE"],"x":"${'x'.repeat(200_000)}"}`, ['INVOKE']],
  ]
  test.each(bodies.map(([body, events]) => [body.slice(0, 80), body, events] as const))(
    'takes %s',
    async (_, body, events) => {
      await using staged = started()
      expect((await register(staged, 'inner', body)).status).toBe(200)
      expect(staged.environment.state).toMatchObject({ extensions: [{ events }] })
    },
  )

  const problems: [body: string, message: string | RegExp][] = [
    ['', 'unexpected end of JSON input'],
    ['  ', 'unexpected end of JSON input'],
    ['{', /JSON/],
    ['[]', 'the body must be a JSON object such as {"events":["INVOKE","SHUTDOWN"]}'],
    ['"x"', 'the body must be a JSON object such as {"events":["INVOKE","SHUTDOWN"]}'],
    ['{"events":"INVOKE"}', 'events must be an array of strings'],
    ['{"events":[1]}', 'events must be an array of strings'],
    ['{"configurationKeys":"x"}', 'configurationKeys must be an array of strings'],
    [
      '{"events":["BAD"],"configurationKeys":["x"]}',
      'configurationKeys are deprecated; use environment variables instead',
    ],
    ['{"configurationKeys":[1]}', 'configurationKeys must be an array of strings'],
    ['{"configurationKeys":[null]}', 'configurationKeys are deprecated; use environment variables instead'],
    ['\ufeff{"events":[]}', /JSON/],
    ['['.repeat(1_000_000), 'no JSON: more than 10000 levels of nesting'],
    [`{"x":"${'x'.repeat(maxResponseBytes)}"}`, `registration larger than ${maxResponseBytes} bytes`],
  ]
  test('refuses a body that is none', async () => {
    for (const [body, message] of problems) {
      await using staged = started()
      const answer = await register(staged, 'inner', body)
      const document = (await answer.json()) as { errorMessage: string; errorType: string }
      expect([answer.status, Object.keys(document), document.errorType]).toEqual([
        403,
        ['errorMessage', 'errorType'],
        'InvalidRequestFormat',
      ])
      if (typeof message === 'string') expect(document.errorMessage).toBe(message)
      else expect(document.errorMessage).toMatch(message)
      expect(staged.environment.state).toMatchObject({ extensions: [] })
    }
  })

  test('checks the name, then the body, then the events, then the state', async () => {
    await using staged = started()
    expect(await told(staged.post(`${extensionPath}/register`, 'no JSON'))).toEqual(
      wrong('Extension.InvalidExtensionName', 'Empty extension name'),
    )
    expect(await told(register(staged, '', 'no JSON'))).toEqual(
      wrong('Extension.InvalidExtensionName', 'Empty extension name'),
    )
    expect(await told(register(staged, 'inner', '{"events":["SHUTDOWN"]}'))).toEqual(
      wrong('Extension.InvalidEventType', 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'),
    )
    await register(staged, 'inner')
    expect(await told(register(staged, 'inner'))).toEqual(
      wrong('Extension.InvalidExtensionState', 'Extension with this name already registered'),
    )
  })

  test('is refused where nothing is expected', async () => {
    await using staged = listening()
    expect(await told(register(staged, 'inner'))).toEqual(
      wrong(
        'InvalidStateTransition',
        'State transition from NotStarted to Registered failed for extension. Error: State transition is not allowed',
      ),
    )
  })
})

describe('next', () => {
  test('waits for INVOKE, and for SHUTDOWN at the end', async () => {
    await using staged = started({ discover: () => ['watch'] })
    const id = await registered(staged, 'watch', 'INVOKE', 'SHUTDOWN')
    const event = next(staged, id)
    void staged.fetch(`${runtimePath}/invocation/next`).catch(() => {})
    await until('everyone to be ready', () => staged.environment.state.phase === 'serving')
    const caller = invocation(one)
    staged.environment.invoke(caller)
    const invoked = await event
    expect(invoked.headers.get('lambda-extension-event-identifier')).toMatch(uuid)
    expect(await told(invoked)).toEqual({
      status: 200,
      type: json,
      body:
        `{"eventType":"INVOKE","deadlineMs":${Math.floor(caller.deadline)},"requestId":"${one}",` +
        '"invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:f",' +
        '"tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}}',
    })
    const last = next(staged, id)
    await until('it to wait again', () => stateOf(staged, 'watch') === 'Ready')
    staged.environment.dispatch({ type: 'stop' })
    staged.processes.process('runtime').exit()
    const answer = await last
    expect(answer.headers.get('lambda-extension-event-identifier')).toMatch(uuid)
    expect(await told(answer)).toEqual({
      status: 200,
      type: json,
      body: `{"eventType":"SHUTDOWN","deadlineMs":${Math.floor(staged.environment.shutdownDeadline)},"shutdownReason":"spindown"}`,
    })
  })

  test('takes its identifier in every usual form', async () => {
    await using staged = started()
    const id = await registered(staged, 'inner')
    const forms = [id, id.toUpperCase(), `{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', '')]
    for (const form of forms) {
      const aborted = new AbortController()
      const poll = next(staged, form, {
        signal: aborted.signal,
        headers: { 'lambda-extension-identifier': form },
      })
      await until(`a poll as ${form}`, () => pollOf(staged, 'inner') !== null)
      aborted.abort()
      await poll.catch(() => {})
      await until('the poller to be forgotten', () => pollOf(staged, 'inner') === null)
    }
  })

  test('checks its identifier', async () => {
    await using staged = started()
    expect(await told(staged.fetch(`${extensionPath}/event/next`))).toEqual(
      wrong('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header'),
    )
    for (const bad of ['x', '1234', `${nobody}0`, `x${nobody}`]) {
      expect(await told(next(staged, bad))).toEqual(
        wrong('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier'),
      )
    }
    expect(await told(next(staged, nobody.toUpperCase()))).toEqual(
      wrong('Extension.UnknownExtensionIdentifier', `Unknown extension ${nobody}`),
    )
  })

  test('is not refused to a poller that comes back on a new connection', async () => {
    await using staged = started()
    const id = await registered(staged, 'inner')
    const ask = async () => {
      const wire = await connect(staged.api.port)
      wire.send(
        `GET ${extensionPath}/event/next HTTP/1.1\r\nHost: x\r\nLambda-Extension-Identifier: ${id}\r\n\r\n`,
      )
      return wire
    }
    let wire = await ask()
    await until('the first poll', () => pollOf(staged, 'inner') !== null)
    for (let round = 0; round < 20; round++) {
      const before = pollOf(staged, 'inner')
      wire.leave()
      wire = await ask()
      await until('the new poll to be parked', () => {
        const now = pollOf(staged, 'inner')
        return now !== null && now !== before
      })
      expect(wire.received).toBe('')
    }
    wire.leave()
  })

  test('is refused to a second poller', async () => {
    await using staged = started()
    const id = await registered(staged, 'inner')
    void next(staged, id).catch(() => {})
    await until('the first poll', () => pollOf(staged, 'inner') !== null)
    expect(await told(next(staged, id))).toEqual(
      wrong(
        'Extension.InvalidExtensionState',
        `State transition from Ready to Ready failed for extension ${id}. Error: State transition is not allowed`,
      ),
    )
  })
})

describe('init error and exit error', () => {
  test('check the identifier, then the header, then who it is', async () => {
    await using staged = started()
    for (const call of ['init/error', 'exit/error'] as const) {
      expect(await told(staged.post(`${extensionPath}/${call}`))).toEqual(
        wrong('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header'),
      )
      expect(await told(report(staged, call, 'bad'))).toEqual(
        wrong('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier'),
      )
      expect(await told(report(staged, call, nobody, ''))).toEqual(
        wrong('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found'),
      )
      expect(await told(report(staged, call, nobody))).toEqual(
        wrong('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier'),
      )
    }
  })

  test('are accepted, once or twice, and nothing follows but from the exit', async () => {
    for (const [call, state] of [
      ['init/error', 'InitError'],
      ['exit/error', 'ExitError'],
    ] as const) {
      await using staged = started()
      const id = await registered(staged, 'inner')
      expect(await told(report(staged, call, id))).toEqual(ok)
      expect(await told(report(staged, call, id))).toEqual(ok)
      expect(stateOf(staged, 'inner')).toBe(state)
      expect(staged.environment.state.phase).toBe('starting')
    }
  })

  test('an exit error overtakes the poll that waits', async () => {
    await using staged = started()
    const id = await registered(staged, 'inner')
    const poll = told(next(staged, id))
    await until('the poll', () => pollOf(staged, 'inner') !== null)
    expect(await told(report(staged, 'exit/error', id))).toEqual(ok)
    expect(await poll).toEqual(
      wrong(
        'Extension.InvalidExtensionState',
        `State transition from ExitError to Ready failed for extension ${id}. Error: Concurrent state modification`,
      ),
    )
  })
})
