/** One environment: whoever comes while it is busy waits, in order, as long as the queue has room. */
import { expect, setDefaultTimeout, test } from 'bun:test'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { patience, tempDir, until } from '../harness.ts'
import { fixture, scene, type Told } from './scene.ts'

setDefaultTimeout(4 * patience)

test('64 callers at once on one environment all get their own answer', async () => {
  await using here = await scene()
  const { emulator } = here
  const rounds = 5
  const caller = async (name: string): Promise<number[]> => {
    const pids: number[] = []
    for (let round = 0; round < rounds; round++) {
      const result = await emulator.invoke({ name: `${name}-${round}` })
      expect(result).toMatchObject({ statusCode: 200, functionError: null })
      const told = result.json<Told>()
      expect(told.name).toBe(`${name}-${round}`)
      pids.push(told.pid)
    }
    return pids
  }
  const pids = await Promise.all(Array.from({ length: 64 }, (_, index) => caller(`caller${index}`)))
  expect(new Set(pids.flat()).size).toBe(1)
  expect(here.order()).toHaveLength(64 * rounds)
  // a caller's own invocations come one after the other
  for (const [index] of pids.entries()) {
    const own = here.order().filter((name) => name.startsWith(`caller${index}-`))
    expect(own).toEqual(Array.from({ length: rounds }, (_, round) => `caller${index}-${round}`))
  }
})

test('invocations that wait run in the order of their arrival', async () => {
  await using here = await scene()
  const names = Array.from({ length: 30 }, (_, index) => `n${index}`)
  const first = here.emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  const calls = []
  for (const [index, name] of names.entries()) {
    calls.push(here.emulator.invoke({ name }))
    await here.queued(index + 1)
  }
  here.release('go')
  for (const call of [first, ...calls]) expect((await call).statusCode).toBe(200)
  expect(here.order()).toEqual(['first', ...names])
})

test('the function timeout does not start while an invocation waits', async () => {
  await using here = await scene({ functionTimeoutSeconds: 20 })
  const { emulator } = here
  const first = emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  const second = emulator.invoke({ name: 'second' })
  await until('the second to have waited', () => emulator.state().longestWaitMs >= 4000)
  here.release('go')
  expect((await first).statusCode).toBe(200)
  const { remaining } = (await second).json<Told>()
  // more than what would be left of it if the wait had counted
  expect(remaining).toBeGreaterThan(16_000)
  expect(remaining).toBeLessThanOrEqual(20_000)
})

test('exactly as many wait as may, in both dialects', async () => {
  for (const dialect of ['rie', 'lambda'] as const) {
    await using here = await scene({ maxQueue: 3, dialect })
    const { emulator } = here
    const calls = [emulator.invoke({ name: 'first', hold: 'go' })]
    await here.inside('first')
    for (let count = 1; count <= 3; count++) {
      calls.push(emulator.invoke({ name: `n${count}` }))
      await here.queued(count)
    }
    for (let more = 0; more < 5; more++) {
      const refused = await emulator.invoke({ name: 'too many' })
      expect(refused.statusCode).toBe(429)
      expect(refused.functionError).toBeNull()
      expect(refused.headers.get('x-amzn-errortype')).toBe('TooManyRequestsException')
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(refused.json()).toMatchObject({ Reason: expect.any(String), message: expect.any(String) })
    }
    here.release('go')
    for (const call of calls) expect((await call).statusCode).toBe(200)
    expect(here.order()).toEqual(['first', 'n1', 'n2', 'n3'])
  }
})

test('without a queue a caller is refused while another is served, and never right after an answer', async () => {
  await using here = await scene({ maxQueue: 0 })
  const { emulator } = here
  for (let count = 0; count < 50; count++) expect((await emulator.invoke({})).statusCode).toBe(200)
  const first = emulator.invoke({ name: 'first', hold: 'go' })
  await here.inside('first')
  expect((await emulator.invoke({})).statusCode).toBe(429)
  here.release('go')
  expect((await first).statusCode).toBe(200)
  expect((await emulator.invoke({})).statusCode).toBe(200)
})

test('without a queue an invocation right after a crash waits for the new start', async () => {
  await using here = await scene({ maxQueue: 0, maxEnvironments: 4 })
  const { emulator } = here
  expect((await emulator.invoke({ exit: 1 })).statusCode).toBe(502)
  expect((await emulator.invoke({})).statusCode).toBe(200)
  expect(emulator.state().environments).toHaveLength(1)
})

test('without a queue an invocation right after a timeout waits for the new start', async () => {
  // the limit is for all of them: where the machine is slow, the second may reach it too
  await using here = await scene({ maxQueue: 0, functionTimeoutSeconds: 1, maxEnvironments: 4 })
  const { emulator } = here
  expect((await emulator.invoke({ hang: true })).functionError).toBe('Unhandled')
  expect((await emulator.invoke({})).statusCode).toBe(200)
  expect(emulator.state().environments).toHaveLength(1)
})

test('a caller that goes away while it waits, or while it is served, changes nothing', async () => {
  await using here = await scene()
  const { emulator } = here
  const leaving = new AbortController()
  const first = emulator.invoke({ name: 'first', hold: 'go' }, { signal: leaving.signal })
  await here.inside('first')
  const second = emulator.invoke({ name: 'second' }, { signal: leaving.signal })
  await here.queued(1)
  const third = emulator.invoke({ name: 'third' })
  await here.queued(2)
  const left = Promise.allSettled([first, second])
  leaving.abort()
  expect((await left).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(emulator.state().queued).toBe(2)
  here.release('go')
  expect((await third).statusCode).toBe(200)
  await emulator.idle()
  expect(here.order()).toEqual(['first', 'second', 'third'])
  expect(emulator.output().match(/^REPORT /gm)).toHaveLength(3)
})

test('each that waits behind a command that has vanished is told so', async () => {
  using folder = tempDir()
  const command = join(folder.path, 'runtime')
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${fixture('vanish.ts')}'\n`, { mode: 0o755 })
  await using here = await scene({ command: [command] })
  const { emulator } = here
  const calls = [emulator.invoke({})]
  await until('the runtime to have its event', () => emulator.output().includes('got it'))
  for (let count = 1; count <= 20; count++) {
    calls.push(emulator.invoke({}))
    await here.queued(count)
  }
  rmSync(command)
  here.release('go')
  const [first, ...others] = await Promise.all(calls)
  expect(first?.json()).toMatchObject({ errorType: 'Runtime.ExitError' })
  for (const other of others) expect(other.json()).toMatchObject({ errorType: 'Runtime.InvalidEntrypoint' })
})
