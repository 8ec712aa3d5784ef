/** `/2020-01-01/extension/register`: its checks one after the other, what it takes, what it answers. */
import { expect } from 'bun:test'
import type { Answer } from '../kit/wire.ts'
import { enter, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import { type Emulator, extensionPath } from './emulator.ts'
import { refusal, uuid } from './facts.ts'
import { scriptedProcessFile } from './scripted-process.ts'

const register = (rie: Emulator, body: string, headers: Record<string, string>): Promise<Answer> =>
  rie.call('POST', `${extensionPath}/register`, body, headers)
const named = (name: string) => ({ 'Lambda-Extension-Name': name })

/** In the init of a runtime, where internal extensions may register. */
async function open(rie: Emulator): Promise<void> {
  rie.invoke()
  await rie.runtime()
}

function expectRefusal(answer: Answer, type: string, message: string): void {
  expect([answer.status, answer.text]).toEqual([403, refusal(type, message)])
  expect(answer.header('Content-Type')).toBe('application/json')
}

const deprecated = 'configurationKeys are deprecated; use environment variables instead'
const shutdownRefused = 'SHUTDOWN: ShutdownEventNotSupportedForInternalExtension'

const noName = ['Extension.InvalidExtensionName', 'Empty extension name'] as const
const badFormat = (message: string) => ['InvalidRequestFormat', message] as const
const badEvent = (message: string) => ['Extension.InvalidEventType', message] as const
const asked = (...events: string[]) => JSON.stringify({ events })
const keys = (...events: string[]) => JSON.stringify({ events, configurationKeys: ['a'] })

/** By a name, with a body: where two things are wrong, the first decides. */
const wrong: Readonly<
  Record<string, readonly [name: string | undefined, body: string, refusal: readonly [string, string]]>
> = {
  'without a name': [undefined, asked(), noName],
  'with an empty name': ['', asked(), noName],
  'without a name or JSON': [undefined, '{', noName],
  'without a body': ['a', '', badFormat('unexpected end of JSON input')],
  'with configuration keys': ['a', keys('INVOKE'), badFormat(deprecated)],
  'with configuration keys and an event that nobody knows': ['a', keys('NOPE'), badFormat(deprecated)],
  'for an event that nobody knows': ['a', asked('INVOKE', 'NOPE'), badEvent('NOPE: ErrorInvalidEventType')],
  'for an event in lower case': ['a', asked('invoke'), badEvent('invoke: ErrorInvalidEventType')],
  'for an event without a name': ['a', asked(''), badEvent(': ErrorInvalidEventType')],
  'for an event that is null': ['a', '{"events":["INVOKE",null]}', badEvent(': ErrorInvalidEventType')],
  'for an event in angle brackets': ['a', asked('<b>'), badEvent('\\u003cb\\u003e: ErrorInvalidEventType')],
  'for SHUTDOWN in an internal extension': ['a', asked('SHUTDOWN'), badEvent(shutdownRefused)],
  'for SHUTDOWN and then for NOPE': ['a', asked('SHUTDOWN', 'NOPE'), badEvent(shutdownRefused)],
  'for NOPE and then for SHUTDOWN': ['a', asked('NOPE', 'SHUTDOWN'), badEvent('NOPE: ErrorInvalidEventType')],
}

const malformed = [
  '{',
  '[]',
  '"INVOKE"',
  '1',
  'true',
  '{"events":"INVOKE"}',
  '{"events":[1]}',
  '{"events":{}}',
  '{"configurationKeys":"a"}',
  '{"configurationKeys":[1]}',
  '\ufeff{}',
  '{} x',
]

/** Bodies that a decoder of Go takes, and whether they subscribe to INVOKE. */
const lenient: readonly (readonly [body: string, invoke: boolean])[] = [
  ['null', false],
  ['{}', false],
  ['{"events":null,"configurationKeys":[]}', false],
  ['{"EVENTS":["INVOKE"]}', true],
  ['{"events":["INVOKE","INVOKE"],"unknown":{"x":[1]}}', true],
  ['{"Events":["NOPE"],"events":["INVOKE"]}', true],
  [' {"events" : [ "INVOKE" ] } ', true],
]

export const extensionsRegister = chapter('Extensions API: register', (it) => {
  for (const [kind, [name, body, [type, message]]] of Object.entries(wrong)) {
    it(`refuses to register ${kind}`, async ({ start }) => {
      await using rie = await start()
      await open(rie)
      expectRefusal(await register(rie, body, name === undefined ? {} : named(name)), type, message)
    })
  }

  for (const body of malformed) {
    it(`refuses to register with ${body}`, async ({ start }) => {
      await using rie = await start()
      await open(rie)
      const answer = await register(rie, body, named('a'))
      expect([answer.status, answer.json.errorType]).toEqual([403, 'InvalidRequestFormat'])
      expect(answer.text).toMatch(/^\{"errorMessage":".+","errorType":"InvalidRequestFormat"\}\n$/)
    })
  }

  for (const [body, invoke] of lenient) {
    it(`registers ${invoke ? 'for INVOKE' : 'for nothing'} with ${body}`, async ({ start }) => {
      await using rie = await start()
      await open(rie)
      const answer = await register(rie, body, named('a'))
      expect(answer.status).toBe(200)
      const poll = rie.eventNext(answer)
      await rie.next()
      if (invoke) expect((await poll).json.eventType).toBe('INVOKE')
      else await rie.stillWaits(poll)
    })
  }

  it('registers with a document of 200 000 bytes', async ({ start }) => {
    await using rie = await start()
    await open(rie)
    const body = JSON.stringify({ events: ['INVOKE'], unknown: 'x'.repeat(200_000) })
    expect((await register(rie, body, named('a'))).status).toBe(200)
  })

  it.external('knows an external extension whose name is not of ASCII', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('größe-日本') })
    rie.invoke()
    await rie.extension('größe-日本')
    const sent = Buffer.from('größe-日本').toString('latin1')
    // internal ones may not ask for it
    expect((await rie.register(sent, ['SHUTDOWN'])).status).toBe(200)
    await rie.runtime()
  })

  it('registers after a refusal as if nothing had happened', async ({ start }) => {
    await using rie = await start()
    await open(rie)
    for (const events of [['SHUTDOWN'], ['NOPE'], ['NOPE']]) {
      expect((await rie.register('again', events)).status).toBe(403)
    }
    expect((await rie.register('again', ['INVOKE'])).status).toBe(200)
  })

  it.external('lets an external extension register after refusals', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    rie.invoke()
    await rie.extension('watcher')
    for (const event of ['NOPE', 'NOPE', 'shutdown']) {
      const refused = await rie.register('watcher', ['SHUTDOWN', event])
      expectRefusal(refused, 'Extension.InvalidEventType', `${event}: ErrorInvalidEventType`)
    }
    expect((await rie.register('watcher', ['SHUTDOWN', 'INVOKE'])).status).toBe(200)
    await rie.runtime()
  })

  it('refuses to register once the runtime has asked for its first event', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const closed = ['Extension.RegistrationClosed', 'Extension registration closed already'] as const
    expectRefusal(await rie.register('late', ['INVOKE']), ...closed)
    expectRefusal(await rie.register('late', ['SHUTDOWN']), 'Extension.InvalidEventType', shutdownRefused)
  })

  it('refuses a name that is taken', async ({ start }) => {
    await using rie = await start()
    await open(rie)
    await enter(rie, 'taken', ['INVOKE'])
    const message = 'Extension with this name already registered'
    expectRefusal(await rie.register('taken', []), 'Extension.InvalidExtensionState', message)
  })

  it('says that registration is closed before it says that a name is taken', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    await rie.runtime()
    const inner = await enter(rie, 'taken', [])
    inner.park()
    await rie.reply()
    await call
    const message = 'Extension registration closed already'
    expectRefusal(await rie.register('taken', []), 'Extension.RegistrationClosed', message)
  })

  it('refuses an eleventh internal extension, whatever its name', async ({ start }) => {
    await using rie = await start()
    await open(rie)
    for (let n = 1; n <= 10; n++) await enter(rie, `number ${n}`, [])
    for (const name of ['number 11', 'number 1']) {
      const message = 'Extension limit (10) reached'
      expectRefusal(await rie.register(name, []), 'Extension.TooManyExtensions', message)
    }
  })

  it.external('counts external and internal extensions together', async ({ start }) => {
    const names = Array.from({ length: 9 }, (_, n) => `external-${n}`)
    await using rie = await start({ extensions: scriptedExtensions(...names) })
    rie.invoke()
    for (const name of names) {
      await rie.extension(name)
      await enter(rie, name, [])
    }
    await rie.runtime()
    await enter(rie, 'number 10', [])
    const message = 'Extension limit (10) reached'
    expectRefusal(await rie.register('number 11', []), 'Extension.TooManyExtensions', message)
  })

  it.external('refuses an external extension that registers twice', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher', 'other') })
    rie.invoke()
    await rie.extension('watcher')
    await enter(rie, 'watcher', ['INVOKE'])
    const message =
      'State transition from Registered to Registered failed for extension watcher. Error: State transition is not allowed'
    expectRefusal(await rie.register('watcher', []), 'Extension.InvalidExtensionState', message)
    // events are looked at before the state
    const unknown = 'NOPE: ErrorInvalidEventType'
    expectRefusal(await rie.register('watcher', ['NOPE']), 'Extension.InvalidEventType', unknown)
  })

  it('takes a name apart from one in other letters', async ({ start }) => {
    await using rie = await start()
    await open(rie)
    await enter(rie, 'Name', [])
    await enter(rie, 'name', [])
  })

  it('answers with a new identifier and the function', async ({ start }) => {
    await using rie = await start({
      env: {
        AWS_LAMBDA_FUNCTION_NAME: 'MyCoolName',
        AWS_LAMBDA_FUNCTION_VERSION: '7',
        AWS_LAMBDA_FUNCTION_HANDLER: 'app.main',
      },
    })
    await open(rie)
    const [a, b] = [await rie.register('a', ['INVOKE']), await rie.register('b', [])]
    expect([a.status, a.text]).toEqual([
      200,
      '{"functionName":"MyCoolName","functionVersion":"7","handler":"app.main"}\n',
    ])
    expect(a.header('Content-Type')).toBe('application/json')
    const ids = [a, b].map((answer) => answer.header('Lambda-Extension-Identifier')!)
    for (const id of ids) expect(id).toMatch(uuid)
    expect(ids[0]).not.toBe(ids[1]!)
  })

  it('tells an extension a handler that the command line names', async ({ start }) => {
    await using rie = await start({ command: [scriptedProcessFile, 'app.main'] })
    await open(rie)
    expect((await rie.register('a', [])).json.handler).toBe('app.main')
  })

  for (const [features, told] of [
    ['accountId', true],
    [' foo, accountId ,', true],
    ['foo,,bar,', false],
    ['ACCOUNTID', false],
    ['', false],
  ] as const) {
    it(`${told ? 'tells the account' : 'does not tell the account'} with the features '${features}'`, async ({
      start,
    }) => {
      await using rie = await start({ env: { AWS_ACCOUNT_ID: '111122223333' } })
      await open(rie)
      const answer = await rie.register('a', [], { 'Lambda-Extension-Accept-Feature': features })
      const rest = '"functionName":"test_function","functionVersion":"$LATEST","handler":""}\n'
      expect(answer.text).toBe(`{${told ? '"accountId":"111122223333",' : ''}${rest}`)
    })
  }
})
