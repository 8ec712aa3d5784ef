/** How long each process is given to end, measured from outside: never less, and not much more. */
import { expect } from 'bun:test'
import { internal } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { idle, watched } from './extensions-shutdown.ts'

/** Ends an idle emulator and says after how many milliseconds it has ended. */
const time = async (rie: Emulator, meanwhile: () => Promise<unknown> = async () => {}): Promise<number> => {
  const began = performance.now()
  rie.signal('SIGTERM')
  await meanwhile()
  expect(await rie.exit()).toBe(0)
  return performance.now() - began
}

export const extensionsBudgets = chapter('Extensions: budgets', (it) => {
  it.external.alone('gives a runtime that ignores SIGTERM 600 ms', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted, runtime } = await idle(rie)
    await runtime.ignoreTerm()
    const began = performance.now()
    rie.signal('SIGTERM')
    const event = await watcher.event()
    const passed = performance.now() - began
    expect(passed).toBeGreaterThanOrEqual(550)
    expect(passed).toBeLessThan(1_600)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 1])
    expect(event.json.deadlineMs - Date.now()).toBeLessThan(1_500)
    scripted.tell('exit 0')
    expect(await rie.exit()).toBe(0)
  })

  it.external.alone('gives an extension that ignores SHUTDOWN two seconds', async ({ start }) => {
    await using rie = await start(watched)
    const { watcher, scripted } = await idle(rie)
    const passed = await time(rie, () => watcher.event())
    expect(passed).toBeGreaterThanOrEqual(1_950)
    expect(passed).toBeLessThan(3_500)
    expect(scripted.alive()).toBe(false)
  })

  it.external.alone(
    'gives a runtime and an extension that ignore all two seconds together',
    async ({ start }) => {
      await using rie = await start(watched)
      const { runtime } = await idle(rie)
      await runtime.ignoreTerm()
      const passed = await time(rie)
      expect(passed).toBeGreaterThanOrEqual(1_950)
      expect(passed).toBeLessThan(2_550)
    },
  )

  it.external.alone('kills an extension that did not ask for SHUTDOWN at once', async ({ start }) => {
    await using rie = await start(watched)
    const { scripted } = await idle(rie, ['INVOKE'])
    expect(await time(rie)).toBeLessThan(1_000)
    expect(scripted.alive()).toBe(false)
  })

  it.external.alone(
    'takes an extension that asks again after SHUTDOWN for one that is done',
    async ({ start }) => {
      await using rie = await start(watched)
      const { watcher, scripted } = await idle(rie)
      const passed = await time(rie, async () => {
        await watcher.event()
        watcher.park()
      })
      expect(passed).toBeLessThan(1_500)
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
    const began = performance.now()
    expect(await rie.stop()).toBe(0)
    const passed = performance.now() - began
    expect(passed).toBeGreaterThanOrEqual(450)
    expect(passed).toBeLessThan(1_500)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 1])
  })
})
