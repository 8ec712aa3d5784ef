/** What the caller gets when a runtime does not get as far as its first event. */
import { expect } from 'bun:test'
import { within } from '../harness.ts'
import { bytes, Wire } from '../kit/wire.ts'
import { chapter } from './chapter.ts'
import { accepted, fault, signed } from './facts.ts'
import { plainFile } from './launch.ts'
import { scriptedProcessFile } from './scripted-process.ts'

const exits = (status: number) => ['/bin/sh', '-c', `exit ${status}`]
/** A runtime that exits at once while the file is there, and is a scripted process once it is gone. */
const failsOnce = (file: string) => [
  '/bin/sh',
  '-c',
  `if mkdir "${file}" 2>/dev/null; then exit 3; fi; exec "$0"`,
]

const initReportOf = (phase: string, type: string) =>
  new RegExp(
    `^INIT_REPORT Init Duration: \\d+\\.\\d\\d ms\\s+Phase: ${phase}\\s+Status: error\\s+Error Type: ${type}\\s*$`,
  )

export const initErrors = chapter('Failures of init', (it) => {
  it('answers with the reason when every init ends in an exit', async ({ start }) => {
    await using rie = await start({ command: exits(1) })
    const answer = await rie.invoke()
    const id = answer.json.errorMessage.split(' ')[1]
    expect([answer.status, answer.text]).toEqual([
      502,
      fault('Runtime.ExitError', id, 'Runtime exited with error: exit status 1'),
    ])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  it('tries a failed init once more within the invocation', async ({ start }) => {
    await using rie = await start({
      command: [...failsOnce('$SCRIPTED_PROCESSES/once'), scriptedProcessFile],
    })
    const call = rie.invoke()
    expect((await rie.reply('"at second try"')).status).toBe(200)
    const answer = await call
    expect([answer.status, answer.text]).toEqual([200, '"at second try"'])
  })

  it('answers with the document of an init that reported an error and exited', async ({ start }) => {
    const document = '{"errorMessage":"no such module","errorType":"Runtime.ImportModuleError"}'
    await using rie = await start()
    const call = rie.invoke()
    for (let n = 1; ; n++) {
      const runtime = await within('a runtime or an answer', Promise.race([rie.runtime(n), call]))
      if ('status' in runtime) break
      expect((await rie.initError(document)).status).toBe(202)
      runtime.tell('exit 1')
      await runtime.gone()
    }
    const answer = await call
    expect([answer.status, answer.text]).toEqual([502, document])
  })

  it('answers with what an init has reported byte for byte, whatever that is', async ({ start }) => {
    const report = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await using rie = await start()
    const call = rie.invoke()
    for (let n = 1; ; n++) {
      const runtime = await within('a runtime or an answer', Promise.race([rie.runtime(n), call]))
      if ('status' in runtime) break
      const headers = { 'Content-Type': 'application/x-mine', 'Lambda-Runtime-Function-Error-Type': '??' }
      expect((await rie.initError(report, headers)).text).toBe(accepted)
      runtime.tell('exit 1')
      await runtime.gone()
    }
    const answer = await call
    expect(answer.status).toBe(502)
    expect(Buffer.compare(answer.body, report)).toBe(0)
  })

  it('ends an init attempt when the runtime has reported an error, alive or not', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    for (const n of [1, 2]) {
      const runtime = await rie.runtime(n)
      expect((await rie.initError(`{"errorMessage":"attempt ${n}"}`)).status).toBe(202)
      await runtime.gone()
    }
    const answer = await call
    expect([answer.status, answer.text]).toEqual([502, '{"errorMessage":"attempt 2"}'])
    expect(answer.header('X-Amz-Function-Error')).toBe('Unhandled')
  })

  it('reads the last lines of a runtime that has reported an error before it answers', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    let attempts = 0
    for (;;) {
      const runtime = await within('a runtime or an answer', Promise.race([rie.runtime(attempts + 1), call]))
      if ('status' in runtime) break
      attempts++
      expect((await rie.initError('{"errorMessage":"reported"}')).status).toBe(202)
      runtime.tell(`echo "last words ${attempts}"; exit 1`)
      await runtime.gone()
    }
    await rie.stdout.until(new RegExp(`last words ${attempts}\\n`))
    const before = rie.stdout.lines.filter((line) => line.startsWith('last words '))
    expect(before).toEqual(Array.from({ length: attempts }, (_, index) => `last words ${index + 1}`))
  })

  it('takes an init error that breaks off for none', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    await rie.runtime()
    const wire = await Wire.open(rie.api)
    const path = '/2018-06-01/runtime/init/error'
    wire.send(bytes(rie.api, { method: 'POST', path, headers: { 'Content-Length': '100' }, body: '{"half' }))
    await rie.settle()
    wire[Symbol.dispose]()
    await rie.settle()
    await rie.reply('"went on"')
    expect((await call).text).toBe('"went on"')
  })

  it('takes an init error that ends in the next attempt for none of that', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const first = await rie.runtime(1)
    using wire = await Wire.open(rie.api)
    const path = '/2018-06-01/runtime/init/error'
    wire.send(bytes(rie.api, { method: 'POST', path, headers: { 'Content-Length': '2' }, body: '{' }))
    await rie.settle()
    first.tell('exit 1')
    await rie.runtime(2)
    wire.send('}')
    expect((await wire.answer()).status).toBe(403)
    await rie.reply('"went on"')
    expect((await call).text).toBe('"went on"')
  })

  it('never answers with the document of an earlier failure', async ({ start }) => {
    await using rie = await start()
    const first = rie.invoke()
    for (const n of [1, 2]) {
      const runtime = await rie.runtime(n)
      await rie.initError('{"errorMessage":"stale"}')
      await runtime.gone()
    }
    await first
    const second = rie.invoke()
    const runtime = await rie.runtime(3)
    const { id } = await rie.next()
    runtime.tell('exit 4')
    expect((await second).text).toBe(
      fault('Runtime.ExitError', id, 'Runtime exited with error: exit status 4'),
    )
  })

  it('answers with the reason when the init after a crash fails', async ({ start }) => {
    await using rie = await start({
      command: [
        '/bin/sh',
        '-c',
        'if [ -e "$SCRIPTED_PROCESSES/bad" ]; then exit 5; fi; exec "$0"',
        scriptedProcessFile,
      ],
    })
    await rie.exchange()
    rie.invoke()
    await rie.next()
    await (await rie.runtime()).ask('touch "$SCRIPTED_PROCESSES/bad"')
    ;(await rie.runtime()).tell('exit 1')
    await (await rie.runtime()).gone()
    await rie.settle()
    const answer = await rie.invoke()
    expect(answer.status).toBe(502)
    expect(answer.text).toMatch(
      /^\{"errorType":"Runtime.ExitError","errorMessage":"RequestId: \S+ Error: Runtime exited with error: exit status 5"\}$/,
    )
  })

  for (const [kind, command] of [
    ['does not exist', '/nowhere/bootstrap'],
    ['is not in PATH', 'no-such-program-anywhere'],
    ['is a folder', '/'],
  ] as const) {
    it(`stays alive and names the command in its answers when that ${kind}`, async ({ start }) => {
      await using rie = await start({ command: [command] })
      for (let n = 0; n < 2; n++) {
        const answer = await rie.invoke()
        expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidEntrypoint'])
        expect(answer.json.errorMessage).toContain(command)
      }
    })
  }

  it.mounts('names a command that may not be executed in its answers', async ({ start }) => {
    await using rie = await start({ command: ['/opt/plain'], image: { 'opt/plain': plainFile } })
    const answer = await rie.invoke()
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidEntrypoint'])
    expect(answer.json.errorMessage).toMatch(/\/opt\/plain.*permission denied/)
  })

  it.mounts('names a command of no format that can be executed in its answers', async ({ start }) => {
    await using rie = await start({ command: ['/opt/odd'], image: { 'opt/odd': 'no program at all\n' } })
    const answer = await rie.invoke()
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidEntrypoint'])
    expect(answer.json.errorMessage).toEndWith(' Error: fork/exec /opt/odd: exec format error')
  })

  it.mounts('names a working directory that does not exist in its answers', async ({ start }) => {
    await using rie = await start({ command: [], image: { 'opt/bootstrap': true } })
    const answer = await rie.invoke()
    expect([answer.status, answer.json.errorType]).toEqual([502, 'Runtime.InvalidWorkingDir'])
    expect(answer.json.errorMessage).toEndWith(" Error: the working directory doesn't exist: /var/task")
  })

  it('answers a signed caller 200 when the command does not exist', async ({ start }) => {
    await using rie = await start({ command: ['/nowhere/bootstrap'] })
    const answer = await rie.invoke('{}', signed)
    expect([answer.status, answer.json.errorType]).toEqual([200, 'Runtime.InvalidEntrypoint'])
  })

  it('reports an init that failed, and starts the invocation when the second attempt is through', async ({
    start,
  }) => {
    await using rie = await start()
    const call = rie.invoke()
    const first = await rie.runtime(1)
    await first.ask('echo first attempt')
    first.tell('exit 3')
    await (await rie.runtime(2)).ask('echo second attempt')
    await rie.reply()
    await call
    await rie.stdout.until(/REPORT RequestId.*\n/)
    const [one, report, ...rest] = rie.stdout.lines
    expect(one).toBe('first attempt')
    expect(report).toMatch(initReportOf('init', 'Runtime.ExitError'))
    expect(rest.map((line) => line.split(' ')[0])).toEqual(['second', 'START', 'END', 'REPORT'])
  })

  it('writes START right before END when no attempt at init came through', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    for (const n of [1, 2]) {
      const runtime = await rie.runtime(n)
      await runtime.ask(`echo attempt ${n}`)
      runtime.tell('exit 3')
    }
    await call
    await rie.stdout.until(/REPORT RequestId.*\n/)
    const kinds = rie.stdout.lines.map((line) => line.split(' ')[0])
    expect(kinds).toEqual(['attempt', 'INIT_REPORT', 'attempt', 'INIT_REPORT', 'START', 'END', 'REPORT'])
    expect(rie.stdout.lines[1]).toMatch(initReportOf('init', 'Runtime.ExitError'))
    expect(rie.stdout.lines[3]).toMatch(initReportOf('invoke', 'Runtime.ExitError'))
    expect(rie.stdout.lines.at(-1)).toMatch(/ Status: error\s+Error Type: Runtime\.ExitError\s*$/)
  })

  it('reports an init that took too long', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_RIE_INIT_TIMEOUT: '1' } })
    const call = rie.invoke()
    await rie.runtime(1)
    await rie.runtime(2)
    await rie.reply()
    await call
    // the limit's clock begins before the init's own, on a busy machine by some milliseconds
    await rie.stdout.until(
      /^INIT_REPORT Init Duration: (9\d\d|\d{4,})\.\d\d ms\s+Phase: init\s+Status: timeout\s*\n/m,
    )
  })
})
