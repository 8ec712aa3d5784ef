/** The emulator inside another program, by the name that programs import it under. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { ConfigError, type EmulatorOptions, InvokeStreamError, startEmulator } from 'bun-lambda-rie'
import { alive, patience, until } from '../harness.ts'
import { fixture, functionFile, scene, type Told } from './scene.ts'

setDefaultTimeout(4 * patience)

test('greets', async () => {
  await using emulator = await startEmulator({ handler: fixture('greet.handler') })
  const result = await emulator.invoke({ name: 'Ada' })
  expect(result.functionError).toBeNull()
  expect(result.json()).toEqual({ message: 'Hello, Ada!' })
  await emulator.idle()
  expect(emulator.output()).toContain('greeting Ada')
})

test('tells all that an answer holds', async () => {
  await using emulator = await startEmulator({ handler: functionFile })
  const { headers, ...result } = await emulator.invoke({ name: 'x' }, { logType: 'Tail', qualifier: 'live' })
  expect(result).toMatchObject({ statusCode: 200, functionError: null, executedVersion: '$LATEST' })
  expect(result.requestId).toMatch(/^[0-9a-f-]{36}$/)
  expect(headers.get('content-type')).toBe('application/json')
  expect(result.payload).toEqual(new TextEncoder().encode(result.text()))
  const lines = (result.logResult ?? '').split('\n')
  expect(lines[0]).toBe(`START RequestId: ${result.requestId} Version: $LATEST`)
  expect(lines).toContain('inside x')
  expect(lines.at(-2)).toStartWith(`REPORT RequestId: ${result.requestId}\t`)
})

test('gives a stream piece by piece, and throws what it ends in', async () => {
  await using emulator = await startEmulator({ handler: fixture('parts.handler') })
  const pieces: string[] = []
  for await (const piece of emulator.invoke({ parts: ['one', 'two'] }, { stream: true })) {
    pieces.push(new TextDecoder().decode(piece))
  }
  expect(pieces).toEqual(['one', 'two'])
  expect(await emulator.invoke({ parts: ['a', 'b'] }, { stream: true }).text()).toBe('ab')
  for (const parts of [[], ['half']]) {
    const stream = emulator.invoke({ parts, fail: 'no such fruit' }, { stream: true })
    const error = await stream.text().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InvokeStreamError)
    expect((error as InvokeStreamError).error).toMatchObject({ type: 'RangeError', message: 'no such fruit' })
  }
  const refused = emulator.invoke({}, { stream: true, tenantId: '?' })
  expect(refused.text()).rejects.toThrow('InvalidParameterValue')
  expect(emulator.functionUrl).toBeNull()
})

test('opens a Function URL, of a function that knows it', async () => {
  const options = {
    handler: fixture('greet.tell'),
    functionUrl: true,
    functionUrlCors: { AllowOrigins: ['*'] },
  }
  await using emulator = await startEmulator(options)
  const answer = await fetch(`${emulator.functionUrl}/a?b=c`, { headers: { origin: 'https://a.example' } })
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.example')
  expect(await answer.json()).toMatchObject({ event: { rawPath: '/a', queryStringParameters: { b: 'c' } } })
  const wrong = { ...options, functionUrlCors: { MaxAge: -1 } }
  expect(startEmulator(wrong)).rejects.toThrow('functionUrlCors: MaxAge must be')
})

test('hands on client context, tenant and bytes', async () => {
  await using emulator = await startEmulator({ handler: fixture('greet.tell') })
  const clientContext = { custom: { key: 'wört' } }
  const bytes = new TextEncoder().encode('[1,2]')
  const result = await emulator.invoke(bytes, { clientContext, tenantId: 'red' })
  expect(result.json()).toEqual({ event: [1, 2], clientContext, tenantId: 'red' })
  expect((await emulator.invoke()).json()).toMatchObject({ event: {} })
  expect((await emulator.invoke('text')).json()).toMatchObject({ event: 'text' })
})

test('does not wait for an Event, and runs nothing for a DryRun', async () => {
  await using here = await scene()
  const { emulator } = here
  const dry = await emulator.invoke({ name: 'dry' }, { invocationType: 'DryRun' })
  const event = await emulator.invoke({ name: 'event' }, { invocationType: 'Event' })
  expect([dry.statusCode, event.statusCode]).toEqual([204, 202])
  expect(() => event.json()).toThrow('the answer (status 202) is not JSON: ""')
  await emulator.idle()
  expect(here.order()).toEqual(['event'])
})

test('gives up waiting when the signal says so, and the function goes on', async () => {
  await using here = await scene()
  const { emulator } = here
  const leaving = new AbortController()
  const call = emulator.invoke({ name: 'left', hold: 'go' }, { signal: leaving.signal })
  const left = call.then(
    () => 'answered',
    (error: Error) => error.name,
  )
  await here.inside('left')
  leaving.abort()
  expect(await left).toBe('AbortError')
  here.release('go')
  await emulator.idle()
  expect(emulator.output()).toMatch(/^REPORT /m)
})

test('a function that fails is no exception', async () => {
  await using emulator = await startEmulator({ handler: functionFile, log() {} })
  const failed = await emulator.invoke({ fail: 'on purpose' })
  expect(failed).toMatchObject({ statusCode: 200, functionError: 'Unhandled' })
  expect(failed.json()).toMatchObject({ errorType: 'TypeError', errorMessage: 'on purpose' })
  const crashed = await emulator.invoke({ exit: 3 })
  expect(crashed).toMatchObject({ statusCode: 502, functionError: 'Unhandled' })
})

test('tells why a call failed: type, message and trace', async () => {
  await using emulator = await startEmulator({ handler: functionFile, log() {} })
  expect((await emulator.invoke({ name: 'x' })).error).toBeNull()
  const { error } = await emulator.invoke({ fail: 'on purpose' })
  expect(error).toMatchObject({ type: 'TypeError', message: 'on purpose' })
  expect(error?.trace.join('\n')).toContain('function.ts')
  expect((await emulator.invoke({ exit: 3 })).error).toMatchObject({ type: 'Runtime.ExitError', trace: [] })
  const refused = await emulator.invoke({}, { clientContext: {}, tenantId: 'x'.repeat(300) })
  expect(refused.error?.message).toContain('X-Amz-Tenant-Id')
})

test('is ready when its init has succeeded, and says why it has not', async () => {
  await using good = await startEmulator({ handler: functionFile })
  await good.ready()
  expect(good.state().environments[0]?.state).toBe('idle')
  await good.ready()
  expect(good.state().environments[0]?.starts).toBe(1)
  await using bad = await startEmulator({ command: ['sh', '-c', 'exit 7'], log() {} })
  await expect(bad.ready()).rejects.toThrow(
    'init failed: Runtime.ExitError: Runtime exited with error: exit status 7',
  )
  await using slow = await startEmulator({ command: ['sleep', '600'], drainSeconds: 0, log() {} })
  const waiting = slow.ready().then(
    () => 'ready',
    (error: Error) => error.message,
  )
  await slow.stop()
  expect(await waiting).toBe('the emulator has been stopped')
})

test('answers as the service does, if asked to', async () => {
  await using emulator = await startEmulator({ handler: functionFile, dialect: 'lambda', log() {} })
  expect((await emulator.invoke({ exit: 3 })).statusCode).toBe(200)
})

test('leaves nothing behind, refuses invocations afterwards, and may be stopped twice', async () => {
  let pid = 0
  let last: Awaited<ReturnType<typeof startEmulator>>
  {
    await using emulator = await startEmulator({ handler: functionFile, eagerInit: true })
    pid = (await emulator.invoke({})).json<Told>().pid
    expect(alive(pid)).toBe(true)
    last = emulator
  }
  expect(alive(pid)).toBe(false)
  await expect(last.invoke({})).rejects.toThrow('the emulator has been stopped')
  await expect(fetch(last.url)).rejects.toThrow()
  await last.stop()
})

test('stop lets what runs finish', async () => {
  await using here = await scene()
  const call = here.emulator.invoke({ name: 'running', hold: 'go' })
  await here.inside('running')
  const waiting = here.emulator.invoke({})
  await here.queued(1)
  const stopping = here.emulator.stop()
  expect((await waiting).statusCode).toBe(503)
  here.release('go')
  expect((await call).statusCode).toBe(200)
  await stopping
})

test('several emulators in one program know nothing of each other', async () => {
  const emulators = await Promise.all([1, 2, 3].map(() => startEmulator({ handler: functionFile })))
  const told = await Promise.all(emulators.map((one) => one.invoke({})))
  expect(new Set(told.map((result) => result.json<Told>().api)).size).toBe(3)
  for (const [index, one] of emulators.entries()) {
    expect(`${told[index]?.json<Told>().api}`).toBe(one.runtimeApi)
    expect(one.output().match(/^START /gm)).toHaveLength(1)
  }
  await Promise.all(emulators.map((one) => one.stop()))
})

test('the output can go to a function, with the environment that it comes from', async () => {
  const lines: [string, number][] = []
  await using emulator = await startEmulator({
    handler: functionFile,
    output: (text, environment) => lines.push([text, environment]),
  })
  await emulator.invoke({ name: 'x' })
  await emulator.idle()
  expect(lines.every(([text, environment]) => text.endsWith('\n') && environment === 1)).toBe(true)
  expect(lines.map(([text]) => text).join('')).toMatch(
    /^START [^\n]+\ninside x\nEND [^\n]+\nREPORT [^\n]+\n$/,
  )
  expect(emulator.output()).toBe('')
})

test('variables are added to those of this program, and may be taken away', async () => {
  await using emulator = await startEmulator({
    handler: fixture('greet.variables'),
    env: { ADDED: 'yes', HOME: undefined, AWS_LAMBDA_FUNCTION_NAME: 'named' },
  })
  const variables = (await emulator.invoke({})).json<Record<string, string>>()
  expect(variables).toMatchObject({ ADDED: 'yes', AWS_LAMBDA_FUNCTION_NAME: 'named', PATH: process.env.PATH })
  expect(variables.HOME).toBeUndefined()
})

test('a relative handler is looked up in its folder', async () => {
  await using emulator = await startEmulator({ handler: 'greet.handler', cwd: fixture('') })
  expect((await emulator.invoke({ name: 'Bo' })).json()).toEqual({ message: 'Hello, Bo!' })
})

test('an answer over the line is told as it is', async () => {
  await using emulator = await startEmulator({ handler: functionFile, functionTimeoutSeconds: 1 })
  expect((await emulator.invoke({ hang: true })).text()).toBe('Task timed out after 1.00 seconds')
})

const wrong: [options: Record<string, unknown>, message: string][] = [
  [{}, 'nothing to run: give a command, or a handler as file.export'],
  [{ handler: 'index' }, 'handler is "index"; allowed is file.export, as index.handler'],
  [{ handler: 7 }, 'handler is 7; allowed is file.export, as index.handler'],
  [
    { command: 'ls -l' },
    'command is "ls -l"; allowed is a list of a program and its arguments, each a string',
  ],
  [{ command: [] }, 'command is []; allowed is a list of a program and its arguments, each a string'],
  [{ command: ['/no/such/program'] }, 'command cannot be run: /no/such/program is missing'],
  [{ command: ['no-such-program'] }, 'command cannot be run: no-such-program is not in PATH'],
  [{ maxEnvironments: -1 }, 'maxEnvironments is -1; allowed is a whole number from 0 to 1000'],
  [{ maxEnvironments: '2' }, 'maxEnvironments is "2"; allowed is a whole number from 0 to 1000'],
  [{ maxQueue: -1 }, 'maxQueue is -1; allowed is a whole number from 0 to 2147483647'],
  [
    { functionTimeoutSeconds: 0.5 },
    'functionTimeoutSeconds is 0.5; allowed is a whole number from 1 to 2147483',
  ],
  [
    { initTimeoutSeconds: Number.NaN },
    'initTimeoutSeconds is NaN; allowed is a whole number from 0 to 2147483',
  ],
  [{ eagerInit: 'on' }, 'eagerInit is "on"; allowed is true or false'],
  [{ dialect: 'aws' }, 'dialect is "aws"; allowed is one of auto, rie, lambda'],
  [{ extensionsDirectory: '' }, 'extensionsDirectory is ""; allowed is a text that is not empty'],
  [
    { extensionsDirectory: '/nothere' },
    'extensionsDirectory is "/nothere"; there is no such folder. Without it, /opt/extensions is looked into if it exists',
  ],
  [{ env: { A: 1 } }, 'env is {\n  A: 1,\n}; allowed is an object of strings'],
  [{ output: 'stdout' }, "output is \"stdout\"; allowed is 'collect', 'inherit' or a function"],
  [{ log: true }, 'log is true; allowed is a function'],
  [{ cwd: '/nothere', handler: functionFile }, 'cwd is "/nothere"; there is no such folder'],
  [{ timeout: 3 }, 'unknown option timeout; here it is functionTimeoutSeconds'],
  [{ maxEnvironment: 2 }, 'unknown option maxEnvironment; the nearest one is maxEnvironments'],
]

test.each(wrong)('%j is refused with words that help', async (options, message) => {
  const complete = 'handler' in options || 'command' in options || message.startsWith('nothing')
  const all = complete ? options : { handler: functionFile, ...options }
  const error = await startEmulator(all as EmulatorOptions).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ConfigError)
  expect((error as Error).message).toBe(message)
})

test('the log of the emulator goes where it is told, from the level on that is asked for', async () => {
  const lines: string[] = []
  const log = (line: string): unknown => lines.push(line)
  await using emulator = await startEmulator({ handler: functionFile, logLevel: 'debug', log })
  await emulator.invoke({})
  await until('the init to be told of', () => lines.some((line) => line.includes('init ended')))
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ level: 'debug', msg: expect.any(String) })
})
