import { describe, expect, test } from 'bun:test'
import type { FunctionConfig } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { childAddress, extensionEnvironment, runtimeEnvironment } from '../../src/process/environ.ts'

const config = (
  env: Record<string, string>,
  argv: readonly string[] = ['cmd'],
  task = false,
): FunctionConfig => {
  const look = (path: string) => (task && path === '/var/task' ? 'directory' : 'missing')
  const parsed = parseConfig(argv, env, { cwd: () => '/cwd', look })
  if (!('function' in parsed)) throw new Error('expected the configuration of one function')
  return parsed.function
}

const api = { runtimeApi: '127.0.0.1:9001', metadataToken: 'token' }

const defaults = {
  AWS_LAMBDA_METADATA_API: '127.0.0.1:9001',
  AWS_LAMBDA_METADATA_TOKEN: 'token',
  AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
  AWS_LAMBDA_FUNCTION_NAME: 'test_function',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008',
  AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/test_function',
  AWS_LAMBDA_LOG_STREAM_NAME: '$LATEST',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  LAMBDA_TASK_ROOT: '/cwd',
  LAMBDA_RUNTIME_DIR: '/var/runtime',
  AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
  TZ: ':UTC',
}

const runtime = (env: Record<string, string>, argv?: readonly string[]) =>
  runtimeEnvironment(config(env, argv), api)

describe('the environment of the runtime', () => {
  test('has the defaults, and no credentials, where nothing is set', () => {
    expect(runtime({})).toEqual(defaults)
  })

  test('keeps everything that is set, values with = and empty values too', () => {
    const env = {
      PATH: '/bin',
      OPTIONS: 'a=b=c',
      EMPTY: '',
      _FOO: 'x',
      LOG_LEVEL: 'debug',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_LAMBDA_FUNCTION_TIMEOUT: '3',
    }
    expect(runtime(env)).toEqual({ ...defaults, ...env })
  })

  const own = {
    AWS_LAMBDA_FUNCTION_NAME: 'thumbs',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/group',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    LAMBDA_TASK_ROOT: '/task',
    LAMBDA_RUNTIME_DIR: '/runtime',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start',
    TZ: 'Europe/Berlin',
  }

  test('prefers what is set to every default', () => {
    expect(runtime(own)).toEqual({ ...defaults, ...own })
  })

  const neverEmpty = Object.keys(own).slice(0, 5)
  test.each(neverEmpty.map((name) => [name]))(
    'replaces an empty %s, which would end a runtime client',
    (name) => {
      expect(runtime({ [name]: '' })).toEqual(defaults)
    },
  )

  const mayBeEmpty = Object.keys(own).slice(5)
  test.each(mayBeEmpty.map((name) => [name]))('keeps an empty %s', (name) => {
    expect(runtime({ [name]: '' })).toEqual({ ...defaults, [name]: '' })
  })

  test('names the log group after the function', () => {
    expect(runtime({ AWS_LAMBDA_FUNCTION_NAME: 'thumbs' })).toEqual({
      ...defaults,
      AWS_LAMBDA_FUNCTION_NAME: 'thumbs',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/thumbs',
    })
  })

  test.each([
    ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    ['AWS_DEFAULT_REGION', 'AWS_REGION'],
  ])('%s gives %s where that is absent', (given, absent) => {
    expect(runtime({ [given]: 'eu-north-1' })).toEqual({
      ...defaults,
      [given]: 'eu-north-1',
      [absent]: 'eu-north-1',
    })
  })

  test('has the task root in /var/task where that exists', () => {
    expect(runtimeEnvironment(config({}, ['cmd'], true), api)).toEqual({
      ...defaults,
      LAMBDA_TASK_ROOT: '/var/task',
    })
  })

  test('always has our own runtime API', () => {
    expect(runtime({ AWS_LAMBDA_RUNTIME_API: 'elsewhere:1' })).toEqual(defaults)
  })

  const handlers: [string, string[], Record<string, string>, Record<string, string>][] = [
    ['is absent where nothing gives one', ['cmd'], {}, {}],
    ['stays empty where it was set so', ['cmd'], { _HANDLER: '' }, { _HANDLER: '' }],
    ['is the last argument', ['cmd', 'a.b'], {}, { _HANDLER: 'a.b' }],
    ['is what --handler says', ['--handler', 'c.d', 'cmd', 'a.b'], { _HANDLER: 'e.f' }, { _HANDLER: 'c.d' }],
  ]
  test.each(handlers)('_HANDLER %s', (_title, argv, env, expected) => {
    expect(runtime(env, argv)).toEqual({ ...defaults, ...expected })
  })

  test('is a new object each time and leaves the configuration alone', () => {
    const once = config({ A: '1' })
    runtimeEnvironment(once, api).A = '2'
    expect(runtimeEnvironment(once, api)).toEqual({ ...defaults, A: '1' })
  })
})

describe('the environment of extensions', () => {
  const {
    AWS_LAMBDA_LOG_GROUP_NAME,
    AWS_LAMBDA_LOG_STREAM_NAME,
    LAMBDA_RUNTIME_DIR,
    LAMBDA_TASK_ROOT,
    ...kept
  } = defaults

  test('is that of the runtime less what is about the runtime', () => {
    const env = {
      PATH: '/bin',
      EMPTY: '',
      OPTIONS: 'a=b',
      AWS_SESSION_TOKEN: 'token',
      AWS_XRAYS: 'similar',
      LAMBDA_TASK_ROOT_2: 'similar',
      X_AWS_EXECUTION_ENV: 'similar',
    }
    const dropped = {
      AWS_EXECUTION_ENV: 'AWS_Lambda_x',
      AWS_LAMBDA_LOG_GROUP_NAME,
      AWS_LAMBDA_LOG_STREAM_NAME,
      LAMBDA_RUNTIME_DIR,
      LAMBDA_TASK_ROOT,
      AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
      AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000',
      _AWS_XRAY_DAEMON_PORT: '2000',
      _HANDLER: 'a.b',
      _: '/bin/env',
    }
    expect(extensionEnvironment(config({ ...env, ...dropped }, ['cmd', 'a.b']), api)).toEqual({
      ...kept,
      ...env,
    })
  })

  test('never has a handler from the command line', () => {
    expect(extensionEnvironment(config({}, ['cmd', 'a.b']), api)).toEqual(kept)
  })
})

describe('the address that children are given', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1:9001'],
    ['0.0.0.0', '127.0.0.1:9001'],
    ['::', '[::1]:9001'],
    ['::1', '[::1]:9001'],
    ['localhost', 'localhost:9001'],
    ['169.254.100.1', '169.254.100.1:9001'],
  ])('for a listener on %s is %s', (hostname, address) => {
    expect(childAddress({ hostname, port: 9001 })).toBe(address)
  })
})
