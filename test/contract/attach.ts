/** `--attach`: somebody else starts the runtime. `--debug`: nobody is hurried. The case plays the runtime. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { chapter } from './chapter.ts'

const attach = { flags: ['--attach'], command: [] }

export const attached = chapter('A runtime that is attached', (it) => {
  it('waits for a runtime that it does not start, and an invocation waits with it', async ({ start }) => {
    await using rie = await start({ ...attach, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    await rie.stderr.until(/AWS_LAMBDA_RUNTIME_API=127\.0\.0\.1:\d+/)
    const answer = rie.invoke('{"a":1}')
    await rie.stillWaits(answer)
    const event = await rie.poll()
    expect(event.text).toBe('{"a":1}')
    await rie.respond(event.id, '"attached"')
    expect((await answer).json).toBe('attached')
    void rie.poll()
    await rie.stdout.until(/START RequestId.*\nEND RequestId.*\nREPORT RequestId.*Max Memory Used: \d+ MB/)
    expect(rie.runtimes()).toEqual([])
  })

  it('charges an invocation with the memory of the attached runtime', async ({ start }) => {
    await using rie = await start(attach)
    const answer = rie.invoke()
    const event = await rie.poll()
    await rie.respond(event.id, '"attached"')
    await answer
    void rie.poll()
    await rie.stdout.until(/REPORT RequestId.*Max Memory Used: [1-9]\d* MB/)
  })

  it('lets an attached runtime go and come again, while nothing runs and in an invocation', async ({
    start,
  }) => {
    await using rie = await start(attach)
    void rie.poll()
    await until('it to be ready', async () => (await rie.ask({ path: '/_rie/ready' })).status === 200)
    rie.drop()
    await rie.stderr.until(/the runtime has gone/)
    const answer = rie.invoke('"event"')
    const first = await rie.poll()
    // it ends in the middle, and the next one gets the event that was never answered
    const again = await rie.poll()
    expect([again.id, again.text]).toEqual([first.id, '"event"'])
    await rie.respond(again.id, '"second"')
    expect((await answer).json).toBe('second')
  })

  it('answers when an attached runtime takes too long, and takes it back', async ({ start }) => {
    await using rie = await start({ ...attach, env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
    const answer = rie.invoke()
    const late = await rie.poll()
    expect((await answer).text).toBe('Task timed out after 3.00 seconds')
    expect((await rie.respond(late.id)).status).toBe(400)
    const next = rie.invoke('"next"')
    const event = await rie.poll()
    await rie.respond(event.id, '"on time"')
    expect((await next).json).toBe('on time')
  })

  it('runs extensions beside an attached runtime', async ({ start }) => {
    await using rie = await start({ ...attach, extensions: { watch: true } })
    await rie.extension('watch')
    const poll = rie.poll()
    await rie.stillWaits(poll)
    const registration = await rie.register('watch', ['INVOKE'])
    const event = rie.eventNext(registration)
    const answer = rie.invoke('1')
    const { id } = await poll
    expect((await event).json).toMatchObject({ eventType: 'INVOKE', requestId: id })
    await rie.respond(id, '"both"')
    expect((await answer).json).toBe('both')
  })

  it('refuses a command beside --attach', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--attach'], command: ['python3', 'app.py'] })
    expect(code).toBe(2)
    expect(stderr).toContain('--attach starts no runtime')
  })

  it('hurries nobody with --debug: no limit passes, and deadlines are a day ahead', async ({ start }) => {
    const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: '1', AWS_LAMBDA_RIE_INIT_TIMEOUT: '1' }
    await using rie = await start({ flags: ['--debug'], extensions: { watch: true }, env })
    await rie.stderr.until(/debugging: no time-outs.*--log-level debug/)
    const answer = rie.invoke()
    await rie.extension('watch')
    // longer than the limits that are off
    await Bun.sleep(1500)
    const registration = await rie.register('watch', ['INVOKE'])
    const told = rie.eventNext(registration)
    const event = await rie.next()
    const day = 24 * 60 * 60 * 1000
    const left = Number(event.header('Lambda-Runtime-Deadline-Ms')) - Date.now()
    expect(Math.abs(left - day)).toBeLessThan(60_000)
    expect((await told).json.deadlineMs).toBe(Number(event.header('Lambda-Runtime-Deadline-Ms')))
    await Bun.sleep(1500)
    await rie.respond(event.id, '"late"')
    expect((await answer).json).toBe('late')
  })
})
