import { describe, expect, test } from 'bun:test'
import { splitOutput } from '../../src/process/frames.ts'
import { document, play } from './scripted-api.ts'

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`

describe.concurrent('the console', () => {
  test('puts time, request id and level before each message and keeps its lines', async () => {
    const { lines } = await play('answers.logs')
    expect(lines.slice(0, 6)).toEqual([
      expect.stringMatching(new RegExp(`^${time}\tid-1\tINFO\tone two \\{ three: 3 \\}$`)),
      expect.stringMatching(new RegExp(`^${time}\tid-1\tDEBUG\tseveral$`)),
      'lines',
      'as it is',
      expect.stringMatching(new RegExp(`^${time}\tid-1\tERROR\tCustomError: logged$`)),
      expect.stringMatching(/^ {4}at /),
    ])
    expect(lines.join('')).not.toContain('\r')
  })

  test('has no request id before the first invocation', async () => {
    const { lines } = await play('awaits.handler')
    expect(lines).toEqual([expect.stringMatching(/\t-\tINFO\twhile loading$/)])
  })

  test('writes JSON if asked, and leaves out what is below the level', async () => {
    const { lines } = await play('answers.logs', {
      events: [{ headers: { 'Lambda-Runtime-Aws-Tenant-Id': 'blue' } }],
      env: { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'info' },
    })
    const common = { timestamp: expect.stringMatching(new RegExp(time)), requestId: 'id-1', tenantId: 'blue' }
    expect([lines[0], lines[2]].map((line) => JSON.parse(line ?? ''))).toEqual([
      { ...common, level: 'INFO', message: 'one two { three: 3 }' },
      {
        ...common,
        level: 'ERROR',
        message: {
          errorType: 'CustomError',
          errorMessage: 'logged',
          stackTrace: expect.any(Array),
          name: 'CustomError',
        },
      },
    ])
    expect(lines[1]).toBe('as it is')
    expect(lines).toHaveLength(3)
  })

  test.each([
    ['text', {}],
    ['JSON', { AWS_LAMBDA_LOG_FORMAT: 'JSON' }],
  ])('hands whole records over where there is a descriptor for them, in %s', async (format, env) => {
    const records: { text: string; recordedAt: number | null }[] = []
    const { stdout } = await play('answers.logs', { env: { ...env, _LAMBDA_TELEMETRY_LOG_FD: '1' } })
    const splitter = splitOutput((bytes, recordedAt) =>
      records.push({ text: Buffer.from(bytes).toString(), recordedAt }),
    )
    splitter.push(stdout)
    splitter.end()
    expect(records.map(({ recordedAt }) => recordedAt !== null)).toEqual([true, true, false, true])
    const [one, several, plain, error] = records.map(({ text }) => text)
    expect(plain).toBe('as it is\n')
    if (format === 'JSON') {
      expect(JSON.parse(several!)).toMatchObject({ level: 'DEBUG', message: 'several\nlines' })
      expect(several).not.toEndWith('\n')
    } else {
      expect(one).toMatch(new RegExp(`^${time}\tid-1\tINFO\tone two \\{ three: 3 \\}\n$`))
      expect(several).toMatch(new RegExp(`^${time}\tid-1\tDEBUG\tseveral\nlines\n$`))
      expect(error).toMatch(/\tERROR\tCustomError: logged\n {4}at /)
      expect(Date.parse(one!.split('\t')[0]!)).toBe(records[0]!.recordedAt!)
    }
  })

  test('puts them before the lines of its other methods too', async () => {
    const { lines } = await play('answers.logsOtherwise')
    const said = lines.map((line) =>
      line.replace(new RegExp(`^${time}\tid-1\t`), '').replace(/[\d.]+m?s$/, 'N'),
    )
    expect(said).toEqual([
      'INFO\t┌───┬───┐',
      '│   │ a │',
      '├───┼───┤',
      '│ 0 │ 1 │',
      '└───┴───┘',
      'INFO\tgroup',
      'INFO\twithin',
      'WARN\tAssertion failed: asserted so',
      'WARN\tAssertion failed',
      'INFO\tdefault: 1',
      'INFO\tclicks: 1',
      'INFO\tclicks: 2',
      'INFO\tclicks: 1',
      expect.stringMatching(/^INFO\twork: [\d.]+ms so far$/),
      'INFO\twork: N',
      "WARN\tNo such label 'work' for console.time()",
    ])
  })

  test.each([{}, { AWS_LAMBDA_LOG_FORMAT: 'JSON' }])(
    'tells an error that leads to itself at once, with %p',
    async (env) => {
      const { calls, lines } = await play('answers.throwsCycle', { env })
      expect(document(calls[0])).toEqual({
        errorType: 'CustomError',
        errorMessage: 'in a circle',
        trace: expect.arrayContaining(['CustomError: in a circle']),
      })
      expect(lines.filter((line) => line.includes('in a circle')).length).toBeGreaterThan(1)
      expect(lines.join('').length).toBeLessThan(5000)
    },
  )

  test('loses no line of many', async () => {
    const { lines } = await play('answers.chatters')
    expect(lines.map((line) => line.match(/\tline (\d+) /)?.[1])).toEqual(
      Array.from({ length: 2000 }, (_, line) => String(line)),
    )
  })
})
