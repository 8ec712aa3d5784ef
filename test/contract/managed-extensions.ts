/** Managed Instances: what extensions may do, and what becomes of the others when one ends. */
import { expect } from 'bun:test'
import { ready, registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { refusal } from './facts.ts'
import { accepted, exitOnCrash, inFlight, said } from './managed.ts'

const watched = { extensions: scriptedExtensions('watcher') }
const noEvents = refusal('Extension.InvalidEventType', 'No events allowed for internal extensions')

export const managedExtensions = chapter('Managed Instances: extensions', (it) => {
  it.external('extensions of several at a time have no INVOKE', async ({ start }) => {
    await using rie = await start({ ...watched, concurrency: 2 })
    await rie.extension('watcher')
    const refused = await rie.register('watcher', ['INVOKE', 'SHUTDOWN'])
    expect(said(refused)).toEqual([
      403,
      refusal('Extension.InvalidEventType', 'INVOKE: ErrorInvalidEventType'),
    ])
    expect((await rie.register('watcher', ['SHUTDOWN'])).status).toBe(200)
  })

  it.external('extensions of several at a time that are internal have no event at all', async ({ start }) => {
    await using rie = await start({ concurrency: 2 })
    await rie.runtime()
    for (const name of ['INVOKE', 'SHUTDOWN', 'Odd']) {
      expect(said(await rie.register('inner', [name]))).toEqual([403, noEvents])
    }
    expect((await rie.register('inner', [])).status).toBe(200)
  })

  for (const [reason, happen, code] of [
    ['spindown', (rie: Emulator) => Promise.resolve(rie.signal('SIGTERM')), 0],
    ['failure', async (rie: Emulator) => (await rie.runtime()).tell('exit 3'), 1],
  ] as const) {
    it.external(
      `extensions of several at a time are told of a shutdown for the reason ${reason}`,
      async ({ start }) => {
        await using rie = await start({ ...watched, concurrency: 2, env: exitOnCrash })
        const { watcher } = await ready(rie, { watcher: ['SHUTDOWN'] })
        await rie.exchange()
        const told = watcher.event()
        const before = Date.now()
        await happen(rie)
        const { eventType, shutdownReason, deadlineMs } = (await told).json
        expect([eventType, shutdownReason]).toEqual(['SHUTDOWN', reason])
        expect(deadlineMs).toBeGreaterThan(before)
        ;(await rie.extension('watcher')).kill()
        expect(await rie.exit()).toBe(code)
      },
    )
  }

  it.external(
    'extensions of several at a time that end are the end of all that is in flight',
    async ({ start }) => {
      await using rie = await start({ ...watched, concurrency: 2, env: exitOnCrash })
      await ready(rie, { watcher: ['SHUTDOWN'] })
      const all = await inFlight(rie, 2)
      ;(await rie.extension('watcher')).tell('exit 3')
      for (const { call } of all) expect((await call).header('Error-Type')).toBe('Extension.Crash')
      expect(await rie.exit()).toBe(1)
    },
  )

  it.external(
    'extensions of several at a time name the type of their end themselves, and what is in flight goes on until then',
    async ({ start }) => {
      await using rie = await start({ ...watched, concurrency: 2, env: exitOnCrash })
      const { watcher } = await ready(rie, { watcher: ['SHUTDOWN'] })
      const [one, two] = await inFlight(rie, 2)
      expect((await watcher.report('exit/error')).status).toBe(202)
      await accepted(rie.respond(one!.id))
      expect((await one!.call).status).toBe(200)
      ;(await rie.extension('watcher')).tell('exit 3')
      expect((await two!.call).header('Error-Type')).toBe('Extension.Tested')
      expect(await rie.exit()).toBe(1)
    },
  )

  it.external('extensions of several at a time that fail their init name its type', async ({ start }) => {
    await using rie = await start({ ...watched, concurrency: 2, env: exitOnCrash })
    const call = rie.invoke()
    const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
    expect((await watcher.report('init/error')).status).toBe(202)
    ;(await rie.extension('watcher')).tell('exit 3')
    expect((await call).header('Error-Type')).toBe('Extension.Tested')
    expect(await rie.exit()).toBe(1)
  })
})
