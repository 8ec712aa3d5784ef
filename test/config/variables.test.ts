/** The variables of the function: where they come from, and what is odd about them. */

import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { type Config, ConfigError } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { runtimeEnvironment } from '../../src/process/environ.ts'
import { tempDir } from '../harness.ts'

function parse(argv: readonly string[], env: Record<string, string> = {}, cwd = '/cwd'): Config {
  const parsed = parseConfig([...argv, 'cmd'], env, { cwd: () => cwd, look: () => 'missing' })
  if (!('function' in parsed)) throw new Error('expected the configuration of one function')
  return parsed
}

/** Writes a file of variables, and removes it with its folder. */
async function file(text: string) {
  const folder = tempDir()
  await Bun.write(join(folder.path, '.env'), text)
  return { cwd: folder.path, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('--env and --env-file', () => {
  test('--env goes before the environment, and the environment before a file', async () => {
    using variables = await file('A=file\nB=file\nC=file\n')
    const env = { A: 'environment', B: 'environment' }
    const config = parse(['--env-file', '.env', '--env', 'A=flag'], env, variables.cwd)
    expect(config.function.environment).toEqual({ A: 'flag', B: 'environment', C: 'file' })
  })

  test('a variable that is set to nothing is set: no file gives it a value', async () => {
    using variables = await file('A=file\n')
    expect(parse(['--env-file', '.env'], { A: '' }, variables.cwd).function.environment).toEqual({ A: '' })
  })

  test('both may be repeated, and the later goes before the earlier', async () => {
    using one = await file('A=1\nB=1\n')
    using two = await file('A=2\n')
    const files = ['--env-file', join(one.cwd, '.env'), `--env-file=${join(two.cwd, '.env')}`]
    const config = parse([...files, '--env', 'C=1', '--env=C=x=y'])
    expect(config.function.environment).toEqual({ A: '2', B: '1', C: 'x=y' })
  })

  test('a file has quotes, comments, several lines, and Windows line ends', async () => {
    using variables = await file('# c\r\nA="x y" # c\r\nexport B=\'#\'\r\nC="1\n2"\r\nD=\r\n')
    const config = parse(['--env-file', '.env'], {}, variables.cwd)
    expect(config.function.environment).toEqual({ A: 'x y', B: '#', C: '1\n2', D: '' })
  })

  test('they set options that have variables, and a flag of its own goes before --env', async () => {
    using variables = await file('AWS_LAMBDA_FUNCTION_TIMEOUT=3\nAWS_REGION=eu-central-1\n')
    const fromFile = parse(['--env-file', '.env'], {}, variables.cwd)
    expect(fromFile.function).toMatchObject({ timeoutMs: 3000, region: 'eu-central-1' })
    const both = parse(['--env', 'AWS_LAMBDA_FUNCTION_TIMEOUT=4', '--timeout', '5'])
    expect(both.function.timeoutMs).toBe(5000)
    expect(both.function.environment.AWS_LAMBDA_FUNCTION_TIMEOUT).toBe('5')
  })

  test('what a flag says of the function is what its variables say', () => {
    const env = { AWS_LAMBDA_FUNCTION_NAME: 'old', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1' }
    const config = parse(['--name', 'new', '--memory-size', '256'], env)
    expect(runtimeEnvironment(config.function, { runtimeApi: 'x:1', metadataToken: 'token' })).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'new',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    })
  })

  const wrong: [string[], string][] = [
    [['--env', 'A'], '--env is "A"; allowed is NAME=VALUE'],
    [['--env', '=x'], '--env is "=x"; allowed is NAME=VALUE'],
    [['--env-file', 'nothere'], '--env-file: nothere cannot be read: there is no such file'],
    [['--env-file', '/tmp'], '--env-file: /tmp cannot be read: it is a directory'],
  ]
  test.each(wrong)('%p is refused', (argv, message) => {
    expect(() => parse(argv)).toThrow(new ConfigError(message))
  })

  test('no file is read without being named', async () => {
    using variables = await file('A=file\n')
    expect(parse([], {}, variables.cwd).function.environment).toEqual({})
  })
})

describe("variables that are the function's own too", () => {
  test.each([
    ['AWS_ACCOUNT_ID', 'your-account-id', 'accountId', '012345678912', '12 digits'],
    ['AWS_ACCOUNT_ID', '1', 'accountId', '012345678912', '12 digits'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '512MB', 'memorySize', '3008', 'a whole number greater than 0'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '0', 'memorySize', '3008', 'a whole number greater than 0'],
  ] as const)(
    '%s=%s is warned of, the default taken, and the value passed on',
    (name, value, field, otherwise, allowed) => {
      const config = parse([], { [name]: value })
      expect(config.function[field]).toBe(otherwise)
      expect(config.warnings).toEqual([
        `${name} is "${value}"; allowed is ${allowed}; ${otherwise} is used, the function gets what was given`,
      ])
      expect(runtimeEnvironment(config.function, { runtimeApi: 'x:1', metadataToken: 'token' })[name]).toBe(
        value,
      )
    },
  )

  test.each([['CRITICAL'], ['3'], ['__proto__']])('LOG_LEVEL=%s is warned of, and passed on', (value) => {
    const config = parse([], { LOG_LEVEL: value })
    expect(config.emulator.logLevel).toBe('info')
    expect(config.warnings).toHaveLength(1)
    expect(config.function.environment.LOG_LEVEL).toBe(value)
  })
})

describe('Windows line ends', () => {
  test.each([
    ['AWS_REGION', 'eu-central-1', 'region'],
    ['AWS_LAMBDA_FUNCTION_NAME', 'thumbs', 'name'],
    ['AWS_LAMBDA_FUNCTION_VERSION', '7', 'version'],
    ['_HANDLER', 'a.b', 'handler'],
    ['AWS_ACCOUNT_ID', '111122223333', 'accountId'],
    ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE', '128', 'memorySize'],
  ] as const)('a carriage return at the end of %s is cut off, with a warning', (name, value, field) => {
    const config = parse([], { [name]: `${value}\r` })
    expect(config.function[field]).toBe(value)
    expect(config.function.environment[name]).toBe(value)
    expect(config.warnings).toEqual([
      `${name} ends with a carriage return, which is cut off: does it come from a file with Windows line ends?`,
    ])
  })

  test('one that is nothing else counts as absent', () => {
    expect(parse([], { AWS_REGION: '\r', AWS_DEFAULT_REGION: 'b' }).function.region).toBe('b')
  })

  test('variables that are none of ours keep theirs', () => {
    const config = parse([], { MINE: 'x\r' })
    expect(config.function.environment.MINE).toBe('x\r')
    expect(config.warnings).toEqual([])
  })
})

describe('variables that look like ours', () => {
  test.each([
    ['AWS_LAMBDA_RIE_MAX_ENVIROMENTS', '; the nearest one is AWS_LAMBDA_RIE_MAX_ENVIRONMENTS'],
    ['AWS_LAMBDA_RIE_FUNCTION_URL', '; the nearest one is AWS_LAMBDA_RIE_FUNCTION_URL_ADDRESS'],
    ['AWS_LAMBDA_RIE_EAGERINIT', '; the nearest one is AWS_LAMBDA_RIE_EAGER_INIT'],
    ['AWS_LAMBDA_RIE_COLOUR', ''],
  ])('%s is warned of', (name, advice) => {
    expect(parse([], { [name]: '3' }).warnings).toEqual([`${name} is no variable of this emulator${advice}`])
  })
})
