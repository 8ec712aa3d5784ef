/** Many callers at once: order, bounds, and that nobody is in the way of anybody else. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { type Answer, bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { type Emulator, invokePath } from './emulator.ts'
import { Cast, type Runtime } from './runtime.ts'

const callerCount = 64
const rounds = 16

interface Told {
  readonly queued: number
  readonly environments: readonly { readonly state: string; readonly invocations: readonly string[] }[]
}

/** What the emulator tells of its queue and environments. */
const stateOf = async (rie: Emulator): Promise<Told> => (await rie.ask({ path: '/_rie/state' })).json

const queued = (rie: Emulator, count: number): Promise<unknown> =>
  until(`${count} to wait`, async () => (await stateOf(rie)).queued === count)

/** Invocations that arrive one after the other, behind one that runs. */
async function inOrder(rie: Emulator, events: readonly string[]): Promise<Promise<Answer>[]> {
  const calls: Promise<Answer>[] = []
  for (const event of events) {
    calls.push(rie.invoke(event))
    await queued(rie, calls.length)
  }
  return calls
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `"${index}"`)
const texts = async (calls: readonly Promise<Answer>[]): Promise<string[]> =>
  (await Promise.all(calls)).map(({ text }) => text)

/** Two runtimes that have each taken an event. */
const bothBusy = async (cast: Cast): Promise<[Runtime, Answer, Runtime, Answer]> => {
  const [a, b] = (await cast.of(2)) as [Runtime, Runtime]
  return [a, await a.next(), b, await b.next()]
}

export const overlap = chapter('Overlap', (it) => {
  it(`serves ${callerCount} callers at once in the order of their arrival`, async ({ start }) => {
    await using rie = await start()
    using cast = new Cast(rie)
    const first = rie.invoke('"first"')
    const runtime = await cast.one()
    const event = await runtime.next()
    const events = names(callerCount)
    const calls = await inOrder(rie, events)
    await runtime.answer(event, event.text)
    const seen: string[] = []
    for (const _ of events) seen.push((await runtime.echo()).text)
    expect(seen).toEqual(events)
    expect(await texts([first, ...calls])).toEqual(['"first"', ...events])
  })

  it.alone(
    `lets none of ${callerCount} callers who come back at once overtake another`,
    async ({ start }) => {
      await using rie = await start()
      using cast = new Cast(rie)
      const served = new Array<number>(callerCount).fill(0)
      const problems: string[] = []
      const caller = async (index: number): Promise<void> => {
        using wire = await Wire.open(rie.gateway)
        for (let round = 0; round < rounds; round++) {
          const before = [...served]
          const body = `"${index}:${round}"`
          wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body }))
          const answer = await wire.answer()
          if (answer.status !== 200 || answer.text !== body) problems.push(`${body} got ${answer.text}`)
          // once ahead, and once read in the same breath
          if (served.some((count, other) => count - (before[other] as number) > 2)) problems.push(body)
          served[index] = round + 1
        }
      }
      const callers = Promise.all(served.map((_, index) => caller(index)))
      callers.catch(() => {})
      const runtime = await cast.one()
      for (let count = 0; count < callerCount * rounds; count++) await runtime.echo()
      await callers
      expect(problems).toEqual([])
      expect(rie.runtimes()).toHaveLength(1)
    },
  )

  it('runs as many at once as there are environments, each with an API of its own', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '8'] })
    using cast = new Cast(rie)
    const events = names(8)
    const calls = events.map((event) => rie.invoke(event))
    const runtimes = await cast.of(8)
    const taken = await Promise.all(runtimes.map((runtime) => runtime.next()))
    expect(taken.map(({ text }) => text).sort()).toEqual(events)
    expect(new Set(runtimes.map(({ address }) => address.port)).size).toBe(8)
    for (const [index, runtime] of runtimes.entries()) {
      const event = taken[index] as Answer
      await runtime.answer(event, event.text)
    }
    expect(await texts(calls)).toEqual(events)
  })

  it('starts exactly as many environments as invocations wait for one', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '10'] })
    using cast = new Cast(rie)
    let gate = Promise.withResolvers<void>()
    for (const [size, environments] of [
      [1, 1],
      [3, 3],
      [2, 3],
      [7, 7],
      [12, 10],
    ] as const) {
      const events = names(size)
      const calls = events.map((event) => rie.invoke(event))
      const running = Math.min(size, 10)
      await until('all to be placed', async () => {
        const state = await stateOf(rie)
        const taken = state.environments.filter(({ invocations }) => invocations.length > 0)
        return taken.length === running && state.queued === size - running
      })
      await cast.of(environments, (runtime) => void runtime.serve(() => gate.promise))
      await rie.settle()
      expect((await stateOf(rie)).environments).toHaveLength(environments)
      gate.resolve()
      expect(await texts(calls)).toEqual(events)
      await until('all to be idle', async () =>
        (await stateOf(rie)).environments.every(({ state }) => state === 'idle'),
      )
      gate = Promise.withResolvers()
    }
    expect(rie.runtimes()).toHaveLength(10)
  })

  for (const dialect of ['rie', 'lambda']) {
    it(`throttles exactly what is over the bound, in dialect ${dialect}`, async ({ start }) => {
      const flags = ['--max-environments=2', '--max-queue=5', '--dialect', dialect]
      await using rie = await start({ flags })
      using cast = new Cast(rie)
      const calls = names(20).map((event) => rie.invoke(event))
      const [a, one, b, two] = await bothBusy(cast)
      const text = async () => (await rie.ask({ path: '/_rie/metrics' })).text
      await until('13 to be refused', async () => (await text()).includes('outcome="throttled"} 13\n'))
      expect((await stateOf(rie)).queued).toBe(5)
      await b.answer(two)
      await a.answer(one)
      void a.serve()
      void b.serve()
      const answers = await Promise.all(calls)
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
      const refused = answers.filter(({ status }) => status === 429)
      expect(refused).toHaveLength(13)
      for (const answer of refused) {
        expect(answer.json).toEqual({
          Type: 'User',
          Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
          message: 'Rate Exceeded.',
        })
        expect(answer.header('x-amzn-ErrorType')).toBe('TooManyRequestsException')
        expect(answer.header('Retry-After')).toBe('1')
        expect(answer.header('X-Amz-Function-Error')).toBeUndefined()
      }
    })
  }

  it('runs the invocation of a caller who goes away while it waits, in its turn', async ({ start }) => {
    await using rie = await start()
    using cast = new Cast(rie)
    rie.invoke('"first"')
    const runtime = await cast.one()
    const event = await runtime.next()
    const wire = await Wire.open(rie.gateway)
    wire.send(bytes(rie.gateway, { method: 'POST', path: invokePath, body: '"abandoned"' }))
    await queued(rie, 1)
    wire[Symbol.dispose]()
    await rie.settle()
    const last = rie.invoke('"last"')
    await queued(rie, 2)
    await runtime.answer(event)
    expect([(await runtime.echo()).text, (await runtime.echo()).text]).toEqual(['"abandoned"', '"last"'])
    expect((await last).status).toBe(200)
  })

  it('starts the function timeout when the invocation has stopped waiting', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '7' } })
    using cast = new Cast(rie)
    rie.invoke('1')
    const runtime = await cast.one()
    const event = await runtime.next()
    const second = rie.invoke('2')
    await queued(rie, 1)
    const released = Date.now()
    await runtime.answer(event)
    const deadline = Number((await runtime.echo()).header('Lambda-Runtime-Deadline-Ms'))
    expect(deadline).toBeGreaterThanOrEqual(released + 7000)
    expect(deadline).toBeLessThanOrEqual(Date.now() + 7000)
    expect((await second).status).toBe(200)
  })

  it('keeps one environment at work while another one times out', async ({ start }) => {
    const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' }
    await using rie = await start({ flags: ['--max-environments', '2'], env })
    using cast = new Cast(rie)
    const calls = [rie.invoke('1'), rie.invoke('2')]
    const [a, , b, event] = await bothBusy(cast)
    await b.answer(event, event.text)
    expect((await texts(calls)).sort()).toEqual([event.text, 'Task timed out after 3.00 seconds'].sort())
    await a.scripted.gone()
    expect(b.scripted.alive()).toBe(true)
    const third = rie.invoke('3')
    expect((await b.echo()).text).toBe('3')
    expect((await third).text).toBe('3')
  })

  it('keeps one environment at work while the init of another one fails', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    using cast = new Cast(rie)
    const first = rie.invoke('1')
    const runtime = await cast.one()
    const event = await runtime.next()
    const second = rie.invoke('2')
    for (const attempt of [2, 3]) {
      await until(`start ${attempt}`, () => rie.runtimes().length === attempt)
      rie.runtimes()[attempt - 1]?.tell('exit 3')
    }
    const failed = await second
    expect([failed.status, failed.json.errorType]).toEqual([502, 'Runtime.ExitError'])
    await runtime.answer(event)
    expect((await first).status).toBe(200)
  })

  it('refuses who waits at SIGTERM with 503, and lets what runs finish', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    using cast = new Cast(rie)
    const running = [rie.invoke('1'), rie.invoke('2')]
    const [a, one, b, two] = await bothBusy(cast)
    const waiting = await inOrder(rie, names(5))
    rie.signal('SIGTERM')
    for (const { status, json } of await Promise.all(waiting)) {
      expect([status, json]).toEqual([
        503,
        { Type: 'Service', Message: expect.stringContaining('shutting down') },
      ])
    }
    await a.answer(one, one.text)
    await b.answer(two, two.text)
    expect((await texts(running)).sort()).toEqual(['1', '2'])
    expect(await rie.exit()).toBe(0)
  })
})
