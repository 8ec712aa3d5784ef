import { afterAll, describe, expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type SystemConfig } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { systemProbe } from '../../src/process/bootstrap.ts'

const folder = mkdtempSync(join(tmpdir(), 'functions-'))
mkdirSync(join(folder, 'app/layer'), { recursive: true })
afterAll(() => rmSync(folder, { recursive: true }))

const probe = { ...systemProbe, cwd: () => folder }

function read(
  functions: object,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): SystemConfig {
  writeFileSync(join(folder, 'f.json'), JSON.stringify({ functions }, null, 1))
  const parsed = parseConfig(['--functions', 'f.json', ...flags], env, probe)
  if (!('functions' in parsed)) throw new Error('expected several functions')
  return parsed
}

function mistakes(functions: object, flags: readonly string[] = []): string[] {
  try {
    read(functions, flags)
  } catch (error) {
    if (error instanceof ConfigError)
      return error.message.split('\n').map((line) => line.replace(/^f\.json:\d+: /, ''))
    throw error
  }
  return []
}

const one = { handler: 'index.handler' }

describe('a file of functions', () => {
  test('says all that an option can', () => {
    const { functions } = read({
      full: {
        command: ['python3', '-m', 'awslambdaric'],
        handler: 'app.main',
        cwd: 'app',
        environment: { A: 'x', B: 2, C: false },
        timeout: 3,
        memorySize: 128,
        version: '7',
        maxEnvironments: 4,
        maxQueue: 0,
        initTimeout: 0,
        extensionsDir: 'app',
        layers: ['app/layer'],
        functionUrl: {
          address: '127.0.0.1:3001',
          invokeMode: 'RESPONSE_STREAM',
          cors: { AllowOrigins: ['*'] },
        },
        durable: { executionTimeout: 60, retentionDays: 2, retryDelays: [0, 0.5] },
        async: { maxRetries: 1, maxAge: 60, retryDelays: [0.5], onSuccess: 'file:ok', onFailure: 'other' },
        logFormat: 'JSON',
        logLevel: 'DEBUG',
      },
      other: one,
    })
    const [full, other] = functions as [SystemConfig['functions'][0], SystemConfig['functions'][0]]
    expect(full).toMatchObject({
      name: 'full',
      launch: { kind: 'command', argv: ['python3', '-m', 'awslambdaric'], cwd: join(folder, 'app') },
      handler: 'app.main',
      timeoutMs: 3000,
      memorySize: '128',
      version: '7',
      maxEnvironments: 4,
      maxQueue: 0,
      initTimeoutMs: 0,
      extensionsDirectory: join(folder, 'app'),
      layers: [join(folder, 'app/layer')],
      url: { address: { hostname: '127.0.0.1', port: 3001 }, path: null, invokeMode: 'RESPONSE_STREAM' },
      async: {
        maxRetries: 1,
        maxAgeMs: 60_000,
        retryDelaysMs: [500],
        onSuccess: { kind: 'file', path: join(folder, 'ok') },
        onFailure: { kind: 'function', name: 'other' },
      },
      durable: {
        executionTimeoutSeconds: 60,
        retentionDays: 2,
        policy: { retryDelaysMs: [0, 500], skipTime: false },
      },
      logFormat: 'JSON',
      applicationLogLevel: 'DEBUG',
      taskRoot: join(folder, 'app'),
    })
    expect(full.environment).toMatchObject({
      A: 'x',
      B: '2',
      C: 'false',
      AWS_LAMBDA_FUNCTION_NAME: 'full',
      LAMBDA_TASK_ROOT: join(folder, 'app'),
      AWS_LAMBDA_LOG_FORMAT: 'JSON',
    })
    expect(other).toMatchObject({
      name: 'other',
      launch: { kind: 'handler', handler: 'index.handler', cwd: folder },
      timeoutMs: 300_000,
      url: null,
    })
  })

  test('leaves to the flags and variables what it does not say', () => {
    const env = {
      AWS_LAMBDA_FUNCTION_NAME: 'outer',
      _HANDLER: 'outer.handler',
      AWS_REGION: 'eu-west-3',
      LAMBDA_TASK_ROOT: '/outer',
    }
    const flags = [
      '--timeout',
      '9',
      '--on-failure',
      'file:dead',
      '--env',
      'X=1',
      '--function-url-address',
      ':3000',
    ]
    const { functions } = read(
      { a: { command: ['x'], timeout: 3 }, b: one, c: { ...one, functionUrl: { path: '/c' } } },
      flags,
      env,
    )
    const seen = functions.map(({ name, timeoutMs, handler, region, environment, url, async: events }) => [
      name,
      timeoutMs,
      handler,
      region,
      environment.X,
      environment.AWS_LAMBDA_FUNCTION_NAME,
      environment.LAMBDA_TASK_ROOT,
      url === null ? null : [url.address.port, url.path],
      events.onFailure,
    ])
    const dead = { kind: 'file', path: join(folder, 'dead') }
    expect(seen as unknown).toEqual([
      ['a', 3000, undefined, 'eu-west-3', '1', 'a', folder, null, dead],
      ['b', 9000, 'index.handler', 'eu-west-3', '1', 'b', folder, null, dead],
      ['c', 9000, 'index.handler', 'eu-west-3', '1', 'c', folder, [3000, '/c'], dead],
    ])
  })

  test('is JSON or YAML, and says the same in both', () => {
    writeFileSync(
      join(folder, 'f.yaml'),
      'functions:\n  a:\n    handler: index.handler\n    environment: { N: 1 }\n',
    )
    const parsed = parseConfig(['--functions', 'f.yaml'], {}, probe) as SystemConfig
    expect(parsed.functions).toEqual(read({ a: { ...one, environment: { N: 1 } } }).functions)
  })

  test('may be named by the variable', () => {
    read({ a: one })
    const parsed = parseConfig([], { AWS_LAMBDA_RIE_FUNCTIONS: 'f.json' }, probe) as SystemConfig
    expect(parsed.functions.map(({ name }) => name)).toEqual(['a'])
  })
})

test.each([
  ['no function', {}, ['functions has no function']],
  ['a name that is none', { 'a b': one }, ['functions.a b must be 1 to 64 letters, digits, - and _']],
  [
    'nothing to run',
    { a: {} },
    ['functions.a has nothing to run: give it a command, or a handler as index.handler'],
  ],
  ['no object', { a: 'x' }, ['functions.a must be an object, and is "x"']],
  ['an empty command', { a: { command: [] } }, ['functions.a.command must name a program']],
  [
    'a handler without an export',
    { a: { handler: 'index' } },
    ['functions.a.handler is "index"; allowed is file.export, as index.handler'],
  ],
  ['a time-out of none', { a: { ...one, timeout: 0 } }, ['functions.a.timeout must be 1 or more']],
  ['a fraction', { a: { ...one, memorySize: 1.5 } }, ['functions.a.memorySize must be a whole number']],
  [
    'a variable that is a list',
    { a: { ...one, environment: { X: [1] } } },
    ['functions.a.environment.X must be a text or a number or true or false, and is Array'],
  ],
  [
    'a folder that is not there',
    { a: { ...one, cwd: 'nowhere' } },
    [`functions.a.cwd is "${folder}/nowhere"; there is no such folder`],
  ],
  [
    'a layer that is not there',
    { a: { ...one, layers: ['app', 'x'] } },
    [`functions.a.layers.1 is "${folder}/x"; there is no such folder`],
  ],
  [
    'an address and a path',
    { a: { ...one, functionUrl: { address: ':1', path: '/a' } } },
    ['functions.a.functionUrl has an address or a path, not both'],
  ],
  [
    'an address that is none',
    { a: { ...one, functionUrl: { address: 'x' } } },
    [
      'functions.a.functionUrl.address is "x"; allowed is true, false or host:port with a port from 0 to 65535 (as 127.0.0.1:9001, [::1]:9001 or :9001)',
    ],
  ],
  [
    'a path without an address of all',
    { a: { ...one, functionUrl: { path: '/a' } } },
    ['functions.a.functionUrl.path is a path on --function-url-address, which is not given'],
  ],
  [
    'itself as a destination',
    { a: { ...one, async: { onFailure: 'a' } } },
    [
      'functions.a.async.onFailure is "a"; there is no other function of this name here. A file is file:PATH, an address begins with http:// or https://',
    ],
  ],
  [
    'a key of the flags',
    { a: { ...one, 'max-queue': 1 } },
    ['functions.a.max-queue is not known; the nearest one is maxQueue'],
  ],
  [
    'names that would be lost',
    { constructor: one, a: { ...one, environment: { prototype: 'x', A: '1' } } },
    [
      'functions.constructor cannot have this name here',
      'functions.a.environment.prototype cannot have this name here',
    ],
  ],
  [
    'a key of nothing',
    { a: { ...one, async: { zzz: 1 } } },
    ['functions.a.async.zzz is not known; allowed: maxRetries, maxAge, retryDelays, onSuccess, onFailure'],
  ],
])('a file with %s is refused', (_, functions, says) => {
  expect(mistakes(functions)).toEqual(says)
})

test('two functions have no path in common', () => {
  const url = { ...one, functionUrl: { path: '/a' } }
  expect(mistakes({ a: url, b: url }, ['--function-url-address', ':0'])).toEqual([
    'functions.b.functionUrl.path is that of a too',
  ])
})

test('flags of a template are for a template', () => {
  const parse = (flags: readonly string[]) => () => parseConfig(flags, {}, probe)
  read({ a: one })
  expect(parse(['--env-vars', 'x.json', 'cmd'])).toThrow('--env-vars is for --template')
  expect(parse(['--functions', 'f.json', '--parameter-overrides', 'A=1'])).toThrow(
    '--parameter-overrides is for --template',
  )
  expect(parse(['--functions', 'f.json', '--template', 't.yaml'])).toThrow(
    '--functions and --template both say what runs',
  )
})
