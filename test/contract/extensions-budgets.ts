/** How long each process is given to end, measured from outside: never less, and not much more. */
import { expect } from 'bun:test'
import { stopwatch } from '../harness.ts'
import { internal } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { idle, watched } from './extensions-shutdown.ts'

/** What a wait took at least by the clock, and at most as far as this process was let run. */
interface Took {
  readonly ms: number
  readonly ownMs: number
}

const measured = async (what: () => Promise<unknown>): Promise<Took> => {
  using watch = stopwatch()
  const began = performance.now()
  await what()
  return { ms: performance.now() - began, ownMs: watch.elapsed() }
}

/** Ends an idle emulator and says how long that took. */
const time = (rie: Emulator, meanwhile: () => Promise<unknown> = async () => {}): Promise<Took> =>
  measured(async () => {
    rie.signal('SIGTERM')
    await meanwhile()
    expect(await rie.exit()).toBe(0)
  })

export const extensionsBudgets = chapter('Extensions: budgets', (it) => {
  it.external.alone('gives a runtime that ignores SIGTERM 600 ms', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted, runtime } = await idle(rie)
    await runtime.ignoreTerm()
    const passed = await measured(async () => {
      rie.signal('SIGTERM')
      await watcher.parked
    })
    const event = await watcher.event()
    expect(passed.ms).toBeGreaterThanOrEqual(550)
    expect(passed.ownMs).toBeLessThan(1_600)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 1])
    expect(event.json.deadlineMs - Date.now()).toBeLessThan(1_500)
    scripted.tell('exit 0')
    expect(await rie.exit()).toBe(0)
  })

  it.external.alone('gives an extension that ignores SHUTDOWN two seconds', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted } = await idle(rie)
    const { ms, ownMs } = await time(rie, () => watcher.event())
    expect(ms).toBeGreaterThanOrEqual(1_950)
    expect(ownMs).toBeLessThan(3_500)
    expect(scripted.alive()).toBe(false)
  })

  it.external.alone(
    'gives a runtime and an extension that ignore all two seconds together',
    async ({ start }) => {
      await using rie = await start(watched)
      const { runtime } = await idle(rie)
      await runtime.ignoreTerm()
      const { ms, ownMs } = await time(rie)
      expect(ms).toBeGreaterThanOrEqual(1_950)
      expect(ownMs).toBeLessThan(2_550)
    },
  )

  it.external.alone('kills an extension that did not ask for SHUTDOWN at once', async ({ start }) => {
    await using rie = await start(watched)
    const { scripted } = await idle(rie, ['INVOKE'])
    expect((await time(rie)).ownMs).toBeLessThan(1_000)
    expect(scripted.alive()).toBe(false)
  })

  it.external.alone(
    'takes an extension that asks again after SHUTDOWN for one that is done',
    async ({ start }) => {
      await using rie = await start(watched)
      const { watcher, scripted } = await idle(rie)
      const { ownMs } = await time(rie, async () => {
        await watcher.event()
        watcher.park()
      })
      expect(ownMs).toBeLessThan(1_500)
      expect(scripted.alive()).toBe(false)
    },
  )

  it.alone('gives a runtime with an internal extension that ignores SIGTERM 500 ms', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { inner } = await internal(rie, { inner: ['INVOKE'] })
    await rie.reply()
    await inner.pass()
    await call
    const runtime = await rie.runtime()
    await runtime.ignoreTerm()
    const { ms, ownMs } = await time(rie)
    expect(ms).toBeGreaterThanOrEqual(450)
    expect(ownMs).toBeLessThan(1_500)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 1])
  })
})
