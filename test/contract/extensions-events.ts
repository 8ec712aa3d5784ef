/** `/2020-01-01/extension/event/next`: identifiers, the event of an invocation, polls that wait. */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import { both, internal, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import { type Emulator, extensionPath } from './emulator.ts'
import { accepted, refusal, someId, uuid } from './facts.ts'

const missing = refusal('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header')
const invalid = refusal('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier')
const noType = refusal('Extension.MissingHeader', 'Lambda-Extension-Function-Error-Type not found')
const unknown = refusal('Extension.UnknownExtensionIdentifier', 'Unknown Lambda-Extension-Identifier')
const unknownTo = (id: string) => refusal('Extension.UnknownExtensionIdentifier', `Unknown extension ${id}`)

/** An identifier in all the ways in which one can be written. */
const forms: Readonly<Record<string, (id: string) => string>> = {
  'in upper case': (id) => id.toUpperCase(),
  'in braces': (id) => `{${id}}`,
  'as a URN': (id) => `urn:uuid:${id}`,
  'as a URN in upper case': (id) => `URN:UUID:${id}`.toUpperCase(),
  'without hyphens': (id) => id.replaceAll('-', ''),
}

const misshapen: Readonly<Record<string, (id: string) => string>> = {
  'a word': () => 'watcher',
  'one digit too few': (id) => id.slice(1),
  'one digit too many': (id) => `${id}0`,
  'a digit that is none': (id) => `g${id.slice(1)}`,
  'one brace': (id) => `{${id}`,
  'braces without hyphens': (id) => `{${id.replaceAll('-', '')}}`,
  'a URN without hyphens': (id) => `urn:uuid:${id.replaceAll('-', '')}`,
  'a URN in braces': (id) => `urn:uuid:{${id}}`,
  'one hyphen too few': (id) => id.replace('-', ''),
}

const identified = (id: string) => ({ 'Lambda-Extension-Identifier': id })
const typed = { 'Lambda-Extension-Function-Error-Type': 'Extension.Tested' }

const ask = (rie: Emulator, headers: Record<string, string>) =>
  within('an answer', rie.poll(`${extensionPath}/event/next`, headers))
const report = (rie: Emulator, what: string, headers: Record<string, string>) =>
  rie.call('POST', `${extensionPath}/${what}`, '', headers)

export const extensionsEvents = chapter('Extensions API: events', (it) => {
  for (const [kind, headers] of [
    ['without an identifier', {}],
    ['with an empty identifier', identified('')],
  ] as const) {
    it(`refuses a call ${kind}`, async ({ start }) => {
      await using rie = await start()
      rie.invoke()
      await rie.runtime()
      const answers = [
        await ask(rie, headers),
        await report(rie, 'init/error', headers),
        await report(rie, 'exit/error', { ...headers, ...typed }),
      ]
      for (const answer of answers) {
        expect([answer.status, answer.text]).toEqual([403, missing])
        expect(answer.header('Content-Type')).toBe('application/json')
      }
    })
  }

  for (const [kind, write] of Object.entries(misshapen)) {
    it(`takes no identifier of this form: ${kind}`, async ({ start }) => {
      await using rie = await start()
      rie.invoke()
      const { inner } = await internal(rie, { inner: ['INVOKE'] })
      const headers = identified(write(inner.id))
      for (const answer of [
        await ask(rie, headers),
        await report(rie, 'init/error', headers),
        await report(rie, 'exit/error', { ...headers, ...typed }),
      ]) {
        expect([answer.status, answer.text]).toEqual([403, invalid])
      }
    })
  }

  for (const [kind, write] of Object.entries(forms)) {
    it(`takes an identifier ${kind}, and writes it plainly`, async ({ start }) => {
      await using rie = await start()
      const call = rie.invoke()
      await rie.runtime()
      expect((await ask(rie, identified(write(someId)))).text).toBe(unknownTo(someId))
      const registration = await rie.register('inner', ['INVOKE'])
      const id = registration.header('Lambda-Extension-Identifier')!
      const poll = rie.eventNext(write(id))
      await rie.reply()
      expect((await within('an event', poll)).json.eventType).toBe('INVOKE')
      rie.eventNext(write(id))
      expect((await call).status).toBe(200)
    })
  }

  it('refuses an identifier that it has not given', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.runtime()
    const headers = identified(someId)
    expect((await ask(rie, headers)).text).toBe(unknownTo(someId))
    for (const what of ['init/error', 'exit/error']) {
      // the header is looked at before the identifier
      expect((await report(rie, what, headers)).text).toBe(noType)
      expect((await report(rie, what, { ...headers, [Object.keys(typed)[0]!]: '' })).text).toBe(noType)
      const answer = await report(rie, what, { ...headers, ...typed })
      expect([answer.status, answer.text]).toEqual([403, unknown])
    }
  })

  it('takes a report without a body, or with any', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.runtime()
    for (const body of ['', 'not JSON', '{"errorMessage":"no"}']) {
      const registration = await rie.register(`with ${body}`, [])
      const headers = { ...identified(registration.header('Lambda-Extension-Identifier')!), ...typed }
      const answer = await rie.call('POST', `${extensionPath}/init/error`, body, headers)
      expect([answer.status, answer.text]).toEqual([202, accepted])
    }
  })

  it.external('tells an extension of an invocation, byte for byte', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const trace = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1'
    const call = rie.invoke('{"secret":1}', { 'X-Amzn-Trace-Id': trace, 'X-Amz-Tenant-Id': 'tenant-7' })
    const { watcher } = await ready(rie, { watcher: both })
    const event = await rie.next()
    const told = await watcher.event()
    expect([told.status, told.header('Content-Type')]).toEqual([200, 'application/json'])
    expect(told.header('Lambda-Extension-Event-Identifier')).toMatch(uuid)
    expect(told.text).toBe(
      `{"eventType":"INVOKE","deadlineMs":${event.header('Lambda-Runtime-Deadline-Ms')},"requestId":"${event.id}",` +
        `"invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:test_function",` +
        `"tracing":{"type":"X-Amzn-Trace-Id","value":"${trace}"}}`,
    )
    watcher.park()
    await rie.respond(event.id)
    rie.park()
    await call
  })

  it.external('tells the ARN with its qualifier, and the trace that the runtime has', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    rie.invoke('{}', {}, '/2015-03-31/functions/function:PROD/invocations')
    const { watcher } = await ready(rie, { watcher: both })
    const event = await rie.next()
    const { invokedFunctionArn, tracing } = (await watcher.event()).json
    expect(invokedFunctionArn).toBe(event.header('Lambda-Runtime-Invoked-Function-Arn'))
    expect(tracing).toEqual({ type: 'X-Amzn-Trace-Id', value: event.header('Lambda-Runtime-Trace-Id') })
  })

  it.external('gives every event an identifier of its own', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('a', 'b') })
    const ids: string[] = []
    const call = rie.invoke()
    const { a, b } = await ready(rie, { a: both, b: both })
    await rie.reply()
    for (const actor of [a, b]) ids.push((await actor.pass()).header('Lambda-Extension-Event-Identifier')!)
    await call
    const again = rie.exchange()
    for (const actor of [a, b]) ids.push((await actor.pass()).header('Lambda-Extension-Event-Identifier')!)
    await again
    expect(new Set(ids).size).toBe(4)
  })

  it.external('tells an extension nothing that it has not asked for', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('all', 'last', 'none') })
    const call = rie.invoke()
    const { all, last, none } = await ready(rie, { all: both, last: ['SHUTDOWN'], none: [] })
    await rie.reply()
    await all.pass()
    expect((await call).status).toBe(200)
    for (const { parked } of [last, none]) await rie.stillWaits(parked)
  })

  it.external('refuses a second poll of the same extension, and keeps the first', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const call = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    await rie.settle()
    const second = await within('an answer', rie.eventNext(watcher.id))
    expect([second.status, second.text]).toEqual([
      403,
      refusal(
        'Extension.InvalidExtensionState',
        `State transition from Ready to Ready failed for extension ${watcher.id}. Error: State transition is not allowed`,
      ),
    ])
    await rie.reply()
    await watcher.pass()
    expect((await call).status).toBe(200)
  })

  it.external('forgets the poll of an extension that has gone away', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const call = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    for (let round = 0; round < 3; round++) {
      await rie.settle()
      rie.drop()
      await rie.settle()
      watcher.park()
    }
    await rie.reply()
    expect((await watcher.pass()).json.eventType).toBe('INVOKE')
    expect((await call).status).toBe(200)
  })

  it.external('keeps the event for an extension whose poller has gone away', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('watcher') })
    const first = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    await rie.reply()
    await watcher.pass()
    await first
    await rie.settle()
    rie.drop(extensionPath)
    await rie.settle()
    const call = rie.invoke('"missed"')
    const { id } = await rie.reply()
    watcher.park()
    expect((await watcher.pass()).json).toMatchObject({ eventType: 'INVOKE', requestId: id })
    expect((await call).status).toBe(200)
  })

  for (const [what, method] of [
    ['register', 'POST'],
    ['event/next', 'GET'],
    ['init/error', 'POST'],
    ['exit/error', 'POST'],
  ] as const) {
    it(`refuses ${what} before the first invocation, when nobody is expected`, async ({ start }) => {
      await using rie = await start()
      const headers = { 'Lambda-Extension-Name': 'early', ...identified(someId), ...typed }
      const answer = await rie.call(
        method,
        `${extensionPath}/${what}`,
        what === 'register' ? '{}' : '',
        headers,
      )
      expect([answer.status, answer.json.errorType]).toEqual([403, 'InvalidStateTransition'])
      expect(answer.header('Content-Type')).toBe('application/json')
    })
  }
})
