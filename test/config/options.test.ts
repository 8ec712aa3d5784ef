import { describe, expect, test } from 'bun:test'
import { version } from '../../package.json'
import {
  type Config,
  ConfigError,
  type EmulatorConfig,
  type FunctionConfig,
} from '../../src/config/config.ts'
import { ownOptions, sharedOptions, variableOptions } from '../../src/config/options.ts'
import { type Notice, parseConfig } from '../../src/config/parse.ts'
import type { Probe } from '../../src/process/bootstrap.ts'

const probe: Probe = { cwd: () => '/cwd', look: (path) => (path.startsWith('/e') ? 'directory' : 'missing') }

const parse = (argv: readonly string[], env: Record<string, string> = {}): Config | Notice =>
  parseConfig(argv, env, probe) as Config | Notice

type Field = keyof EmulatorConfig | Exclude<keyof FunctionConfig, 'environment'>

/** All fields in one object; their names do not collide. */
const flat = (argv: readonly string[], env: Record<string, string> = {}): Record<string, unknown> => {
  const config = parse(argv, env) as Config
  const { environment, ...ofFunction } = config.function
  return { ...config.emulator, ...ofFunction, warnings: config.warnings }
}

/** What these settings change in the configuration that nothing but a command gives. */
const changes = (argv: readonly string[], env: Record<string, string> = {}) => {
  const before = flat(['cmd'])
  return Object.fromEntries(
    Object.entries(flat(argv, env)).filter(([name, value]) => !Bun.deepEquals(value, before[name])),
  )
}

const defaultOf = (field: Field) => ({ [field]: flat(['cmd'])[field] })

const failure = (argv: readonly string[], env: Record<string, string> = {}) => {
  try {
    parse(argv, env)
  } catch (error) {
    if (error instanceof ConfigError) return { message: error.message, exitCode: error.exitCode }
    throw error
  }
  return undefined
}

const help = (parse(['--help']) as Notice).text

describe('help and version', () => {
  test.each([['--help'], ['-h']])(
    '%s before the command gives the usage, even beside a wrong value',
    (flag) => {
      expect(parse(['--dialect', 'klingon', flag, 'cmd'])).toEqual({ kind: 'help', text: help })
    },
  )

  test('the usage says how to call the program, and of each option its names, value, default and meaning', () => {
    expect(help).toStartWith('Usage: aws-lambda-rie [option]... [--] [command [argument]...]\n')
    expect(help).toContain(`
  --max-queue, AWS_LAMBDA_RIE_MAX_QUEUE <count> (default 1000)
      how many invocations may wait for an environment; 0 throttles at once
`)
    expect(help).toContain(`
  --eager-init, AWS_LAMBDA_RIE_EAGER_INIT (default off)
`)
    expect(help).toContain(`
  AWS_REGION, AWS_DEFAULT_REGION <name> (default us-east-1)
`)
  })

  test('--version gives the name and the version', () => {
    expect(parse(['--version'])).toEqual({
      kind: 'version',
      text: `aws-lambda-rie ${version}\n`,
    })
  })

  test.each([['--help'], ['-h'], ['--version']])(
    '%s after the command is an argument of the command',
    (flag) => {
      expect(parse(['cmd', flag])).toHaveProperty('function.launch.argv', ['cmd', flag])
    },
  )

  test('the usage has every flag, every variable and every default', () => {
    const options = Object.values({ ...sharedOptions, ...ownOptions, ...variableOptions })
    const missing = options.flatMap((option) =>
      [...('flag' in option ? [option.flag] : []), ...option.variables, option.fallback, option.help].filter(
        (text) => !help.includes(text),
      ),
    )
    expect(missing).toEqual([])
  })
})

type Setting = readonly [Field, flag: string | null, variable: string | null, values: Record<string, unknown>]

const settings: readonly Setting[] = [
  ['logLevel', '--log-level', 'LOG_LEVEL', { panic: 'fatal', FATAL: 'fatal', Error: 'error', warn: 'warn' }],
  ['logLevel', '--log-level', 'LOG_LEVEL', { warning: 'warn', info: 'info', DEBUG: 'debug', trace: 'trace' }],
  ['dialect', '--dialect', 'AWS_LAMBDA_RIE_DIALECT', { auto: 'auto', rie: 'rie', Lambda: 'lambda' }],
  ['initTimeoutMs', '--init-timeout', 'AWS_LAMBDA_RIE_INIT_TIMEOUT', { 0: 0, 1: 1000, 2147483: 2147483000 }],
  ['drainMs', '--drain-seconds', 'AWS_LAMBDA_RIE_DRAIN_SECONDS', { 0: 0, 2147483: 2147483000 }],
  ['maxEnvironments', '--max-environments', 'AWS_LAMBDA_RIE_MAX_ENVIRONMENTS', { 1: 1, 1000: 1000 }],
  ['maxQueue', '--max-queue', 'AWS_LAMBDA_RIE_MAX_QUEUE', { 0: 0, 2147483647: 2147483647 }],
  ['recycleAfter', '--recycle-after', 'AWS_LAMBDA_RIE_RECYCLE_AFTER', { 0: 0, 1: 1, 2147483647: 2147483647 }],
  ['environmentTtlMs', '--environment-ttl', 'AWS_LAMBDA_RIE_ENVIRONMENT_TTL', { 0: 0, 2147483: 2147483000 }],
  [
    'extensionsDirectory',
    '--extensions-dir',
    'AWS_LAMBDA_RIE_EXTENSIONS_DIR',
    { '/e x': '/e x', '/e=b': '/e=b' },
  ],
  ['handler', '--handler', 'AWS_LAMBDA_FUNCTION_HANDLER', { 'a.b': 'a.b', 'com.x::y': 'com.x::y' }],
  ['timeoutMs', '--timeout', 'AWS_LAMBDA_FUNCTION_TIMEOUT', { 1: 1000, '03': 3000, 2147483: 2147483000 }],
  ['name', '--name', 'AWS_LAMBDA_FUNCTION_NAME', { thumbs: 'thumbs' }],
  ['version', null, 'AWS_LAMBDA_FUNCTION_VERSION', { 7: '7' }],
  [
    'memorySize',
    '--memory-size',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    { 1: '1', '0128': '0128', 10240: '10240' },
  ],
  ['accountId', null, 'AWS_ACCOUNT_ID', { '000000000000': '000000000000' }],
  ['availabilityZoneId', null, 'AWS_LAMBDA_RIE_AVAILABILITY_ZONE_ID', { 'euc1-az2': 'euc1-az2' }],
  ['region', null, 'AWS_REGION', { 'eu-central-1': 'eu-central-1' }],
  ['region', null, 'AWS_DEFAULT_REGION', { 'eu-west-1': 'eu-west-1' }],
  [
    'gateway',
    '--runtime-interface-emulator-address',
    'AWS_LAMBDA_RIE_ADDRESS',
    { 'h-1.x:1': { hostname: 'h-1.x', port: 1 } },
  ],
  ['extensionsOff', null, 'AWS_LAMBDA_RIE_DISABLE_EXTENSIONS', { 1: 'AWS_LAMBDA_RIE_DISABLE_EXTENSIONS' }],
]

const accepted = settings.flatMap(([field, flag, variable, values]) =>
  Object.entries(values).map(([text, value]) => ({ field, flag, variable, text, value })),
)

describe('values that are accepted', () => {
  const withVariable = accepted.filter(({ variable }) => variable !== null)
  test.each(withVariable)(
    'the variable $variable as $text sets $field',
    ({ field, variable, text, value }) => {
      const env = { [variable!]: text }
      expect({ ...defaultOf(field), ...changes(['cmd'], env) }).toEqual({ [field]: value })
    },
  )

  const withFlag = accepted.filter(({ flag }) => flag !== null)
  test.each(withFlag)('the flag $flag with $text sets $field', ({ field, flag, text, value }) => {
    expect({ ...defaultOf(field), ...changes([flag!, text, 'cmd']) }).toEqual({ [field]: value })
    expect({ ...defaultOf(field), ...changes([`${flag}=${text}`, 'cmd']) }).toEqual({ [field]: value })
  })

  test.each([
    ['on', true],
    ['TRUE', true],
    ['yes', true],
    ['1', true],
    ['off', false],
    ['false', false],
    ['no', false],
    ['0', false],
  ])('AWS_LAMBDA_RIE_EAGER_INIT=%s is %p', (text, value) => {
    expect(parse(['cmd'], { AWS_LAMBDA_RIE_EAGER_INIT: text })).toHaveProperty('emulator.eagerInit', value)
  })

  test('--eager-init is a switch that beats its variable', () => {
    expect(parse(['--eager-init', 'cmd'], { AWS_LAMBDA_RIE_EAGER_INIT: 'off' })).toHaveProperty(
      'emulator.eagerInit',
      true,
    )
  })

  test.each([
    [':9000', { hostname: '', port: 9000 }],
    ['0.0.0.0:0', { hostname: '0.0.0.0', port: 0 }],
    ['[::1]:0', { hostname: '::1', port: 0 }],
    ['[::]:8080', { hostname: '::', port: 8080 }],
    ['[fe80::1%eth0]:1', { hostname: 'fe80::1%eth0', port: 1 }],
    ['[::ffff:127.0.0.1]:1', { hostname: '::ffff:127.0.0.1', port: 1 }],
    ['localhost:65535', { hostname: 'localhost', port: 65535 }],
  ])('the address %s is understood', (text, value) => {
    expect(parse(['--runtime-api-address', text, 'cmd'])).toHaveProperty('emulator.runtimeApi', value)
    expect(parse([`--runtime-interface-emulator-address=${text}`, 'cmd'])).toHaveProperty(
      'emulator.gateway',
      value,
    )
  })

  test('a flag beats its variable, a variable beats the default', () => {
    const env = { AWS_LAMBDA_RIE_MAX_QUEUE: '2' }
    expect(parse(['cmd'], env)).toHaveProperty('function.maxQueue', 2)
    expect(parse(['--max-queue', '3', 'cmd'], env)).toHaveProperty('function.maxQueue', 3)
  })

  test('AWS_REGION beats AWS_DEFAULT_REGION unless it is empty', () => {
    expect(parse(['cmd'], { AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' })).toHaveProperty(
      'function.region',
      'a',
    )
    expect(parse(['cmd'], { AWS_REGION: '', AWS_DEFAULT_REGION: 'b' })).toHaveProperty('function.region', 'b')
  })
})

describe('--watch', () => {
  const watch = (argv: string[], env?: Record<string, string>) =>
    (parse([...argv, 'cmd'], env) as Config).emulator.watch

  test.each([
    [['--watch'], {}, { globs: [], poll: false, build: null }],
    [
      ['--watch=src/**/*.{ts,json}, config.json'],
      {},
      { globs: ['src/**/*.{ts,json}', 'config.json'], poll: false, build: null },
    ],
    [['--watch-poll'], {}, { globs: [], poll: true, build: null }],
    [['--watch=*.py', '--watch-poll'], {}, { globs: ['*.py'], poll: true, build: null }],
    [[], { AWS_LAMBDA_RIE_WATCH: 'on' }, { globs: [], poll: false, build: null }],
    [[], { AWS_LAMBDA_RIE_WATCH: '*.py' }, { globs: ['*.py'], poll: false, build: null }],
    [['--watch-build', 'go build .'], {}, { globs: [], poll: false, build: 'go build .' }],
    [[], { AWS_LAMBDA_RIE_WATCH_BUILD: 'make' }, { globs: [], poll: false, build: 'make' }],
    [['--watch=off'], { AWS_LAMBDA_RIE_WATCH: 'on' }, null],
    [[], { AWS_LAMBDA_RIE_WATCH: 'off' }, null],
    [[], {}, null],
  ] as const)('%j with %j', (argv, env, expected) => {
    expect(watch([...argv], env)).toEqual(expected)
  })

  test('takes no value but behind =', () => {
    expect(parse(['--watch', '*.ts'])).toHaveProperty('function.launch.argv', ['*.ts'])
    expect(failure(['--watch-poll=1', 'cmd'])?.message).toBe('--watch-poll takes no value')
  })

  test.each([['--watch='], ['--watch=a,,b']])('%s is wrong', (argument) => {
    expect(failure([argument, 'cmd'])).toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('allowed is'),
    })
  })
})

describe('--attach', () => {
  test('starts nothing, and init has no limit', () => {
    const { launch, initTimeoutMs } = (parse(['--attach']) as Config).function
    expect({ launch, initTimeoutMs }).toMatchObject({ launch: { kind: 'attach' }, initTimeoutMs: 0 })
  })

  test.each([
    [['--attach', 'python3', 'app.py'], '--attach starts no runtime, so "python3" would not run'],
    [['--attach', '--max-environments', '2'], '--attach has one environment'],
  ] as const)('%j is wrong', (argv, message) => {
    expect(failure(argv)).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) })
  })
})

test('--debug takes the limits off, whatever they are', () => {
  const argv = ['--debug', '--timeout', '3', '--init-timeout', '5', 'cmd']
  const { timeoutMs, initTimeoutMs } = (parse(argv) as Config).function
  expect({ timeoutMs, initTimeoutMs }).toEqual({ timeoutMs: 86_400_000, initTimeoutMs: 0 })
})

const whole = (range: string) => `a whole number from ${range}`
const seconds = [' ', '-1', '1.5', '1e3', '+5', 'abc', '2147484', '99999999999999999999']
const host = 'host:port with a port from 0 to 65535 (as 127.0.0.1:9001, [::1]:9001 or :9001)'
const addresses = [
  '8080',
  'h',
  'h:',
  'h:x',
  'h:-1',
  'h:65536',
  '::1:80',
  '[::1]',
  '[h]:1',
  '[::1',
  'http://h:1',
  'a b:1',
]
const header = 'a text of Latin-1 letters without control characters, because it is sent in a header'
const unfit = ['thumbs\u2019', 'a\nb', 'tab\t', '\ud83d\ude00', 'x\u0085', 'a\rb']
const levels = 'one of panic, fatal, error, warn, info, debug, trace, warning'
const refused: readonly [flag: string | null, variable: string | null, allowed: string, texts: string[]][] = [
  ['--timeout', 'AWS_LAMBDA_FUNCTION_TIMEOUT', whole('1 to 2147483'), ['0', ...seconds]],
  ['--init-timeout', 'AWS_LAMBDA_RIE_INIT_TIMEOUT', whole('0 to 2147483'), seconds],
  ['--drain-seconds', 'AWS_LAMBDA_RIE_DRAIN_SECONDS', whole('0 to 2147483'), seconds],
  ['--environment-ttl', 'AWS_LAMBDA_RIE_ENVIRONMENT_TTL', whole('0 to 2147483'), seconds],
  ['--max-environments', 'AWS_LAMBDA_RIE_MAX_ENVIRONMENTS', whole('0 to 1000'), ['1001', '-1', '1.5', 'x']],
  ['--max-queue', 'AWS_LAMBDA_RIE_MAX_QUEUE', whole('0 to 2147483647'), ['2147483648', '-1', '0.5']],
  ['--recycle-after', 'AWS_LAMBDA_RIE_RECYCLE_AFTER', whole('0 to 2147483647'), ['-1', '1.5', 'x']],
  ['--dialect', 'AWS_LAMBDA_RIE_DIALECT', 'one of auto, rie, lambda', ['aws', 'constructor', ' rie']],
  ['--log-level', null, levels, ['verbose', 'silent', '3', '__proto__']],
  [null, 'AWS_LAMBDA_RIE_EAGER_INIT', 'one of 0, 1, on, true, yes, off, false, no', ['2', 'y']],
  ['--memory-size', null, 'a whole number greater than 0', ['0', '-1', '1.5', '128MB', '1\n']],
  ['--name', 'AWS_LAMBDA_FUNCTION_NAME', header, unfit],
  ['--handler', '_HANDLER', `file.export, as index.handler: ${header}`, unfit],
  [null, 'AWS_LAMBDA_FUNCTION_VERSION', header, unfit],
  [null, 'AWS_REGION', header, unfit],
  ['--runtime-api-address', 'AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS', host, addresses],
  ['--runtime-interface-emulator-address', 'AWS_LAMBDA_RIE_ADDRESS', host, addresses],
]

const wrong = refused.flatMap(([flag, variable, allowed, texts]) =>
  texts.map((text) => ({ flag, variable, allowed, text })),
)

describe('the Function URL', () => {
  const address = { hostname: '127.0.0.1', port: 0 }
  const cors = {
    AllowCredentials: false,
    AllowHeaders: [],
    AllowMethods: [],
    AllowOrigins: ['*'],
    ExposeHeaders: [],
    MaxAge: 7,
  }

  test('is there when its address is given, by flag or variable', () => {
    const flags = ['--function-url-address', '127.0.0.1:0', '--function-url-invoke-mode', 'response_stream']
    expect(changes([...flags, '--function-url-cors', '{"AllowOrigins":["*"],"MaxAge":7}', 'cmd'])).toEqual({
      url: { address, path: null, invokeMode: 'RESPONSE_STREAM', cors },
    })
    const env = {
      AWS_LAMBDA_RIE_FUNCTION_URL_ADDRESS: '127.0.0.1:0',
      AWS_LAMBDA_RIE_FUNCTION_URL_INVOKE_MODE: 'Buffered',
      AWS_LAMBDA_RIE_FUNCTION_URL_CORS: '{"AllowOrigins":["*"],"MaxAge":7}',
    }
    expect(changes(['cmd'], env)).toEqual({ url: { address, path: null, invokeMode: 'BUFFERED', cors } })
    const only = { AWS_LAMBDA_RIE_FUNCTION_URL_ADDRESS: '127.0.0.1:0' }
    expect(changes(['cmd'], only)).toEqual({
      url: { address, path: null, invokeMode: 'BUFFERED', cors: null },
    })
  })

  test('is there for the sample, whose user wants to see all', () => {
    const parsed = parseConfig([], {}, probe, { sample: '/sample.handler' }) as Config
    expect(parsed.function.url).toEqual({ address, path: null, invokeMode: 'BUFFERED', cors: null })
    const other = parseConfig(['--handler', 'my.handler'], {}, probe, { sample: '/sample.handler' }) as Config
    expect(other.function.url).toBeNull()
  })

  test('with a wrong setting ends with 2, also where there is none', () => {
    expect(failure(['--function-url-address', 'here', 'cmd'])).toEqual({
      message: `--function-url-address is "here"; allowed is ${host}`,
      exitCode: 2,
    })
    expect(failure(['--function-url-invoke-mode', 'stream', 'cmd'])).toEqual({
      message: '--function-url-invoke-mode is "stream"; allowed is BUFFERED or RESPONSE_STREAM',
      exitCode: 2,
    })
    expect(failure(['cmd'], { AWS_LAMBDA_RIE_FUNCTION_URL_CORS: '{"MaxAge":-1}' })).toEqual({
      message: 'AWS_LAMBDA_RIE_FUNCTION_URL_CORS: MaxAge must be a whole number of seconds from 0 to 86400',
      exitCode: 2,
    })
  })
})

test('pages that may invoke are named by their origins', () => {
  expect(changes(['--cors', 'http://localhost:3000, *', 'cmd'])).toEqual({
    origins: ['http://localhost:3000', '*'],
  })
  expect(changes(['cmd'], { AWS_LAMBDA_RIE_CORS: 'null' })).toEqual({ origins: ['null'] })
  expect(failure(['--cors', 'localhost:3000', 'cmd'])).toEqual({
    message:
      '--cors: "localhost:3000" is no origin; allowed are origins as http://localhost:3000, *, and null for pages from files',
    exitCode: 2,
  })
})

describe('values that are refused', () => {
  const withVariable = wrong.filter(({ variable }) => variable !== null)
  test.each(withVariable)(
    'the variable $variable as $text ends with 2 and says what is allowed',
    ({ variable, allowed, text }) => {
      const message = `${variable} is ${JSON.stringify(text)}; allowed is ${allowed}`
      expect(failure(['cmd'], { [variable!]: text })).toEqual({ message, exitCode: 2 })
    },
  )

  const withFlag = wrong.filter(({ flag }) => flag !== null)
  test.each(withFlag)(
    'the flag $flag with $text ends with 2 and says what is allowed',
    ({ flag, allowed, text }) => {
      const message = `${flag} is ${JSON.stringify(text)}; allowed is ${allowed}`
      expect(failure([flag!, text, 'cmd'])).toEqual({ message, exitCode: 2 })
      expect(failure([`${flag}=${text}`, 'cmd'])).toEqual({ message, exitCode: 2 })
    },
  )

  test('a wrong variable does no harm when a flag beats it', () => {
    expect(parse(['--max-queue', '3', 'cmd'], { AWS_LAMBDA_RIE_MAX_QUEUE: 'x' })).toHaveProperty(
      'function.maxQueue',
      3,
    )
  })

  test.each([
    [['--max-queue']],
    [['--max-queue', '--eager-init', 'cmd']],
    [['--max-queue', '--', 'cmd']],
    [['--max-queue=', 'cmd']],
    [['--max-queue', '', 'cmd']],
  ])('%p lacks a value', (argv) => {
    const message = '--max-queue needs a value; allowed is a whole number from 0 to 2147483647'
    expect(failure(argv)).toEqual({ message, exitCode: 2 })
  })

  test.each([[['cmd', '--runtime-api-address']], [['cmd', '--runtime-api-address', '-x']]])(
    '%p lacks a value after the command, where it is wrong too',
    (argv) => {
      const message = `--runtime-api-address needs a value; allowed is ${host}`
      expect(failure(argv)).toEqual({ message, exitCode: 2 })
    },
  )

  test.each([
    ['--eager-init=on', '--eager-init'],
    ['--enable-init-caching=x', '--enable-init-caching'],
  ])('%s is refused, a switch has no value', (argument, name) => {
    expect(failure([argument, 'cmd'])).toEqual({ message: `${name} takes no value`, exitCode: 2 })
  })

  test.each([
    ['--max-enviroments', 'the nearest one is --max-environments'],
    ['--loglevel=debug', 'the nearest one is --log-level'],
    ['--runtime-address', 'the nearest one is --runtime-api-address'],
    ['-log-level', 'the nearest one is --log-level'],
    ['--versoin', 'the nearest one is --version'],
    ['--nmae', 'the nearest one is --name'],
    ['--function-url', 'the nearest one is --function-url-address'],
    ['-x', '--help lists all'],
    ['--foo', '--help lists all'],
    ['--runtime', '--help lists all'],
    ['--port', 'here it is --runtime-interface-emulator-address :PORT'],
    ['-p', 'here it is --runtime-interface-emulator-address :PORT'],
    ['-t', 'here it is --timeout SECONDS'],
    ['-v', 'here it is --version, or --log-level debug'],
    ['--reload', 'here it is --watch'],
    ['--no-watch', 'here it is --watch=off'],
    ['--console', 'here it is there without an option, at /_rie/; --no-console removes it'],
    [
      '--debug-port',
      'here it is --inspect=PORT with --handler, else --debug and the debugger of your runtime',
    ],
    ['--stage', '--help lists all'],
  ])('the unknown option %s is named, and beside it: %s', (argument, advice) => {
    const message = `unknown option ${argument.replace(/=.*/, '')}; ${advice}`
    expect(failure([argument, 'cmd'])).toEqual({ message, exitCode: 2 })
  })

  test('a value that was forgotten is told before there is nothing to run', () => {
    const message = '--max-environments is "./bootstrap"; allowed is a whole number from 0 to 1000'
    expect(failure(['--max-environments', './bootstrap'])).toEqual({ message, exitCode: 2 })
  })
})
