/** The function's time limit: when it starts, what happens when it passes. */
import { expect } from 'bun:test'
import { alive, stopwatch, until } from '../harness.ts'
import { chapter } from './chapter.ts'
import { signed } from './facts.ts'

const oneSecond = { AWS_LAMBDA_FUNCTION_TIMEOUT: '1' }
/** Where the case has to do something before the time is over, whatever the machine does meanwhile. */
const threeSeconds = { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' }

export const timeout = chapter('Time-out', (it) => {
  it('answers 200 with a line of text when the time is over', async ({ start }) => {
    await using rie = await start({ env: oneSecond })
    const call = rie.invoke()
    await rie.next()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, 'Task timed out after 1.00 seconds'])
    expect(answer.header('Content-Type')).toBe('text/plain; charset=utf-8')
  })

  it('marks a time-out by a header', async ({ start }) => {
    await using rie = await start({ env: oneSecond })
    const call = rie.invoke()
    const { id } = await rie.next()
    const answer = await call
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
    expect(answer.header('x-amzn-RequestId')).toBe(id)
  })

  it('answers a signed caller with the JSON of the service when the time is over', async ({ start }) => {
    await using rie = await start({ env: oneSecond })
    const call = rie.invoke('{}', signed)
    const { id } = await rie.next()
    const answer = await call
    expect([answer.status, answer.text]).toEqual([
      200,
      `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ${id} Error: Task timed out after 1.00 seconds"}`,
    ])
  })

  it('serves the next invocation with a new process', async ({ start }) => {
    await using rie = await start({ env: threeSeconds })
    const first = rie.invoke()
    await rie.next()
    await first
    const second = rie.invoke('"again"')
    await rie.runtime(2)
    expect((await rie.reply('"well"')).text).toBe('"again"')
    expect((await second).text).toBe('"well"')
    await (await rie.runtime(1)).gone()
  })

  it('stops the process and what it has started', async ({ start }) => {
    await using rie = await start({ env: threeSeconds })
    const call = rie.invoke()
    const runtime = await rie.runtime()
    await rie.next()
    const child = await runtime.fork()
    await call
    await runtime.gone()
    await until('the child of the runtime to end', () => !alive(child))
  })

  it('answers before it stops the processes', async ({ start }) => {
    await using rie = await start({ env: oneSecond })
    const call = rie.invoke()
    const runtime = await rie.runtime()
    await runtime.ignoreTerm()
    const registration = await rie.register('internal', ['INVOKE'])
    expect(registration.status).toBe(200)
    const extension = rie.eventNext(registration)
    await rie.next()
    await extension
    await call
    expect(runtime.alive()).toBe(true)
    await runtime.gone()
  })

  it('limits the init of a runtime apart from its invocation', async ({ start }) => {
    await using rie = await start({ env: threeSeconds })
    const call = rie.invoke('"patient"')
    await rie.runtime()
    await Bun.sleep(3_300)
    expect((await rie.reply('"in time"')).text).toBe('"patient"')
    expect((await call).text).toBe('"in time"')
  })

  it('limits the second attempt at init by the time of the function', async ({ start }) => {
    await using rie = await start({ env: oneSecond })
    const call = rie.invoke()
    ;(await rie.runtime()).tell('exit 1')
    await rie.runtime(2)
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, 'Task timed out after 1.00 seconds'])
    await (await rie.runtime(2)).gone()
  })

  it('answers the caller of a runtime that responds and never asks again', async ({ start }) => {
    await using rie = await start({ env: threeSeconds })
    const first = rie.invoke('1')
    const { id } = await rie.next()
    await rie.respond(id, '"answered"')
    expect((await first).text).toBe('"answered"')
    const second = rie.invoke('2')
    await rie.runtime(2)
    expect((await rie.reply('"by another"')).text).toBe('2')
    expect((await second).text).toBe('"by another"')
  })

  it('tells the runtime the end of its time, 300 s by default', async ({ start }) => {
    await using rie = await start()
    const before = Date.now()
    const { event } = await rie.exchange()
    const end = Number(event.header('Lambda-Runtime-Deadline-Ms'))
    expect(end).toBeGreaterThanOrEqual(before + 300_000)
    expect(end).toBeLessThanOrEqual(Date.now() + 300_000)
  })

  it('takes an empty variable for the default', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '' } })
    const before = Date.now()
    const { event } = await rie.exchange()
    const end = Number(event.header('Lambda-Runtime-Deadline-Ms'))
    expect(end).toBeGreaterThanOrEqual(before + 300_000)
    expect(end).toBeLessThanOrEqual(Date.now() + 300_000)
  })

  it.alone('counts the time from the delivery of the event', async ({ start }) => {
    await using rie = await start({ env: threeSeconds })
    const call = rie.invoke()
    await rie.runtime()
    await Bun.sleep(700)
    const before = Date.now()
    using watch = stopwatch()
    const event = await rie.next()
    const end = Number(event.header('Lambda-Runtime-Deadline-Ms'))
    expect(end).toBeGreaterThanOrEqual(before + 3_000)
    expect(end).toBeLessThanOrEqual(Date.now() + 3_000)
    expect((await call).text).toBe('Task timed out after 3.00 seconds')
    expect(Date.now()).toBeGreaterThanOrEqual(end)
    // the deadline, and a little more
    expect(before + watch.elapsed()).toBeLessThan(end + 300)
  })

  for (const value of ['abc', '1.5', '0', '-1', '10s']) {
    it(`ends with exit code 2 for a limit of ${value}`, async ({ run }) => {
      const { code, stderr } = await run({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: value } })
      expect(code).toBe(2)
      expect(stderr).toContain('AWS_LAMBDA_FUNCTION_TIMEOUT')
    })
  }
})
