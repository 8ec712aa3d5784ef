/** Our own endpoints for those who look after containers. */
import { expect } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir, until } from '../harness.ts'
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
      lambda_rie_queue_limit: 'gauge',
      lambda_rie_environments_limit: 'gauge',
      lambda_rie_environments: 'gauge',
      lambda_rie_destination_records_total: 'counter',
      lambda_rie_environment_memory_bytes: 'gauge',
      lambda_rie_restarts_total: 'counter',
      lambda_rie_telemetry_deliveries_total: 'counter',
      lambda_rie_telemetry_dropped_records_total: 'counter',
      lambda_rie_telemetry_retries_total: 'counter',
      lambda_rie_async_events_total: 'counter',
      lambda_rie_async_events_waiting: 'gauge',
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

  it('serves a dashboard whose queries name figures that it tells', async ({ start }) => {
    await using rie = await start()
    const answer = await rie.ask({ path: '/_rie/dashboard.json' })
    expect(answer.header('Content-Type')).toBe('application/json')
    const { panels } = JSON.parse(answer.text) as { panels: { targets: { expr: string }[] }[] }
    const figures = (await rie.ask({ path: '/_rie/metrics' })).text
    const known = [...figures.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string)
    const named = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => [...expr.matchAll(/\b(lambda_rie|process)_\w+/g)].map(([name]) => name)),
    )
    expect(named.length).toBeGreaterThan(20)
    for (const name of named) expect(known).toContain(name.replace(/_(bucket|count|sum)$/, ''))
  })

  it('writes a report of its run when it ends', async ({ start }) => {
    using folder = tempDir()
    const file = join(folder.path, 'report.json')
    await using rie = await start({ flags: ['--report', file, '--max-queue', '0'] })
    const first = rie.invoke()
    const { id } = await rie.next()
    // one more than may wait
    expect((await rie.invoke()).status).toBe(429)
    await rie.respond(id)
    rie.park()
    expect((await first).status).toBe(200)
    expect(await rie.stop()).toBe(0)
    const report = JSON.parse(readFileSync(file, 'utf8'))
    expect(report.invocations).toMatchObject({ total: 2, outcomes: { success: 1, throttled: 1 } })
    expect([report.duration.count, report.queueWait.count, report.init.count]).toEqual([1, 1, 1])
    expect(report.duration.p99).toBeGreaterThan(0)
    // it is no terminal
    expect(rie.stderr.text).not.toContain('invocations in')
  })

  it('ends with exit code 2 for a report that cannot be written', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--report', '/no/such/folder/report.json'] })
    expect(code).toBe(2)
    expect(stderr).toContain(
      '--report: /no/such/folder/report.json cannot be written: there is no such folder',
    )
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
