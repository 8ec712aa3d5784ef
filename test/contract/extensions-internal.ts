/** Extensions that live in the runtime's own process: when they may come, what they are told, how they go. */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import { both, enter, internal, ready, registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import { refusal } from './facts.ts'

export const extensionsInternal = chapter('Extensions: internal', (it) => {
  it('serves invocations with an internal extension', async ({ start }) => {
    await using rie = await start()
    let call = rie.invoke('1')
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    for (let n = 1; n <= 3; n++) {
      const { id } = await rie.reply(`"answer ${n}"`)
      expect((await inner.pass()).json).toMatchObject({ eventType: 'INVOKE', requestId: id })
      expect((await call).text).toBe(`"answer ${n}"`)
      call = rie.invoke(String(n + 1))
    }
  })

  it('delivers nothing before an internal extension has asked for an event', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    await rie.runtime()
    const inner = await enter(rie, 'inner', [])
    const poll = rie.poll()
    await rie.stillWaits(poll)
    inner.park()
    const event = await within('the event', poll)
    await rie.respond(event.id)
    rie.park()
    expect((await call).status).toBe(200)
  })

  it('waits for an internal extension before it takes the next invocation', async ({ start }) => {
    await using rie = await start()
    const first = rie.invoke('1')
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    await rie.reply()
    await inner.event()
    await first
    const second = rie.invoke('2')
    await rie.stillWaits(second)
    inner.park()
    expect((await rie.reply('"second"')).text).toBe('2')
    expect((await second).text).toBe('"second"')
  })

  it.external('lets internal extensions register beside external ones', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('outer', 'other') })
    const call = rie.invoke()
    const { outer, other } = await ready(rie, { outer: both, other: ['SHUTDOWN'] })
    const { inner, idle } = await internal(rie, { inner: ['INVOKE'], idle: [] })
    const { id } = await rie.reply()
    const events = await Promise.all([outer.pass(), inner.pass()])
    expect(events.map((event) => event.json.requestId)).toEqual([id, id])
    expect((await call).status).toBe(200)
    for (const { parked } of [other, idle]) await rie.stillWaits(parked)
  })

  it.external(
    'lets an internal extension register before the runtime has been started',
    async ({ start }) => {
      await using rie = await start({ extensions: scriptedExtensions('outer') })
      const call = rie.invoke()
      await rie.extension('outer')
      const inner = await enter(rie, 'inner', [])
      inner.park()
      await rie.settle()
      expect(rie.runtimes()).toEqual([])
      const { outer } = await registered(rie, { outer: [] })
      outer.park()
      await rie.reply()
      expect((await call).status).toBe(200)
    },
  )

  it('limits by time an internal extension that never comes back', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    const { id } = await rie.reply('"good"')
    await inner.event()
    expect((await call).text).toBe('"good"')
    const [line] = await rie.stdout.until(/^REPORT.*\n/m)
    expect(line).toMatch(new RegExp(`^REPORT RequestId: ${id}\t.* Status: timeout\\s*$`))
  })

  it('limits by time an internal extension that reports an error and stays', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    await rie.next()
    await inner.event()
    expect((await inner.report('exit/error')).status).toBe(202)
    expect((await call).text).toBe('Task timed out after 3.00 seconds')
  })

  it('names an internal extension that has reported an error when its process exits', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    const { id } = await rie.next()
    await inner.event()
    await inner.report('exit/error')
    ;(await rie.runtime()).tell('exit 4')
    const { errorType, errorMessage } = (await call).json
    expect(errorMessage).toBe(`RequestId: ${id} Error: Runtime exited with error: exit status 4`)
    expect(errorType).toBe('Extension.ExitError')
  })

  it('opens registration again with the next process, and has forgotten the last one', async ({ start }) => {
    await using rie = await start()
    const first = rie.invoke()
    const one = await internal(rie, { inner: ['INVOKE'] })
    await rie.next()
    ;(await rie.runtime()).tell('exit 1')
    expect((await first).status).toBe(502)
    const second = rie.invoke()
    const two = await internal(rie, { inner: ['INVOKE'] }, 2)
    const stranger = await within('an answer', rie.eventNext(one.inner.id))
    const text = `Unknown extension ${one.inner.id}`
    expect(stranger.text).toBe(refusal('Extension.UnknownExtensionIdentifier', text))
    await rie.reply()
    await two.inner.pass()
    expect((await second).status).toBe(200)
  })

  it('tells an internal extension nothing of the end', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    await rie.reply()
    await inner.pass()
    await call
    const last = inner.parked.then(
      (answer) => answer.status,
      () => 'closed',
    )
    expect(await rie.stop()).toBe(0)
    expect([403, 'closed']).toContain(await last)
  })

  it('tells of an internal extension too when init is over', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await internal(rie, { inner: ['INVOKE'] })
    await rie.next()
    await rie.stdout.until(/^EXTENSION\tName: inner\tState: Ready\tEvents: \[INVOKE\]\nSTART/m)
  })
})
