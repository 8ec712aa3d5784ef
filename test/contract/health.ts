/** Our own endpoints for those who look after containers. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { chapter } from './suite.ts'

export const health = chapter('Health', (it) => {
  it('is healthy as soon as it listens, and says so in JSON', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.ask({ path: '/_rie/health' })
    expect(answer.status).toBe(200)
    expect(answer.header('Content-Type')).toStartWith('application/json')
    expect(typeof answer.json).toBe('object')
  })

  it('tells in its health what the environment is doing', async ({ start }) => {
    await using rie = await start()
    const state = async () => (await rie.ask({ path: '/_rie/health' })).json.environments[0].state
    expect(await state()).toBe('cold')
    const call = rie.invoke()
    await rie.runtime()
    expect(await state()).toBe('starting')
    const { id } = await rie.next()
    expect(await state()).toBe('busy')
    await rie.respond(id)
    rie.park()
    await call
    await until('the environment to be idle', async () => (await state()) === 'idle')
  })

  it('is not ready before an environment is initialised', async ({ start }) => {
    await using rie = await start()
    expect((await rie.ask({ path: '/_rie/ready' })).status).toBe(503)
    expect(rie.runtimes()).toEqual([])
  })

  it('is ready while an environment is free, and only then', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    expect((await rie.ask({ path: '/_rie/ready' })).status).toBe(503)
    await rie.respond(id)
    rie.park()
    await call
    await until(
      'an environment to be free',
      async () => (await rie.ask({ path: '/_rie/ready' })).status === 200,
    )
  })

  it('becomes ready without an invocation after an eager init', async ({ start }) => {
    await using rie = await start({ flags: ['--eager-init'] })
    await rie.runtime()
    expect((await rie.ask({ path: '/_rie/ready' })).status).toBe(503)
    rie.park()
    await until(
      'an environment to be free',
      async () => (await rie.ask({ path: '/_rie/ready' })).status === 200,
    )
  })

  it('stays healthy while an invocation runs', async ({ start }) => {
    await using rie = await start()
    rie.invoke()
    await rie.next()
    expect((await rie.ask({ path: '/_rie/health' })).status).toBe(200)
  })
})
