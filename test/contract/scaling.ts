/** Several environments, and what waits when there is none free. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { parse } from '../kit/launch.ts'
import { type Answer, request } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { Cast } from './runtime.ts'
import type { ScriptedProcess } from './scripted-process.ts'

/** Asks for the next event at the Runtime API that this process was given. */
const nextOf = (scripted: ScriptedProcess): Promise<Answer> =>
  request(parse(scripted.env().AWS_LAMBDA_RUNTIME_API!), { path: '/2018-06-01/runtime/invocation/next' })

const respondTo = (scripted: ScriptedProcess, { id }: Answer, body: string): Promise<Answer> =>
  request(parse(scripted.env().AWS_LAMBDA_RUNTIME_API!), {
    method: 'POST',
    path: `/2018-06-01/runtime/invocation/${id}/response`,
    body,
  })

async function twoRuntimes(rie: Emulator): Promise<[ScriptedProcess, ScriptedProcess]> {
  return [await rie.runtime(1), await rie.runtime(2)]
}

const isFirst = (rie: Emulator, scripted: ScriptedProcess): boolean =>
  parse(scripted.env().AWS_LAMBDA_RUNTIME_API!).port === rie.api.port

export const scaling = chapter('Scaling', (it) => {
  it('runs as many invocations at a time as there may be environments', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    const calls = [rie.invoke('1'), rie.invoke('2'), rie.invoke('3')]
    const [a, b] = await twoRuntimes(rie)
    const [first, second] = [await nextOf(a), await nextOf(b)]
    expect([first.text, second.text].sort()).toEqual(['1', '2'])
    expect(a.env().AWS_LAMBDA_RUNTIME_API).not.toBe(b.env().AWS_LAMBDA_RUNTIME_API!)
    await respondTo(b, second, '"b"')
    const third = await nextOf(b)
    expect(third.text).toBe('3')
    await respondTo(b, third, '"c"')
    await respondTo(a, first, '"a"')
    const answers = (await Promise.all(calls)).map((answer) => answer.text)
    expect(answers.sort()).toEqual(['"a"', '"b"', '"c"'])
    expect(rie.runtimes()).toHaveLength(2)
  })

  it('starts an environment anew after as many invocations as were asked for', async ({ start }) => {
    await using rie = await start({ flags: ['--recycle-after', '2'] })
    for (let runtime = 1; runtime <= 3; runtime++) {
      const call = rie.invoke()
      await rie.runtime(runtime)
      await rie.reply()
      await call
      await rie.exchange()
    }
    await rie.stdout.until(/(REPORT[\s\S]*){6}/)
    expect(rie.stdout.text.match(/Init Duration/g)).toHaveLength(3)
    expect(rie.runtimes()).toHaveLength(3)
  })

  it('gives the first environment the configured address', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_MAX_ENVIRONMENTS: '2' } })
    rie.invoke('1')
    rie.invoke('2')
    const runtimes = await twoRuntimes(rie)
    const addresses = runtimes.map((scripted) => parse(scripted.env().AWS_LAMBDA_RUNTIME_API!))
    expect(addresses).toContainEqual(rie.api)
  })

  it('starts no second environment while the first is free', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '4'] })
    for (let n = 0; n < 4; n++) await rie.exchange()
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('keeps the other environments when one crashes', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    const calls = [rie.invoke('1'), rie.invoke('2')]
    const [a, b] = await twoRuntimes(rie)
    await nextOf(a)
    const event = await nextOf(b)
    a.tell('exit 1')
    await a.gone()
    await respondTo(b, event, '"alive"')
    const statuses = (await Promise.all(calls)).map((answer) => answer.status)
    expect(statuses.sort()).toEqual([200, 502])
    expect(b.alive()).toBe(true)
  })

  it('stops all environments on SIGTERM', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    rie.invoke('1')
    rie.invoke('2')
    const [a, b] = await twoRuntimes(rie)
    for (const runtime of [a, b]) {
      await respondTo(runtime, await nextOf(runtime), '1')
      nextOf(runtime).catch(() => undefined)
    }
    expect(await rie.stop()).toBe(0)
    expect([a.alive(), b.alive()]).toEqual([false, false])
  })

  for (const [kind, options] of [
    ['--environment-ttl', { flags: ['--max-environments=2', '--environment-ttl', '1'] }],
    [
      'AWS_LAMBDA_RIE_ENVIRONMENT_TTL',
      { flags: ['--max-environments=2'], env: { AWS_LAMBDA_RIE_ENVIRONMENT_TTL: '1' } },
    ],
  ] as const) {
    it(`stops an environment beyond the first that is idle for the time of ${kind}`, async ({ start }) => {
      await using rie = await start(options)
      const calls = [rie.invoke('1'), rie.invoke('2')]
      const runtimes = await twoRuntimes(rie)
      const [first, second] = isFirst(rie, runtimes[0]) ? runtimes : runtimes.toReversed()
      // no environment is idle before the first of these polls
      let began = 0
      for (const runtime of [first!, second!]) {
        await respondTo(runtime, await nextOf(runtime), '"done"')
        began = performance.now()
        nextOf(runtime).catch(() => undefined)
      }
      await Promise.all(calls)
      await second!.gone()
      expect(performance.now() - began).toBeGreaterThan(950)
      expect(first!.alive()).toBe(true)
    })
  }

  it('never serves two tenants in one environment', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    using cast = new Cast(rie)
    const served = new Map<number, Set<string | undefined>>()
    const tenants = ['red', 'blue', 'green', '', 'red', 'blue']
    const calls = tenants.map((tenant) => rie.invoke('{}', tenant ? { 'X-Amz-Tenant-Id': tenant } : {}))
    let answered = 0
    for (const call of calls) call.then(() => answered++)
    for (let count = 1; answered < tenants.length; count = Math.min(count + 1, rie.runtimes().length)) {
      await cast.of(count, async (runtime) => {
        for (;;) {
          const event = await runtime.next().catch(() => null)
          if (event === null) return
          const names = served.get(runtime.scripted.pid) ?? new Set()
          served.set(runtime.scripted.pid, names.add(event.header('Lambda-Runtime-Aws-Tenant-Id')))
          await runtime.answer(event)
        }
      })
      await rie.ask({ path: '/_rie/state' })
    }
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(tenants.map(() => 200))
    expect([...served.values()].filter(({ size }) => size !== 1)).toEqual([])
    expect(new Set([...served.values()].flatMap((names) => [...names])).size).toBe(4)
  })

  it('throttles what does not fit into the queue', async ({ start }) => {
    await using rie = await start({ flags: ['--max-queue', '1'] })
    const first = rie.invoke('1')
    await rie.next().then(async ({ id }) => {
      const second = rie.invoke('2')
      await rie.settle()
      const third = await rie.invoke('3')
      expect(third.status).toBe(429)
      expect(third.header('x-amzn-ErrorType')).toBe('TooManyRequestsException')
      expect(Number(third.header('Retry-After'))).toBeGreaterThan(0)
      expect(third.json).toMatchObject({ Reason: expect.any(String), message: expect.any(String) })
      await rie.respond(id)
      rie.park()
      await first
      await rie.reply('"two"')
      expect((await second).text).toBe('"two"')
    })
  })

  it('throttles at once without a queue', async ({ start }) => {
    await using rie = await start({ flags: ['--max-queue=0'] })
    const first = rie.invoke('1')
    const { id } = await rie.next()
    expect((await rie.invoke('2')).status).toBe(429)
    await rie.respond(id)
    rie.park()
    expect((await first).status).toBe(200)
  })

  it('lets a throttled caller try again', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_MAX_QUEUE: '0' } })
    const first = rie.invoke('1')
    const { id } = await rie.next()
    expect((await rie.invoke('2')).status).toBe(429)
    await rie.respond(id)
    rie.park()
    await first
    await until(
      'the environment to be free again',
      async () => (await rie.ask({ path: '/_rie/ready' })).status === 200,
    )
    expect((await rie.exchange('2')).event.text).toBe('2')
  })
})
