/** When processes start and stop, and how the emulator itself ends. */
import { expect } from 'bun:test'
import { alive, marked, stopwatch, until } from '../harness.ts'
import { Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { invokePath } from './emulator.ts'
import { signed } from './facts.ts'

export const lifecycle = chapter('Life cycle', (it) => {
  it('starts nothing before the first invocation', async ({ start }) => {
    await using rie = await start()
    await rie.settle()
    expect(marked(rie.mark).filter((pid) => pid !== rie.pid)).toEqual([])
    expect((await rie.exchange()).answer.status).toBe(200)
  })

  it('starts the runtime at once with --eager-init', async ({ start }) => {
    await using rie = await start({ flags: ['--eager-init'] })
    await rie.runtime()
    rie.park()
    expect((await rie.exchange('"warm"')).event.text).toBe('"warm"')
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('tries an eager init that failed once more within the first invocation', async ({ start }) => {
    await using rie = await start({ flags: ['--eager-init'] })
    const first = await rie.runtime()
    first.tell('exit 1')
    await first.gone()
    const call = rie.invoke()
    await rie.runtime(2)
    await rie.reply('"second"')
    expect((await call).text).toBe('"second"')
  })

  it('stops an init that takes too long and tries once more', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_INIT_TIMEOUT: '1' } })
    const call = rie.invoke()
    const first = await rie.runtime()
    await rie.runtime(2)
    expect(first.alive()).toBe(false)
    await rie.reply('"second"')
    expect((await call).text).toBe('"second"')
  })

  it('gives an init ten seconds', async ({ start }) => {
    await using rie = await start()
    using watch = stopwatch()
    const began = performance.now()
    const call = rie.invoke('{}', {}, invokePath, 60_000)
    const first = await rie.runtime()
    await first.gone(40_000)
    expect(performance.now() - began).toBeGreaterThan(9_500)
    expect(watch.elapsed()).toBeLessThan(12_500)
    await rie.runtime(2)
    await rie.reply('"second"')
    expect((await call).text).toBe('"second"')
  })

  it('gives an init all its time with a limit of 0', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_INIT_TIMEOUT: '0' } })
    const call = rie.invoke('{}', {}, invokePath, 40_000)
    await rie.runtime()
    await Bun.sleep(11_000)
    await rie.reply('"at last"')
    expect((await call).text).toBe('"at last"')
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('gives every process a group of its own and nothing to read', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const runtime = await rie.runtime()
    expect(runtime.group()).toBe(runtime.pid)
    expect(await runtime.standardInput()).toBe('/dev/null')
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends with exit code 0 on ${signal} before the first invocation`, async ({ start }) => {
      await using rie = await start()
      rie.signal(signal)
      expect(await rie.exit()).toBe(0)
    })

    it(`ends with exit code 0 on ${signal} while nothing runs, and its processes with it`, async ({
      start,
    }) => {
      await using rie = await start()
      await rie.exchange()
      const child = await (await rie.runtime()).fork()
      rie.signal(signal)
      expect(await rie.exit()).toBe(0)
      expect((await rie.runtime()).alive()).toBe(false)
      await until('the child of the runtime to end', () => !alive(child))
    })
  }

  it('kills a runtime without extensions at once, without asking it', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const runtime = await rie.runtime()
    await runtime.ignoreTerm()
    expect(await rie.stop()).toBe(0)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 0])
  })

  it('asks a runtime with an internal extension to end before it is killed', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const runtime = await rie.runtime()
    await runtime.ignoreTerm()
    const registration = await rie.register('internal', [])
    rie.eventNext(registration)
    await rie.reply()
    await call
    expect(await rie.stop()).toBe(0)
    expect([runtime.alive(), runtime.terms()]).toEqual([false, 1])
  })

  it('lets a running invocation finish before it ends', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    rie.signal('SIGTERM')
    await until('the listener to close', () => refused(rie.gateway))
    expect((await rie.respond(id, '"finished"')).status).toBe(202)
    rie.park()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '"finished"'])
    expect(await rie.exit()).toBe(0)
  })

  it('refuses with 503 what waits when it is told to end', async ({ start }) => {
    await using rie = await start()
    const first = rie.invoke('1')
    const { id } = await rie.next()
    const second = rie.invoke('2', signed)
    await rie.settle()
    rie.signal('SIGTERM')
    const answer = await second
    expect(answer.status).toBe(503)
    expect(JSON.stringify(answer.json)).toMatch(/"message":"[^"]+"/i)
    await rie.respond(id, '"finished"')
    rie.park()
    expect((await first).text).toBe('"finished"')
    expect(await rie.exit()).toBe(0)
  })

  it('answers 503 for an invocation that it cuts at the end of its patience', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '1' } })
    const call = rie.invoke()
    await rie.next()
    rie.signal('SIGTERM')
    expect((await call).status).toBe(503)
    expect(await rie.exit()).toBe(0)
    expect((await rie.runtime()).alive()).toBe(false)
  })

  it('answers 503 for an init that it cuts at the end of its patience', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '1' } })
    const call = rie.invoke()
    const runtime = await rie.runtime()
    rie.signal('SIGTERM')
    expect((await call).status).toBe(503)
    expect(await rie.exit()).toBe(0)
    expect(runtime.alive()).toBe(false)
  })

  it('waits no longer after a second signal', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_DRAIN_SECONDS: '60' } })
    rie.invoke()
    await rie.next()
    rie.signal('SIGTERM')
    await until('the listener to close', () => refused(rie.gateway))
    rie.signal('SIGTERM')
    expect(await rie.exit()).toBe(0)
    expect((await rie.runtime()).alive()).toBe(false)
  })

  it('leaves no process behind when its terminal hangs up', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const child = await (await rie.runtime()).fork()
    rie.signal('SIGHUP')
    await rie.exit()
    await (await rie.runtime()).gone()
    await until('the child of the runtime to end', () => !alive(child))
  })

  it('leaves no process behind when it is killed', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const runtime = await rie.runtime()
    await runtime.ignoreTerm()
    const child = await runtime.fork()
    rie.signal('SIGKILL')
    await rie.exit()
    await runtime.gone()
    await until('the child of the runtime to end', () => !alive(child))
    await until('every other process to end', () => marked(rie.mark).length === 0)
  })

  it('kills what is left of a group before the next init', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const first = await rie.runtime()
    const child = await first.fork()
    first.kill()
    await rie.stderr.until(/signal: killed/)
    rie.drop()
    const call = rie.invoke()
    await rie.runtime(2)
    // its signal has been sent; on a busy machine it has not ended of it yet
    await until('the child of the first runtime to end', () => !alive(child))
    await rie.reply()
    expect((await call).status).toBe(200)
  })

  it('logs a death that happens while nothing runs', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    ;(await rie.runtime()).tell('exit 9')
    await until('a warning', () => rie.log.some((line) => line.level >= 40 || line.level === 'warn'))
  })

  it.alone('ends in a tenth of a second when nothing runs', async ({ start }) => {
    // the best of several: a machine that does something else adds to it, and nothing takes away
    let best = Number.POSITIVE_INFINITY
    for (let n = 0; n < 20 && best >= 150; n++) {
      await using rie = await start()
      await rie.exchange()
      using watch = stopwatch()
      expect(await rie.stop()).toBe(0)
      best = Math.min(best, watch.elapsed())
    }
    expect(best).toBeLessThan(150)
  })
})

/** Whether nobody listens there any more. */
async function refused(address: { host: string; port: number }): Promise<boolean> {
  try {
    using _ = await Wire.open(address)
    return false
  } catch {
    return true
  }
}
