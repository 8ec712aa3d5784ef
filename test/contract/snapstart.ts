/** SnapStart: init at the start, a restore with the first invocation, hooks after it. */
import { expect } from 'bun:test'
import { until, within } from '../harness.ts'
import type { Answer } from '../kit/wire.ts'
import { registered, scriptedExtensions } from './actor.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { accepted, refusal, signed } from './facts.ts'
import { Subscriber } from './subscriber.ts'

const snapStart = { flags: ['--enable-init-caching'] }
const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' }
const restorePath = '/2018-06-01/runtime/restore/next'

/** The poll of a runtime that has initialised. */
async function waiting(rie: Emulator, n = 1): Promise<{ readonly poll: Promise<Answer> }> {
  await rie.runtime(n)
  const poll = rie.poll(restorePath)
  await rie.settle()
  return { poll }
}

export const snapStartChapter = chapter('SnapStart', (it) => {
  it('initialises at the start, and restores with the first invocation, which begins then', async ({
    start,
  }) => {
    await using rie = await start(snapStart)
    const { poll } = await waiting(rie)
    await rie.stdout.until(/^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: success$/m)
    await rie.stillWaits(poll)
    const call = rie.invoke('"first"')
    const restored = await within('the restore', poll)
    expect([restored.status, restored.text]).toEqual([200, ''])
    const event = await rie.reply('"done"')
    expect(event.text).toBe('"first"')
    expect((await call).text).toBe('"done"')
    await rie.stdout.until(/^RESTORE_REPORT Restore Duration: [\d.]+ ms$/m)
    const [report] = (await rie.stdout.until(/^REPORT .*$/m)) as unknown as string[]
    expect(report).toMatch(/\tRestore Duration: [\d.]+ ms\tBilled Restore Duration: \d+ ms\t/)
    expect(report).not.toContain('Init Duration')
  })

  it('restores once, and reports it once', async ({ start }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    const call = rie.invoke()
    await rie.reply()
    await call
    const { event } = await rie.exchange()
    const [, report] = (await rie.stdout.until(
      new RegExp(`^(REPORT RequestId: ${event.id}.*)$`, 'm'),
    )) as unknown as string[]
    expect(report).not.toContain('Restore Duration')
  })

  it('is meant by AWS_LAMBDA_INITIALIZATION_TYPE as well, which runtimes are told', async ({ start }) => {
    const env = { AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start' }
    await using rie = await start({ env })
    await waiting(rie)
    expect((await rie.runtime()).env().AWS_LAMBDA_INITIALIZATION_TYPE).toBe('snap-start')
    await using flagged = await start(snapStart)
    expect((await flagged.runtime()).env().AWS_LAMBDA_INITIALIZATION_TYPE).toBe('snap-start')
  })

  it('serves a runtime that does not ask to be restored', async ({ start }) => {
    await using rie = await start(snapStart)
    const { answer } = await rie.exchange('"a"', '"b"')
    expect([answer.status, answer.text]).toEqual([200, '"b"'])
  })

  it('answers with the document of a hook that failed, and starts the function anew for the next invocation', async ({
    start,
  }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    const call = rie.invoke()
    await rie.settle()
    const document = '{"errorMessage":"no connection","errorType":"HookError"}'
    const type = { 'Lambda-Runtime-Function-Error-Type': 'Runtime.AfterRestoreError' }
    const said = await rie.call('POST', 'restore/error', document, type)
    expect([said.status, said.text]).toEqual([202, accepted])
    const answer = await call
    expect([answer.status, answer.text, answer.header('X-Amz-Function-Error')]).toEqual([
      502,
      document,
      'Unhandled',
    ])
    await rie.stdout.until(/^RESTORE_REPORT .*\tStatus: error\tError Type: Runtime.AfterRestoreError$/m)
    const again = rie.invoke('"again"')
    const { poll } = await waiting(rie, 2)
    expect((await within('the second restore', poll)).status).toBe(200)
    await rie.reply('"well"')
    expect((await again).text).toBe('"well"')
  })

  it('answers a signed caller with 200 and that document', async ({ start }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    const call = rie.invoke('{}', signed)
    await rie.settle()
    await rie.call('POST', 'restore/error', '{"errorType":"HookError"}')
    expect([(await call).status, (await call).text]).toEqual([200, '{"errorType":"HookError"}'])
  })

  it('limits a restore', async ({ start }) => {
    await using rie = await start({ ...snapStart, env: { AWS_LAMBDA_RIE_RESTORE_TIMEOUT: '1' } })
    await waiting(rie)
    const answer = await rie.invoke()
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.RestoreHookUserTimeout'])
    await rie.stdout.until(/^RESTORE_REPORT .*\tStatus: error\tError Type: Runtime.RestoreHookUserTimeout$/m)
  })

  it('begins the time of an invocation after its restore', async ({ start }) => {
    const env = { AWS_LAMBDA_FUNCTION_TIMEOUT: '30' }
    await using rie = await start({ ...snapStart, env })
    await waiting(rie)
    const call = rie.invoke()
    await rie.settle()
    const before = Date.now()
    const event = await rie.reply()
    expect(Number(event.header('Lambda-Runtime-Deadline-Ms'))).toBeGreaterThanOrEqual(before + 29_999)
    expect((await call).status).toBe(200)
  })

  it('replaces a runtime that ends before its restore', async ({ start }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    ;(await rie.runtime()).tell('exit 3')
    await rie.stderr.until(/a process ended while nothing ran/)
    const call = rie.invoke('"after"')
    await waiting(rie, 2)
    expect((await rie.reply('"well"')).text).toBe('"after"')
    expect((await call).text).toBe('"well"')
  })

  it('refuses a restore error before a restore', async ({ start }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    const refused = await rie.call('POST', 'restore/error', '{}')
    expect([refused.status, refused.text]).toEqual([
      403,
      refusal(
        'InvalidStateTransition',
        'State transition from RestoreReady to RestoreError failed for runtime. Error: State transition is not allowed',
      ),
    ])
  })

  it('has nothing of it on demand', async ({ start }) => {
    await using rie = await start({ env: keys })
    for (const [method, path] of [
      ['GET', restorePath],
      ['POST', '/2018-06-01/runtime/restore/error'],
      ['GET', '/2021-04-23/credentials'],
    ] as const) {
      expect((await rie.askApi({ method, path })).status).toBe(404)
    }
  })

  it('serves credentials to the runtime in place of variables', async ({ start }) => {
    await using rie = await start({ ...snapStart, env: keys })
    const env = (await rie.runtime()).env()
    expect(Object.keys(keys).filter((name) => name in env)).toEqual([])
    const { pathname } = new URL(env.AWS_CONTAINER_CREDENTIALS_FULL_URI as string)
    const token = { Authorization: env.AWS_CONTAINER_AUTHORIZATION_TOKEN as string }
    const served = await rie.call('GET', pathname, '', token)
    const { Expiration, ...credentials } = served.json
    expect([pathname, served.status]).toEqual(['/2021-04-23/credentials', 200])
    expect(credentials).toEqual({ AccessKeyId: 'AKID', SecretAccessKey: 'secret', Token: 'session' })
    expect(Date.parse(Expiration)).toBeGreaterThan(Date.now() + 60_000)
  })

  it('serves no credentials for another token', async ({ start }) => {
    await using rie = await start({ ...snapStart, env: keys })
    for (const headers of [{}, { Authorization: 'guess' }]) {
      const refused = await rie.call('GET', '/2021-04-23/credentials', '', headers)
      expect([refused.status, refused.text]).toEqual([404, 'cannot get credentials for the provided token\n'])
      expect(refused.header('Content-Type')).toBe('text/plain; charset=utf-8')
    }
  })

  it('names no credentials where there are none', async ({ start }) => {
    await using rie = await start(snapStart)
    const env = (await rie.runtime()).env()
    expect([env.AWS_CONTAINER_CREDENTIALS_FULL_URI, env.AWS_CONTAINER_AUTHORIZATION_TOKEN]).toEqual([
      undefined,
      undefined,
    ])
  })

  it.external('tells subscribers of a restore', async ({ start }) => {
    await using rie = await start({ ...snapStart, extensions: scriptedExtensions('watcher') })
    await using subscriber = new Subscriber()
    const { watcher } = await registered(rie, { watcher: ['SHUTDOWN'] })
    await subscriber.subscribe(rie, watcher)
    await rie.runtime()
    watcher.park()
    await waiting(rie)
    const call = rie.invoke()
    await rie.reply()
    await call
    expect((await subscriber.one('platform.initStart')).record.initializationType).toBe('snap-start')
    expect((await subscriber.one('platform.restoreStart')).record.functionName).toBe('test_function')
    expect((await subscriber.one('platform.restoreRuntimeDone')).record).toEqual({ status: 'success' })
    expect((await subscriber.one('platform.restoreReport')).record.status).toBe('success')
    const { metrics } = (await subscriber.one('platform.report')).record
    expect(metrics.restoreDurationMs).toBeGreaterThan(0)
    expect(metrics.initDurationMs).toBeUndefined()
  })

  it('is ready while it waits to be restored', async ({ start }) => {
    await using rie = await start(snapStart)
    await waiting(rie)
    await until('it to be ready', async () => (await rie.ask({ path: '/_rie/ready' })).status === 200)
  })

  it('ends with exit code 2 for a wrong limit of the restore, with SnapStart and without', async ({
    run,
  }) => {
    for (const flags of [[], ['--enable-init-caching']]) {
      const env = { AWS_LAMBDA_RIE_RESTORE_TIMEOUT: '1.5' }
      const { code, stderr } = await run({ flags, env })
      expect([code, stderr.includes('AWS_LAMBDA_RIE_RESTORE_TIMEOUT is \\"1.5\\"')]).toEqual([2, true])
    }
  })

  it('ends with exit code 2 for --attach', async ({ run }) => {
    const { code, stderr } = await run({ flags: ['--attach', '--enable-init-caching'], command: [] })
    expect([code, stderr.includes('exclude each other')]).toEqual([2, true])
  })
})
