/** What the emulator's own log and its readiness say when something goes wrong, or takes long. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { apiFlag, gatewayFlag } from '../kit/launch.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { plainFile } from './launch.ts'
import { scriptedProcessFile } from './scripted-process.ts'

const entry = (rie: Emulator, msg: string) =>
  until(`the entry: ${msg}`, () => rie.log.find((one) => one.msg.startsWith(msg)))

const ready = async (rie: Emulator, query = '') => {
  const { status, json } = await rie.ask({ path: `/_rie/ready${query}` })
  return { status, ...json }
}

export const diagnostics = chapter('Diagnostics', (it) => {
  it('warns of an invocation that timed out, with the limit and what sets it', async ({ start }) => {
    await using rie = await start({ flags: ['--timeout', '1'] })
    const call = rie.invoke()
    const { id } = await rie.next()
    await call
    expect(await entry(rie, 'an invocation timed out')).toMatchObject({
      level: 'warn',
      requestId: id,
      limitSeconds: 1,
      option: '--timeout',
      variable: 'AWS_LAMBDA_FUNCTION_TIMEOUT',
    })
  })

  it('warns of an init that took too long, with the limit and what sets it', async ({ start }) => {
    await using rie = await start({ flags: ['--init-timeout', '1', '--eager-init'] })
    await rie.runtime()
    expect(await entry(rie, 'an execution environment failed')).toMatchObject({
      level: 'warn',
      limitSeconds: 1,
      option: '--init-timeout',
    })
  })

  it('says of an init that takes three seconds that it is still running', async ({ start }) => {
    await using rie = await start({ flags: ['--eager-init'] })
    await rie.runtime()
    const limit = { limitSeconds: 10, option: '--init-timeout' }
    expect(await entry(rie, 'init is still running')).toMatchObject({ level: 'info', seconds: 3, ...limit })
  })

  it('asks of a program that ends by itself before it polls whether it is a runtime client', async ({
    start,
  }) => {
    await using rie = await start({ command: ['true'] })
    await rie.invoke()
    const failed = await entry(rie, 'an execution environment failed')
    expect(failed.hint).toBe('it ended before it asked for an event; is it a runtime client?')
  })

  for (const [title, command] of [
    ['a runtime that ends', ['sh', '-c', 'exit 3']],
    ['a command that cannot be run', ['/nowhere/bootstrap']],
  ] as const) {
    it(`tells of each failed invocation in one line, and at length the first time: ${title}`, async ({
      start,
    }) => {
      await using rie = await start({ command })
      const before = rie.log.length
      for (let n = 0; n < 3; n++) await rie.invoke()
      const again = 'an execution environment failed again, for the same reason'
      await until('the lines of all three', () => rie.log.filter(({ msg }) => msg === again).length === 2)
      expect(rie.log.slice(before).map(({ level, msg }) => [level, msg])).toEqual([
        ['warn', 'an execution environment failed'],
        ['warn', again],
        ['warn', again],
      ])
    })
  }

  it('names the invocation that an environment failed in', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    ;(await rie.runtime()).kill()
    await call
    expect((await entry(rie, 'an execution environment failed')).requestId).toBe(id)
  })

  it('tells of every request at the level debug, whatever became of it', async ({ start }) => {
    await using rie = await start({ flags: ['--log-level', 'debug'] })
    const { answer } = await rie.exchange()
    await rie.ask({ path: '/nowhere?secret=1' })
    const told = await until('both to be told', () => {
      const all = rie.log.filter(({ msg }) => msg === 'request answered')
      return all.length >= 2 && all.slice(-2)
    })
    const ms = expect.any(Number)
    expect(told).toMatchObject([
      { method: 'POST', status: 200, ms, requestId: answer.header('x-amzn-requestid') },
      { method: 'GET', path: '/nowhere', status: 404, ms },
    ])
  })

  it('tells of no request at the level info', async ({ start }) => {
    await using rie = await start({ env: { LOG_LEVEL: 'info' } })
    await rie.exchange()
    await rie.ask({ path: '/nowhere' })
    expect(rie.log.map(({ level }) => level)).not.toContain('debug')
  })

  it('is idle, not ready, and says how to become ready, before the first invocation', async ({ start }) => {
    await using rie = await start()
    const answer = await ready(rie)
    expect(answer).toMatchObject({ status: 503, ready: false, state: 'idle' })
    expect(answer.reason).toContain('/_rie/ready?init=1')
    expect(rie.runtimes()).toEqual([])
  })

  it('becomes ready for a health check that asks for it, and starts one runtime for many', async ({
    start,
  }) => {
    await using rie = await start()
    for (let n = 0; n < 3; n++) expect((await ready(rie, '?init=1')).status).toBe(503)
    await rie.runtime()
    rie.park()
    await until('it to be ready', async () => (await ready(rie, '?init=1')).status === 200)
    expect(rie.runtimes()).toHaveLength(1)
  })

  it('names the last failure while it is not ready, and forgets it with the next init', async ({ start }) => {
    await using rie = await start({ flags: ['--eager-init'] })
    const runtime = await rie.runtime()
    const document = { errorType: 'Runtime.UserCodeSyntaxError', errorMessage: 'Expected "}"' }
    await rie.initError(JSON.stringify(document), {
      'Lambda-Runtime-Function-Error-Type': document.errorType,
    })
    const failed = await until('it to have failed', async () => {
      const answer = await ready(rie)
      return answer.state === 'failed' && answer
    })
    expect(failed.reason).toContain('init failed: Runtime.UserCodeSyntaxError: Expected "}"')
    const { json } = await rie.ask({ path: '/_rie/state' })
    expect(json.lastError).toMatchObject({
      errorType: 'Runtime.UserCodeSyntaxError',
      errorMessage: 'Expected "}"',
    })
    expect((await entry(rie, 'an execution environment failed')).reason).toContain('Expected "}"')
    runtime.kill()
    await ready(rie, '?init=1')
    await rie.runtime(2)
    rie.park()
    await until('it to be ready', async () => (await ready(rie)).status === 200)
    expect((await rie.ask({ path: '/_rie/state' })).json.lastError).toBeNull()
  })

  it('says at the start why its command cannot run', async ({ start }) => {
    for (const [text, reason] of [
      ['#!/bin/bash\r\necho\r\n', 'Windows line ends'],
      ['#!/bin/nosuchsh\n', 'asks for /bin/nosuchsh, which is missing'],
      ['echo\n', 'does not begin with #!'],
    ] as const) {
      await using rie = await start({ command: ['./extensions/x'], extensions: { x: text } })
      expect((await entry(rie, 'the command cannot be run')).reason).toContain(reason)
    }
  })

  it('asks of a handler that is given as the command whether it is one', async ({ start }) => {
    await using rie = await start({ command: ['app.handler'] })
    const { reason } = await entry(rie, 'the command cannot be run')
    expect(reason).toContain('--handler app.handler')
  })

  it('says which option takes another port where somebody else has this one', async ({ start, run }) => {
    await using other = await start()
    const { port } = other.gateway
    for (const flag of [gatewayFlag, apiFlag]) {
      const { code, stderr } = await run({ flags: [flag, `127.0.0.1:${port}`] })
      expect(code).toBe(2)
      expect(JSON.parse(stderr).msg).toBe(
        `${flag}: cannot listen on 127.0.0.1:${port}: port ${port} is in use. Give another one, as ${flag} 127.0.0.1:${port + 1}, or port 0 for a free one`,
      )
    }
  })

  it('says that an address belongs to another machine', async ({ run }) => {
    // RFC 5737 keeps this one for documentation
    const { code, stderr } = await run({ flags: [gatewayFlag, '192.0.2.1:0'] })
    expect(code).toBe(2)
    expect(JSON.parse(stderr).msg).toBe(
      `${gatewayFlag}: cannot listen on 192.0.2.1:0: this machine has no address 192.0.2.1`,
    )
  })

  it('says once of an extension that nobody may execute how that is mended', async ({ start }) => {
    await using rie = await start({ extensions: { watcher: plainFile } })
    for (let n = 0; n < 2; n++) expect((await rie.invoke()).status).toBe(502)
    await entry(rie, 'an extension cannot be run')
    const told = rie.log.filter(({ msg }) => msg.startsWith('an extension cannot be run'))
    expect(told).toMatchObject([
      {
        level: 'error',
        extension: 'watcher',
        reason: expect.stringMatching(/is not executable \(chmod \+x\)$/),
      },
    ])
  })

  it('says in JSON what ends it', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--port', '8080'], command: [scriptedProcessFile] })
    expect(code).toBe(2)
    const { level, msg } = JSON.parse(stderr)
    expect(level).toBe('fatal')
    expect(msg).toBe('unknown option --port; here it is --runtime-interface-emulator-address :PORT')
  })

  it('charges a small program that ends with its own memory', async ({ start }) => {
    await using rie = await start({ command: ['sh', '-c', 'exit 5'] })
    await rie.invoke()
    const [, used] = await rie.stdout.until(/Max Memory Used: (\d+) MB/)
    expect(Number(used)).toBeLessThan(10)
  })
})
