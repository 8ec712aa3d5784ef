/** Several environments: as many as wait, not one more, and none of them in the way of another. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { alive, patience, until } from '../harness.ts'
import { type Scene, scene, type Told } from './scene.ts'

setDefaultTimeout(4 * patience)

const environments = ({ emulator }: Scene) => emulator.state().environments
const runtimes = (here: Scene): number[] =>
  environments(here).map(({ processes }) => processes.runtime as number)

/** Runs these at once, each in an environment of its own, and gives what they told. */
async function together(here: Scene, count: number): Promise<Told[]> {
  const calls = Array.from({ length: count }, (_, index) =>
    here.emulator.invoke({ name: `together${index}`, barrier: count }),
  )
  return (await Promise.all(calls)).map((result) => result.json<Told>())
}

test('as many run at once as there may be environments, each with a Runtime API of its own', async () => {
  await using here = await scene({ maxEnvironments: 5 })
  const told = await together(here, 5)
  expect(new Set(told.map(({ pid }) => pid)).size).toBe(5)
  expect(new Set(told.map(({ api }) => api)).size).toBe(5)
  expect(told.map(({ api }) => api)).toContain(here.emulator.runtimeApi)
  // measured for REPORT, which follows the answer
  await here.emulator.idle()
  for (const { memoryBytes } of environments(here)) expect(memoryBytes).toBeGreaterThan(1024 * 1024)
})

test('no more environments start than invocations wait', async () => {
  await using here = await scene({ maxEnvironments: 20 })
  await together(here, 3)
  expect(environments(here)).toHaveLength(3)
  for (let count = 0; count < 10; count++) {
    await here.emulator.idle()
    expect((await here.emulator.invoke({})).json<Told>().pid).toBe(runtimes(here)[0] as number)
  }
  expect(environments(here).map(({ starts }) => starts)).toEqual([1, 1, 1])
})

test('one caller after the other starts one environment, however soon it comes back', async () => {
  await using here = await scene({ maxEnvironments: 20 })
  for (let count = 0; count < 200; count++) expect((await here.emulator.invoke({})).statusCode).toBe(200)
  expect(environments(here)).toHaveLength(1)
})

test('beyond the limit invocations wait', async () => {
  await using here = await scene({ maxEnvironments: 3 })
  const { emulator } = here
  const calls = []
  for (let index = 0; index < 12; index++) {
    calls.push(emulator.invoke({ name: `n${index}`, hold: 'go' }))
    if (index >= 3) await here.queued(index - 2)
  }
  expect(environments(here)).toHaveLength(3)
  here.release('go')
  const pids = (await Promise.all(calls)).map((result) => result.json<Told>().pid)
  expect(new Set(pids).size).toBe(3)
})

test('an eager start is used by the first invocation', async () => {
  await using here = await scene({ maxEnvironments: 4, eagerInit: true })
  expect((await here.emulator.invoke({})).statusCode).toBe(200)
  expect(environments(here)).toHaveLength(1)
})

test('a crash and a timeout leave the other environments alone', async () => {
  await using here = await scene({ maxEnvironments: 3, functionTimeoutSeconds: 6 })
  const { emulator } = here
  const told = await together(here, 3)
  await emulator.idle()
  const crash = emulator.invoke({ name: 'crash', hold: 'crash now', exit: 1 })
  await here.inside('crash')
  const hang = emulator.invoke({ name: 'hang', hang: true })
  await here.inside('hang')
  const survivor = emulator.invoke({ name: 'survivor', hold: 'go' })
  await here.inside('survivor')
  here.release('crash now')
  expect((await crash).json()).toMatchObject({ errorType: 'Runtime.ExitError' })
  here.release('go')
  const { pid } = (await survivor).json<Told>()
  expect((await hang).text()).toBe('Task timed out after 6.00 seconds')
  expect(told.map((one) => one.pid)).toContain(pid)
  expect(alive(pid)).toBe(true)
  await until('only the survivor to be left', () =>
    environments(here).every(({ state, processes }) =>
      processes.runtime === pid ? state === 'idle' : state === 'cold',
    ),
  )
})

test('a failing init in one environment is its own', async () => {
  await using here = await scene({ maxEnvironments: 2, env: { SECOND_START_FAILS: '1' } })
  const { emulator } = here
  const first = emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  const second = await emulator.invoke({ name: 'second' })
  expect(second.json()).toMatchObject({ errorType: 'Runtime.ExitError' })
  here.release('go')
  expect((await first).json<Told>().name).toBe('first')
  expect(here.order()).toEqual(['first'])
})

test('environments that idle are stopped, but for the oldest', async () => {
  await using here = await scene({ maxEnvironments: 4, environmentTtlSeconds: 1 })
  await together(here, 4)
  const pids = runtimes(here)
  await until('the others to be stopped', () => environments(here).length === 1)
  expect(environments(here)[0]).toMatchObject({ id: 1, state: 'idle' })
  await until('their processes to be gone', () => Bun.deepEquals(pids.filter(alive), runtimes(here)))
  // and there may be as many again
  expect(new Set((await together(here, 1)).map(({ pid }) => pid))).toEqual(new Set(runtimes(here)))
})

test('an environment that a crash left cold is given up in time as well', async () => {
  await using here = await scene({ maxEnvironments: 2, environmentTtlSeconds: 0 })
  const { emulator } = here
  const first = emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  expect((await emulator.invoke({ exit: 1 })).functionError).toBe('Unhandled')
  await until('the cold one to be gone', () => environments(here).length === 1)
  here.release('go')
  expect((await first).statusCode).toBe(200)
})

for (const maxEnvironments of [1, 2, 4]) {
  test(`tenants never share an environment, with at most ${maxEnvironments}`, async () => {
    await using here = await scene({ maxEnvironments })
    const { emulator } = here
    const served = new Map<number, Set<string>>()
    const call = async (tenant: string | undefined): Promise<void> => {
      const result = await emulator.invoke({}, tenant === undefined ? {} : { tenantId: tenant })
      expect(result.statusCode).toBe(200)
      const { pid } = result.json<Told>()
      served.set(pid, (served.get(pid) ?? new Set()).add(tenant ?? 'nobody'))
    }
    const tenants = ['red', 'blue', undefined, 'green']
    for (const tenant of [...tenants, ...tenants]) await call(tenant)
    await Promise.all([...tenants, ...tenants, ...tenants].map(call))
    for (const names of served.values()) expect(names.size).toBe(1)
    expect(environments(here).length).toBeLessThanOrEqual(maxEnvironments)
  })
}

test('a cold environment makes room for another tenant at once, also without a queue', async () => {
  await using here = await scene({ maxQueue: 0 })
  const { emulator } = here
  expect((await emulator.invoke({ exit: 1 }, { tenantId: 'red' })).functionError).toBe('Unhandled')
  await until('it to be cold', () => environments(here)[0]?.state === 'cold')
  expect((await emulator.invoke({}, { tenantId: 'blue' })).statusCode).toBe(200)
  expect((await emulator.invoke({}, { tenantId: 'red' })).statusCode).toBe(200)
})

test('lines of several environments never mix, and each can be told whose it is', async () => {
  await using here = await scene({ maxEnvironments: 4, logLevel: 'debug' })
  const { emulator } = here
  const names = ['a', 'b', 'c', 'd']
  await Promise.all(names.map((name) => emulator.invoke({ name, barrier: 4, lines: 50 })))
  await emulator.idle()
  const patterns = [
    /^inside [abcd]$/,
    /^<([abcd]):x{200}:\1>$/,
    /^(?:START|END|REPORT) RequestId: [0-9a-f-]{36}/,
  ]
  for (const line of emulator.output().split('\n').slice(0, -1)) {
    expect(patterns.some((pattern) => pattern.test(line)) ? '' : line).toBe('')
  }
  const seen = []
  for (const { id } of environments(here)) {
    const lines = emulator.output(id).split('\n').slice(0, -1)
    const name = /^inside (.)/m.exec(emulator.output(id))?.[1] as string
    seen.push(name)
    expect(lines.filter((line) => line.startsWith(`<${name}`))).toHaveLength(50)
    expect(lines).toHaveLength(54)
  }
  expect(seen.sort()).toEqual(names)
  // a request is of no environment before it has one
  const log = here.log.filter(({ msg }) => msg !== 'request answered')
  for (const entry of log) expect(entry.environment).toBeNumber()
  expect(new Set(log.map(({ environment }) => environment)).size).toBe(4)
})
