/** An invocation with extensions: who gets it, who is waited for, what its time limit covers, what the log says. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { both, ready, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'

const watched = { extensions: scriptedExtensions('watcher') }
const threeSeconds = { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' }

const frame = ['START', 'END', 'REPORT']

/** The first words of the lines on stdout, up to as many REPORTs; not those about extensions. */
async function kinds(rie: Emulator, reports = 1): Promise<string[]> {
  await until(`${reports} reports`, () => rie.stdout.text.match(/^REPORT.*\n/gm)?.length === reports)
  const words = rie.stdout.lines.map((line) => line.split(/[ \t]/, 1)[0]!)
  return words.filter((word) => word !== 'EXTENSION')
}

/** Nothing more is logged of the invocation than that it has started. */
async function goesOn(rie: Emulator): Promise<void> {
  await rie.settle()
  expect(rie.stdout.text).not.toContain('END RequestId')
}

export const extensionsInvoke = chapter('Extensions: invocations', (it) => {
  it.external(
    'gives an invocation to the runtime and to everyone who asked for INVOKE',
    async ({ start }) => {
      await using rie = await start({ extensions: scriptedExtensions('a', 'b', 'c') })
      const call = rie.invoke('"everyone"')
      const { a, b, c } = await ready(rie, { a: ['INVOKE'], b: both, c: ['SHUTDOWN'] })
      const event = await rie.next()
      for (const actor of [a, b]) {
        expect((await actor.event()).json).toMatchObject({ eventType: 'INVOKE', requestId: event.id })
        actor.park()
      }
      await rie.stillWaits(c.parked)
      await rie.respond(event.id)
      rie.park()
      expect((await call).status).toBe(200)
    },
  )

  it.external('serves one invocation after the other with the same processes', async ({ start }) => {
    await using rie = await start(watched)
    let call = rie.invoke('1')
    const { watcher } = await ready(rie, { watcher: both })
    for (let n = 1; n <= 5; n++) {
      const { id, text } = await rie.reply(`"answer ${n}"`)
      expect(text).toBe(String(n))
      expect((await watcher.pass()).json.requestId).toBe(id)
      expect((await call).text).toBe(`"answer ${n}"`)
      call = rie.invoke(String(n + 1))
    }
    expect([rie.runtimes().length, rie.extensions().length]).toEqual([1, 1])
  })

  it.external('answers while an extension is still at work', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    const event = await rie.next()
    await watcher.event()
    await rie.respond(event.id, '"at once"')
    rie.park()
    expect((await call).text).toBe('"at once"')
    await goesOn(rie)
  })

  it.external('lets the next invocation wait until every extension has asked for it', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('a', 'b') })
    const first = rie.invoke('1')
    const { a, b } = await ready(rie, { a: both, b: both })
    await rie.reply()
    await first
    await a.event()
    await b.event()
    const second = rie.invoke('2')
    await rie.stillWaits(second)
    a.park()
    await rie.stillWaits(second)
    expect(rie.stdout.text.match(/^START/gm)).toHaveLength(1)
    b.park()
    expect((await rie.reply('"second"')).text).toBe('2')
    expect((await second).text).toBe('"second"')
    const ids = await Promise.all([a.pass(), b.pass()])
    expect(new Set(ids.map((event) => event.json.requestId)).size).toBe(1)
  })

  it.external('waits for nobody who did not ask for INVOKE', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    await ready(rie, { watcher: ['SHUTDOWN'] })
    await rie.reply()
    await call
    expect((await rie.exchange('"again"')).event.text).toBe('"again"')
    expect(await kinds(rie, 2)).toEqual([...frame, ...frame])
  })

  for (const first of ['runtime', 'extension'] as const) {
    it.external(`ends an invocation with the last poll, when the ${first} asks first`, async ({ start }) => {
      await using rie = await start(watched)
      const call = rie.invoke()
      const { watcher } = await ready(rie, { watcher: both })
      const { id } = await rie.next()
      await watcher.event()
      await rie.respond(id)
      const steps = [() => rie.park(), () => void watcher.park()]
      if (first === 'extension') steps.reverse()
      steps[0]!()
      await goesOn(rie)
      steps[1]!()
      expect((await call).status).toBe(200)
      expect(await kinds(rie)).toEqual(frame)
    })
  }

  it.external('lets an extension be done before the runtime has answered', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    const { id } = await rie.next()
    await watcher.pass()
    await rie.stillWaits(watcher.parked)
    await rie.respond(id, '"later"')
    rie.park()
    expect((await call).text).toBe('"later"')
    await kinds(rie)
  })

  it.external(
    'covers extensions by the time of the function, and lets the answer stand',
    async ({ start }) => {
      await using rie = await start({ ...watched, env: threeSeconds })
      const first = rie.invoke('1')
      const { watcher } = await ready(rie, { watcher: both })
      const { id } = await rie.reply('"good"')
      await watcher.event()
      const answer = await first
      expect([answer.status, answer.text]).toEqual([200, '"good"'])
      expect(answer.header('X-Amz-Function-Error')).toBeUndefined()
      // which is when its time is over
      await (await rie.runtime()).gone()
      expect((await watcher.event()).json).toMatchObject({ eventType: 'SHUTDOWN', shutdownReason: 'timeout' })
      ;(await rie.extension('watcher')).tell('exit 0')
      const [report] = await rie.stdout.until(/^REPORT.*\n/m)
      expect(report).toMatch(new RegExp(`^REPORT RequestId: ${id}\t.* Status: timeout\\s*\n$`))
      const second = rie.invoke('2')
      const again = await ready(rie, { watcher: both }, 2)
      expect((await rie.reply('"fresh"')).text).toBe('2')
      await again.watcher.pass()
      expect((await second).text).toBe('"fresh"')
    },
  )

  it.external('ends an invocation of which neither runtime nor extension is done', async ({ start }) => {
    await using rie = await start({ ...watched, env: threeSeconds })
    const call = rie.invoke()
    const { watcher } = await ready(rie, { watcher: both })
    await rie.next()
    await watcher.event()
    await (await rie.runtime()).gone()
    expect((await watcher.event()).json.shutdownReason).toMatch(/^timeout$/i)
    ;(await rie.extension('watcher')).tell('exit 0')
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, 'Task timed out after 3.00 seconds'])
  })

  it.external('writes what extensions print among the lines of the function', async ({ start }) => {
    await using rie = await start(watched)
    const call = rie.invoke()
    await rie.extension('watcher').then((scripted) => scripted.ask('echo extension starting'))
    const { watcher } = await ready(rie, { watcher: both })
    const { id } = await rie.next()
    await watcher.event()
    await (await rie.runtime()).ask('echo function works')
    // two pipes have no common order: a busy emulator finds lines in both, and either may be read first
    await rie.stdout.until(/function works\n/)
    await (await rie.extension('watcher')).ask('echo extension works; echo and complains >&2')
    await rie.respond(id)
    rie.park()
    watcher.park()
    await call
    await kinds(rie)
    const { text } = rie.stdout
    const places = [
      'extension starting\n',
      'START ',
      'function works\n',
      'extension works\nand complains\n',
      'END ',
    ].map((each) => text.indexOf(each))
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(places).not.toContain(-1)
  })

  it.external('tells of each extension when init is over, in their order', async ({ start }) => {
    await using rie = await start({ extensions: scriptedExtensions('b', 'a', 'C') })
    const call = rie.invoke()
    await ready(rie, { b: ['SHUTDOWN'], a: [], C: ['SHUTDOWN', 'INVOKE'] })
    await rie.next()
    await rie.stdout.until(/^START/m)
    expect(rie.stdout.lines.slice(0, 3)).toEqual([
      'EXTENSION\tName: C\tState: Ready\tEvents: [SHUTDOWN,INVOKE]',
      'EXTENSION\tName: a\tState: Ready\tEvents: []',
      'EXTENSION\tName: b\tState: Ready\tEvents: [SHUTDOWN]',
    ])
    expect(rie.stdout.lines[3]).toStartWith('START')
    void call
  })

  it.external('tells of an extension that could not be started', async ({ start }) => {
    await using rie = await start({ extensions: { a: true, b: 'no program\n' } })
    await rie.invoke()
    await rie.stdout.until(/^REPORT.*\n/m)
    const lines = rie.stdout.lines.filter((line) => line.startsWith('EXTENSION'))
    expect(lines[0]).toBe('EXTENSION\tName: a\tState: Started\tEvents: []')
    expect(lines[1]).toBe('EXTENSION\tName: b\tState: LaunchError\tEvents: []\tError Type: UnknownError')
    const failed = /^INIT_REPORT .*Phase: init\s+Status: error\s+Error Type: Extension\.LaunchError\s*$/m
    expect(rie.stdout.text).toMatch(failed)
  })
})
