import { describe, expect, test } from 'bun:test'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { LogLevel } from '../../src/config/values.ts'
import { createLog, type Logger, memoryLog } from '../../src/log/log.ts'
import { tempDir, within } from '../harness.ts'

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']

const collect = (level: LogLevel, pretty?: boolean) => {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  return { log: createLog({ level, destination, ...(pretty === undefined ? {} : { pretty }) }), lines }
}

/** The lines as values, with the time checked and taken out. */
const parsed = (lines: readonly string[]): unknown[] =>
  lines.map((line) => {
    expect(line).toEndWith('}\n')
    const { time, ...rest } = JSON.parse(line)
    expect(new Date(time).toISOString()).toBe(time)
    return rest
  })

const writeAll = (log: Logger): void => {
  for (const level of levels) log[level]({ at: level }, `said ${level}`)
}

describe('JSON lines', () => {
  test.each(levels.map((level) => [level]))(
    'the level %s lets through itself and what is more severe',
    (level) => {
      const { log, lines } = collect(level)
      writeAll(log)
      const expected = levels.slice(levels.indexOf(level)).map((at) => ({ level: at, at, msg: `said ${at}` }))
      expect(parsed(lines)).toEqual(expected)
    },
  )

  test('level and time come first, the message last', () => {
    const { log, lines } = collect('info')
    log.info({ answer: 42 }, 'hello')
    expect(lines[0]!.replace(/"time":"[^"]*"/, '"time":"T"')).toBe(
      '{"level":"info","time":"T","answer":42,"msg":"hello"}\n',
    )
  })

  test('what looks like a secret, is nested deep, or is long, is written as it is', () => {
    const { log, lines } = collect('info')
    const fields = {
      password: 'hunter2',
      authorization: 'AWS4-HMAC-SHA256 …',
      empty: '',
      none: null,
      deep: { a: { b: { c: { d: { e: { f: { g: 1 } } } } } } },
      many: Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, index])),
      long: 'x'.repeat(10_000),
    }
    log.info(fields, '100 %s %d {} "quoted"\nsecond line')
    expect(parsed(lines)).toEqual([{ level: 'info', ...fields, msg: '100 %s %d {} "quoted"\nsecond line' }])
  })

  test.each([
    ['in place of fields', (error: Error): object => error, 'err'],
    ['as err', (error: Error): object => ({ err: error }), 'err'],
    ['as error', (error: Error): object => ({ error }), 'error'],
  ])('an error %s is written with its type, message and stack', (_title, fields, key) => {
    const { log, lines } = collect('info')
    const error = new TypeError('boom')
    log.error(fields(error), 'failed')
    const written = { type: 'TypeError', message: 'boom', stack: error.stack }
    expect(parsed(lines)).toEqual([{ level: 'error', [key]: written, msg: 'failed' }])
  })

  test('a circle does not throw', () => {
    const { log, lines } = collect('info')
    const circle: { self?: object } = {}
    circle.self = circle
    log.info({ circle }, 'round')
    expect(parsed(lines)).toEqual([{ level: 'info', circle: { self: '[Circular]' }, msg: 'round' }])
  })

  test('a child adds its fields to each line, and its parent does not', () => {
    const { log, lines } = collect('info')
    const child = log.child({ environment: 1 }).child({ process: 'runtime' })
    child.info({ pid: 7 }, 'started')
    child.debug({}, 'unseen')
    log.info({}, 'plain')
    expect(parsed(lines)).toEqual([
      { level: 'info', environment: 1, process: 'runtime', pid: 7, msg: 'started' },
      { level: 'info', msg: 'plain' },
    ])
  })
})

describe('lines for people', () => {
  test('have a time, a level, the message and the fields', () => {
    const { log, lines } = collect('debug', true)
    log.warn({ environment: 7 }, 'slow')
    log.debug({}, 'detail')
    expect(lines.map((line) => line.replace(/^\[\d\d:\d\d:\d\d\.\d{3}\]/, '[T]'))).toEqual([
      '[T] WARN: slow {"environment":7}\n',
      '[T] DEBUG: detail\n',
    ])
  })
})

describe('stderr', () => {
  const run = async (code: string) => {
    const script = `import { createLog } from ${JSON.stringify(`${import.meta.dir}/../../src/log/log.ts`)}\n${code}`
    const child = Bun.spawn([process.execPath, '--no-env-file', '-e', script], {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const [stdout, stderr, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    return { stdout, lines: stderr.split(/(?<=\n)/), exit }
  }

  test('takes the lines as JSON when it is a pipe, whole even if the program ends at once', async () => {
    const long = 'x'.repeat(300_000)
    const { stdout, lines, exit } = await run(`
      const log = createLog({ level: 'info' })
      log.info({ long: 'x'.repeat(300_000) }, 'first')
      log.fatal({}, 'last')
      process.exit(3)
    `)
    expect({ stdout, exit, lines: parsed(lines) }).toEqual({
      stdout: '',
      exit: 3,
      lines: [
        { level: 'info', long, msg: 'first' },
        { level: 'fatal', msg: 'last' },
      ],
    })
  })

  test('that is closed ends nothing', async () => {
    const { stdout, exit } = await run(`
      import { closeSync } from 'node:fs'
      closeSync(2)
      createLog({ level: 'info' }).info({}, 'lost')
      console.log('alive')
    `)
    expect({ stdout, exit }).toEqual({ stdout: 'alive\n', exit: 0 })
  })

  test('that nobody reads stops nothing, and has whole lines in it when it is read', async () => {
    using folder = tempDir()
    const path = join(folder.path, 'stderr')
    Bun.spawnSync(['mkfifo', path])
    // both of its ends, so that there is a reader, who reads at the end
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    const module = JSON.stringify(`${import.meta.dir}/../../src/log/log.ts`)
    const script = `
      import { createLog } from ${module}
      const log = createLog({ level: 'info' })
      for (let n = 0; n < 5000; n++) log.info({ n, pad: 'x'.repeat(n % 7 === 0 ? 6000 : 60) }, 'said')
      console.log('alive')
    `
    const child = Bun.spawn([process.execPath, '--no-env-file', '-e', script], {
      stdio: ['ignore', 'pipe', pipe],
    })
    expect(await within('the program to end', child.stdout.text())).toBe('alive\n')
    const held = Buffer.alloc(1 << 20)
    const text = held.toString('latin1', 0, readSync(pipe, held))
    closeSync(pipe)
    const lines = text.split('\n')
    // the pipe was full in the middle of the last one, or between two
    const last = lines.pop() as string
    expect(lines.length).toBeGreaterThan(10)
    // a short line may have found room where a long one before it did not
    const numbers = parsed(lines.map((line) => `${line}\n`)).map((entry) => (entry as { n: number }).n)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers.slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(last === '' || last.startsWith('{"level":"info"')).toBe(true)
  })

  test('costs nothing before the first line: neither pino nor pino-pretty is loaded', async () => {
    const { stdout, exit } = await run(`
      const loaded = () => Object.keys(require.cache).filter((path) => path.includes('/pino')).length > 0
      const log = createLog({ level: 'info' })
      log.debug({}, 'unseen')
      const before = loaded()
      log.info({}, 'seen')
      console.log(before, loaded(), Object.keys(require.cache).some((path) => path.includes('/pino-pretty/')))
    `)
    expect({ stdout, exit }).toEqual({ stdout: 'false true false\n', exit: 0 })
  })
})

describe('the log for tests', () => {
  test('keeps every entry of every level, fields merged', () => {
    const { log, entries } = memoryLog()
    writeAll(log)
    log.child({ environment: 2 }).info({ pid: 1 }, 'child')
    expect(entries).toEqual([
      ...levels.map((level) => ({ level, fields: { at: level }, message: `said ${level}` })),
      { level: 'info', fields: { environment: 2, pid: 1 }, message: 'child' },
    ])
  })
})

describe('lines at the start', () => {
  test('are held back, and written in their order and with their own times when the log is flushed', () => {
    const lines: string[] = []
    const log = createLog({
      level: 'info',
      holdMs: 60_000,
      destination: { write: (line) => lines.push(line) },
    })
    const before = Date.now()
    log.info({ n: 1 }, 'first')
    log.debug({}, 'below the level')
    log.child({ environment: 2 }).warn({}, 'second')
    expect(lines).toEqual([])
    log.flush()
    const after = Date.now()
    log.info({}, 'third')
    const entries = lines.map((line) => JSON.parse(line))
    expect(entries.map(({ msg }) => msg)).toEqual(['first', 'second', 'third'])
    expect(Date.parse(entries[0].time)).toBeWithin(before, after + 1)
    log.flush()
    expect(lines).toHaveLength(3)
  })
})
