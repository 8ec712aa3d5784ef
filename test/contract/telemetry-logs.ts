/** What the log on stdout looks like in JSON, and records of loggers that are handed over whole. */
import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempDir } from '../harness.ts'
import { flaw } from '../telemetry/schemas.ts'
import { chapter } from './chapter.ts'
import type { Emulator } from './emulator.ts'
import { Subscriber } from './subscriber.ts'
import { starting, watched } from './telemetry.ts'
import { invoked } from './telemetry-records.ts'

const json = { env: { AWS_LAMBDA_LOG_FORMAT: 'JSON' } }

/** The platform's lines, each held to its schema. */
function platform(rie: Emulator): { type: string; record: Record<string, unknown> }[] {
  const lines = rie.stdout.lines
    .filter((line) => line.includes('"type":"platform.'))
    .map((line) => JSON.parse(line))
  for (const one of lines) expect(flaw('telemetry 2025-01-29', one)).toBeNull()
  return lines
}

const types = (rie: Emulator): string[] => platform(rie).map(({ type }) => type)

/** One invocation, in which the runtime's process runs a line of shell. */
async function printing(rie: Emulator, line: string): Promise<void> {
  const call = rie.invoke()
  const { id } = await rie.next()
  await (await rie.runtime()).ask(line)
  await rie.respond(id)
  rie.park()
  await call
  await rie.stdout.until(/REPORT|platform\.report/)
}

/** The bytes of a frame, as a shell's printf writes them: mark and kind, length, time, record. */
function frame(record: string, kind = '0f', length = record.length): string {
  const hex = (value: bigint | number, bytes: number) => value.toString(16).padStart(bytes * 2, '0')
  const header = `a55a00${kind}${hex(length, 4)}${hex(1_700_000_000_123_000n, 8)}`
  const escaped = (text: string) =>
    text.replace(/../g, (two) => `\\${Number.parseInt(two, 16).toString(8).padStart(3, '0')}`)
  const body = [...Buffer.from(record)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  return `printf '${escaped(header)}${body}'`
}

export const telemetryLogs = chapter('Log formats', (it) => {
  it('writes START, END and REPORT as lines of JSON', async ({ start }) => {
    await using rie = await start(json)
    const { event } = await rie.exchange()
    await rie.stdout.until(/platform\.report.*\n/)
    expect(types(rie)).toEqual(['platform.start', 'platform.report'])
    expect(platform(rie)[0]?.record).toMatchObject({ requestId: event.id, version: '$LATEST' })
    expect(platform(rie)[1]?.record).toMatchObject({ requestId: event.id, status: 'success' })
    expect(rie.stdout.text).not.toMatch(/^(START|END|REPORT) /m)
  })

  it('takes the format from --log-format too, in any case', async ({ start }) => {
    await using rie = await start({ flags: ['--log-format', 'jSON'] })
    await rie.exchange()
    await rie.stdout.until(/platform\.report.*\n/)
    expect((await rie.runtime()).env()).toMatchObject({
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
      AWS_LAMBDA_LOG_LEVEL: 'INFO',
    })
  })

  it('tells children nothing of the format of text', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const names = Object.keys((await rie.runtime()).env())
    expect(
      names.filter((name) => name.startsWith('AWS_LAMBDA_LOG_FORMAT') || name === 'AWS_LAMBDA_LOG_LEVEL'),
    ).toEqual([])
  })

  it('writes every platform event at the level DEBUG', async ({ start }) => {
    await using rie = await start({ env: { ...json.env, AWS_LAMBDA_RIE_SYSTEM_LOG_LEVEL: 'debug' } })
    await rie.exchange()
    await rie.stdout.until(/platform\.report.*\n/)
    expect(types(rie)).toEqual([
      'platform.initStart',
      'platform.initRuntimeDone',
      'platform.initReport',
      'platform.start',
      'platform.runtimeDone',
      'platform.report',
    ])
  })

  it('writes only what went wrong at the level WARN', async ({ start }) => {
    await using rie = await start({ env: { ...json.env, AWS_LAMBDA_RIE_SYSTEM_LOG_LEVEL: 'WARN' } })
    await rie.exchange()
    const call = rie.invoke()
    await rie.next()
    ;(await rie.runtime()).tell('exit 1')
    await call
    await rie.stdout.until(/platform\.report.*\n/)
    expect(types(rie)).toEqual(['platform.runtimeDone', 'platform.report'])
  })

  it('leaves out lines of the function that are JSON of a lower level', async ({ start }) => {
    await using rie = await start({ env: { ...json.env, AWS_LAMBDA_LOG_LEVEL: 'WARN' } })
    await printing(
      rie,
      `echo '{"level":"INFO","n":1}'; echo '{"level":"ERROR","n":2}'; echo '{"n":3}'; echo plain; echo '{"level":"warn","n":4}'; echo '{"level":"WARNING","n":5}'`,
    )
    const lines = rie.stdout.lines.filter((line) => !line.includes('platform.'))
    // the last one as Python's loggers name it
    expect(lines).toEqual([
      '{"level":"ERROR","n":2}',
      'plain',
      '{"level":"warn","n":4}',
      '{"level":"WARNING","n":5}',
    ])
  })

  it('leaves nothing out in the format of text', async ({ start }) => {
    await using rie = await start({ env: { AWS_LAMBDA_LOG_LEVEL: 'ERROR' } })
    await printing(rie, `echo '{"level":"INFO"}'`)
    expect(rie.stdout.text).toContain('{"level":"INFO"}\n')
  })

  it.external('sends subscribers everything, and lines of JSON as objects', async ({ start }) => {
    await using rie = await start({
      ...watched,
      env: { ...json.env, AWS_LAMBDA_LOG_LEVEL: 'FATAL', AWS_LAMBDA_RIE_SYSTEM_LOG_LEVEL: 'WARN' },
    })
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await (await rie.runtime()).ask(`echo '{"level":"DEBUG","n":1.50}'; echo plain`)
    await rie.respond(id)
    rie.park()
    await watcher.pass()
    await call
    await subscriber.one('platform.report')
    expect(subscriber.of('function').map(({ record }) => record)).toEqual([
      { level: 'DEBUG', n: 1.5 },
      'plain\n',
    ])
    expect(rie.stdout.text).not.toContain('DEBUG')
  })

  it('takes records that a runtime hands over whole, in the order of what it prints', async ({ start }) => {
    await using rie = await start()
    const record = '2026-01-01T00:00:00Z\tERROR\tno\n    at one\n    at two\n'
    await printing(
      rie,
      `echo before; ${frame(record)} >&$_LAMBDA_TELEMETRY_LOG_FD_TEST; echo after`.replace(
        '$_LAMBDA_TELEMETRY_LOG_FD_TEST',
        '1',
      ),
    )
    expect(rie.stdout.text).toContain(`before\n${record}after\nEND`)
  })

  it.external('delivers such a record as one, with its own time', async ({ start }) => {
    await using rie = await start(watched)
    await using subscriber = new Subscriber()
    const { call, watcher, id } = await invoked(rie, subscriber)
    await (await rie.runtime()).ask(`${frame('one\ntwo\n')}; printf unfinished; ${frame('three')}`)
    await rie.respond(id)
    rie.park()
    await watcher.pass()
    await call
    await subscriber.one('platform.report')
    expect(
      subscriber.of('function').map(({ time, record }) => [time === '2023-11-14T22:13:20.123Z', record]),
    ).toEqual([
      [true, 'one\ntwo\n'],
      [false, 'unfinished\n'],
      [true, 'three'],
    ])
  })

  for (const [format, env, isWhole] of [
    [
      'text',
      {},
      (record: string) => /^\S+\t\S+\tERROR\tfirst\nsecond RangeError: no fruit\n {4}at /.test(record),
    ],
    [
      'JSON',
      json.env,
      (record: { message: string }) => record.message.startsWith('first\nsecond RangeError'),
    ],
  ] as const) {
    it.external(
      `delivers what a handler of --handler logs as one record, in ${format}`,
      async ({ start }) => {
        using folder = tempDir()
        writeFileSync(
          join(folder.path, 'app.mjs'),
          "export const handler = async () => { console.error('first\\nsecond', new RangeError('no fruit')); process.stdout.write('printed\\n') }",
        )
        const flags = ['--handler', 'app.handler']
        await using rie = await start({ ...watched, flags, command: [], cwd: folder.path, env })
        await using subscriber = new Subscriber()
        const { call, watcher } = await starting(rie)
        await subscriber.subscribe(rie, watcher)
        watcher.park()
        await watcher.event()
        watcher.park()
        await call
        await subscriber.one('platform.report')
        const [logged, printed, ...others] = subscriber.of('function').map(({ record }) => record)
        expect([isWhole(logged as never), printed, others]).toEqual([true, 'printed\n', []])
      },
    )
  }

  it('hands a runtime a descriptor for such records, which is its output', async ({ start }) => {
    await using rie = await start()
    await rie.exchange()
    const runtime = await rie.runtime()
    expect(runtime.env()._LAMBDA_TELEMETRY_LOG_FD).toBe('3')
  })

  it('hands out no descriptor with --no-log-fd', async ({ start }) => {
    await using rie = await start({ flags: ['--no-log-fd'] })
    await rie.exchange()
    expect((await rie.runtime()).env()._LAMBDA_TELEMETRY_LOG_FD).toBeUndefined()
  })

  it('loses nothing of frames that are cut, or are none', async ({ start }) => {
    await using rie = await start()
    await printing(rie, `printf '\\245\\132\\000'; echo false; ${frame('cut', '0f', 100)}`)
    expect(rie.stdout.text).toContain('false\n')
    expect(rie.stdout.text).toContain('cut\n')
  })

  for (const [what, flags, env] of [
    ['a format that nobody knows', ['--log-format', 'xml'], {}],
    ['a system level that nobody knows', [], { AWS_LAMBDA_RIE_SYSTEM_LOG_LEVEL: 'ERROR' }],
  ] as const) {
    it(`ends with exit code 2 for ${what}`, async ({ run }) => {
      const { code, stderr } = await run({ flags, env })
      expect(code).toBe(2)
      expect(stderr).toMatch(/allowed is/)
    })
  }
})
