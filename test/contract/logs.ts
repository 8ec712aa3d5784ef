/** What appears on stdout and stderr, and in which order. */
import { expect } from 'bun:test'
import { until } from '../harness.ts'
import { freePort } from '../kit/launch.ts'
import { chapter } from './chapter.ts'
import { uuid } from './facts.ts'
import { scriptedProcessFile } from './scripted-process.ts'

const number = String.raw`\d+\.\d\d ms`
const reportOf = (id: string, rest: string) =>
  new RegExp(
    `^REPORT RequestId: ${id}\\tDuration: ${number}\\tBilled Duration: \\d+ ms\\tMemory Size: 3008 MB\\tMax Memory Used: \\d+ MB\\t${rest}$`,
  )
const value = (report: string, field: string) =>
  Number(report.match(new RegExp(`\\t?${field}: ([\\d.]+)`))?.[1])

export const logs = chapter('Logs', (it) => {
  it('frames an invocation in START, END and REPORT', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    await rie.stdout.until(/REPORT.*\n/)
    const [first, second, third] = rie.stdout.lines
    expect(rie.stdout.lines).toHaveLength(3)
    expect(first).toMatch(/^START RequestId: \S+ Version: \$LATEST$/)
    expect(second).toBe(`END RequestId: ${event.id}`)
    expect(third!.split('\t')[0]).toBe(`REPORT RequestId: ${event.id}`)
    expect(first!.split(' ')[2]).toMatch(uuid)
  })

  it('shows one id in START, END, REPORT and to the runtime', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    await rie.stdout.until(/REPORT.*\n/)
    expect(new Set(rie.stdout.text.match(/(?<=RequestId: )\S+/g))).toEqual(new Set([event.id]))
  })

  it('writes REPORT as the service does, with Init Duration on a cold start', async ({ start }) => {
    await using rie = await start()
    const { event } = await rie.exchange()
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.lines[2]).toMatch(reportOf(event.id, `Init Duration: ${number}\\t`))
  })

  it('writes REPORT without Init Duration on a warm start', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const { event } = await rie.exchange()
    await rie.stdout.until(/REPORT.*\n[\s\S]*REPORT.*\n/)
    expect(rie.stdout.lines[5]).toMatch(reportOf(event.id, ''))
  })

  it('measures init apart from the invocation', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    await rie.runtime()
    await Bun.sleep(400)
    const began = performance.now()
    await rie.reply()
    await call
    const [report] = await rie.stdout.until(/REPORT.*\n/)
    expect(value(report, 'Init Duration')).toBeGreaterThanOrEqual(400)
    // none of what came before the first event is in it
    expect(value(report, '\\tDuration')).toBeLessThan(performance.now() - began)
  })

  it('measures the memory of the processes', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const [report] = await rie.stdout.until(/REPORT.*\n/)
    expect(value(report, 'Max Memory Used')).toBeGreaterThan(0)
    expect(value(report, 'Max Memory Used')).toBeLessThan(200)
  })

  it('bills whole milliseconds, rounded up', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const [report] = await rie.stdout.until(/REPORT.*\n/)
    expect(value(report, 'Billed Duration')).toBe(Math.ceil(value(report, '\\tDuration')))
  })

  it('shows version and memory size as configured', async ({ start }) => {
    await using rie = await start({
      env: { AWS_LAMBDA_FUNCTION_VERSION: '42', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' },
    })
    await rie.exchange()
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.lines[0]).toEndWith(' Version: 42')
    expect(rie.stdout.lines[2]).toContain('\tMemory Size: 512 MB\t')
  })

  for (const [kind, line, rest] of [
    ['a crash', 'exit 7', /\s+Status: error\s+Error Type: Runtime\.ExitError\s*$/],
    ['a time-out', ':', /\s+Status: timeout\s*$/],
  ] as const) {
    it(`writes END and a REPORT with the status after ${kind}`, async ({ start }) => {
      await using rie = await start({ env: { AWS_LAMBDA_FUNCTION_TIMEOUT: '3' } })
      const call = rie.invoke()
      const { id } = await rie.next()
      ;(await rie.runtime()).tell(line)
      await call
      await rie.stdout.until(/REPORT.*\n/)
      expect(rie.stdout.text).toContain(`\nEND RequestId: ${id}\nREPORT RequestId: ${id}\t`)
      expect(rie.stdout.lines.at(-1)).toMatch(rest)
    })
  }

  it("writes a REPORT with the status after a handler's error", async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await rie.error(id, '{}', { 'Lambda-Runtime-Function-Error-Type': 'Function.Foo' })
    rie.park()
    await call
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.lines.at(-1)).toMatch(/\s+Status: error(\s|$)/)
  })

  it('writes what a function prints on both of its streams to stdout, in order', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    const runtime = await rie.runtime()
    await runtime.ask('for i in 1 2 3 4 5 6 7 8 9; do echo "out $i"; echo "err $i" >&2; done')
    await rie.respond(id)
    rie.park()
    await call
    await rie.stdout.until(/REPORT.*\n/)
    const printed = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((n) => [`out ${n}`, `err ${n}`])
    expect(rie.stdout.lines.slice(1, -2)).toEqual(printed)
    expect(rie.stderr.text).not.toContain('err 1')
  })

  it('writes all that was printed before the answer between START and END', async ({ start }) => {
    await using rie = await start()
    for (let round = 0; round < 5; round++) {
      const call = rie.invoke()
      const { id } = await rie.next()
      await (await rie.runtime()).ask('i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done')
      await rie.respond(id)
      rie.park()
      await call
    }
    await until('five reports', () => rie.stdout.text.match(/^REPORT/gm)?.length === 5)
    const kinds = rie.stdout.lines.map((line) => line.split(' ')[0])
    const one = ['START', ...Array(300).fill('line'), 'END', 'REPORT']
    expect(kinds).toEqual([...one, ...one, ...one, ...one, ...one])
  })

  it('writes what is printed during init before START', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    await (await rie.runtime()).ask('echo while starting')
    await rie.reply()
    await call
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.lines.map((line) => line.split(' ')[0])).toEqual(['while', 'START', 'END', 'REPORT'])
  })

  it('writes lines whole: one without an end does not run into the next', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await (await rie.runtime()).ask('printf unfinished')
    await rie.respond(id)
    rie.park()
    await call
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.text).toMatch(/^END RequestId/m)
    expect(rie.stdout.text).toContain('unfinished')
  })

  it('writes a line of a megabyte unharmed', async ({ start }) => {
    await using rie = await start()
    const call = rie.invoke()
    const { id } = await rie.next()
    await (await rie.runtime()).ask(`head -c 1000000 /dev/zero | tr '\\0' y; echo`)
    await rie.respond(id)
    rie.park()
    await call
    await rie.stdout.until(/REPORT.*\n/)
    expect(rie.stdout.text.match(/^y+$/m)?.[0].length).toBe(1_000_000)
  })

  it('is silent on stderr at the level error when all goes well', async ({ start }) => {
    const listens = [`127.0.0.1:${freePort()}`, `127.0.0.1:${freePort()}`] as const
    await using rie = await start({ listens, flags: ['--log-level', 'error'] })
    await rie.exchange()
    expect(rie.stderr.text).toBe('')
  })

  it('says nothing of an invocation at the level info when all goes well', async ({ start }) => {
    await using rie = await start({ env: { LOG_LEVEL: 'info' } })
    for (let n = 0; n < 3; n++) await rie.exchange()
    expect(await rie.stop()).toBe(0)
    expect(rie.log.map(({ level, msg }) => [level, msg])).toEqual([
      ['info', expect.stringMatching(/^listening: /)],
      ['info', 'shutting down'],
    ])
  })

  it('writes its own log as JSON, one record a line', async ({ start }) => {
    await using rie = await start({ env: { LOG_LEVEL: 'debug' } })
    await rie.exchange()
    expect(rie.log.length).toBeGreaterThan(0)
    for (const record of rie.log)
      expect(record).toMatchObject({ level: expect.anything(), msg: expect.any(String) })
  })

  it('writes nothing of the function into its own log', async ({ start }) => {
    await using rie = await start({
      env: { LOG_LEVEL: 'debug' },
      command: [scriptedProcessFile, 'handler.of.mine'],
    })
    const call = rie.invoke('"a secret event"')
    const { id } = await rie.next()
    await (await rie.runtime()).ask('echo a secret line')
    await rie.respond(id, '"a secret answer"')
    rie.park()
    await call
    expect(rie.stderr.text).not.toContain('secret')
  })
})
