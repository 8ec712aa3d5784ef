/** Our own endpoints for those who look after containers. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { chapter } from './chapter.ts'

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

  it('tells its figures in the text format of Prometheus', async ({ start }) => {
    await using rie = await start({ flags: ['--max-environments', '2'] })
    await rie.exchange()
    const answer = await rie.ask({ path: '/_rie/metrics' })
    expect(answer.header('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const types = [...answer.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
    expect(Object.fromEntries(types)).toEqual({
      lambda_rie_invocations_total: 'counter',
      lambda_rie_invocation_duration_seconds: 'histogram',
      lambda_rie_first_byte_seconds: 'histogram',
      lambda_rie_init_duration_seconds: 'histogram',
      lambda_rie_queue_wait_seconds: 'histogram',
      lambda_rie_response_bytes: 'histogram',
      lambda_rie_queue_depth: 'gauge',
      lambda_rie_environments: 'gauge',
      lambda_rie_environment_memory_bytes: 'gauge',
      lambda_rie_restarts_total: 'counter',
      lambda_rie_telemetry_deliveries_total: 'counter',
      lambda_rie_telemetry_dropped_records_total: 'counter',
      lambda_rie_telemetry_retries_total: 'counter',
      lambda_rie_build_info: 'gauge',
      process_resident_memory_bytes: 'gauge',
      process_cpu_seconds_total: 'counter',
      process_open_fds: 'gauge',
      process_start_time_seconds: 'gauge',
    })
    expect(answer.text).toContain('lambda_rie_invocations_total{outcome="success"} 1\n')
    const resident = Number(/^process_resident_memory_bytes (\d+)$/m.exec(answer.text)?.[1])
    expect(resident).toBeGreaterThan(10e6)
  })

  it('tells its state as JSON', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const event = await rie.next()
    const runtime = await rie.runtime()
    expect((await rie.ask({ path: '/_rie/state' })).json).toMatchObject({
      status: 'ok',
      maxEnvironments: 1,
      maxQueue: 1000,
      queued: 0,
      environments: [
        { id: 1, state: 'busy', starts: 1, invocations: [event.id], processes: { runtime: runtime.pid } },
      ],
    })
    await rie.respond(event.id)
    await call
  })
})
