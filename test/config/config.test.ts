import { describe, expect, test } from 'bun:test'
import {
  type Config,
  ConfigError,
  type EmulatorConfig,
  type FunctionConfig,
} from '../../src/config/config.ts'
import { ownOptions, sharedOptions, variableOptions } from '../../src/config/options.ts'
import { parseConfig } from '../../src/config/parse.ts'
import type { Entry, Probe } from '../../src/process/bootstrap.ts'

const probe = (entries: Readonly<Record<string, Entry>> = {}): Probe => ({
  cwd: () => '/cwd',
  look: (path) => entries[path] ?? 'missing',
})

const parse = (
  argv: readonly string[],
  env: Record<string, string | undefined> = {},
  facts = probe(),
): Config => {
  const parsed = parseConfig(argv, env, facts)
  if (!('function' in parsed)) throw new Error('expected the configuration of one function')
  return parsed
}

const failure = (argv: readonly string[], env: Record<string, string> = {}, facts = probe()) => {
  try {
    parseConfig(argv, env, facts)
  } catch (error) {
    if (error instanceof ConfigError) return { message: error.message, exitCode: error.exitCode }
    throw error
  }
  return undefined
}

const emulator: EmulatorConfig = {
  gateway: { hostname: '', port: 8080 },
  runtimeApi: { hostname: 'localhost', port: 9001 },
  anyRuntimeApi: true,
  logLevel: 'info',
  dialect: 'auto',
  drainMs: 5_000,
  origins: [],
  eagerInit: false,
  exitOnCrash: false,
  debug: false,
  console: { anywhere: false },
  durableStore: null,
  report: null,
  portable: false,
  watch: null,
}

const ofFunction: FunctionConfig = {
  name: 'test_function',
  aliases: [],
  version: '$LATEST',
  accountId: '012345678912',
  availabilityZoneId: 'use1-az1',
  region: 'us-east-1',
  launch: { kind: 'command', argv: ['cmd'], cwd: '/cwd' },
  handler: undefined,
  inspect: null,
  timeoutMs: 300_000,
  initTimeoutMs: 10_000,
  snapStart: null,
  url: null,
  memorySize: '3008',
  maxConcurrency: null,
  maxEnvironments: 1,
  maxQueue: 1000,
  environmentTtlMs: 60_000,
  async: {
    maxRetries: 2,
    maxAgeMs: 21_600_000,
    retryDelaysMs: [60_000, 120_000],
    onSuccess: null,
    onFailure: null,
  },
  durable: null,
  recycleAfter: 0,
  logFormat: 'Text',
  applicationLogLevel: 'INFO',
  systemLogLevel: 'INFO',
  logFd: true,
  extensionsDirectory: '/opt/extensions',
  layers: [],
  namesUrls: false,
  extensionsOff: undefined,
  taskRoot: '/cwd',
  environment: {},
}

/** The configuration of a command alone, but for these fields. */
function expected(changes: {
  readonly emulator?: Partial<EmulatorConfig>
  readonly function?: Partial<FunctionConfig>
  readonly warnings?: readonly string[]
}): Config {
  return {
    emulator: { ...emulator, ...changes.emulator },
    function: { ...ofFunction, ...changes.function },
    warnings: changes.warnings ?? [],
  }
}

describe('defaults', () => {
  test('a command alone gets all defaults and its own directory', () => {
    expect(parse(['cmd'])).toEqual(expected({}))
  })

  test('an empty variable counts as absent, and is passed on', () => {
    const options = Object.values({ ...sharedOptions, ...ownOptions, ...variableOptions })
    const empty = Object.fromEntries(options.flatMap((option) => option.variables.map((name) => [name, ''])))
    // but for the one that says by its presence how a runtime is to run
    const { AWS_LAMBDA_MAX_CONCURRENCY: _, ...told } = empty
    expect(parse(['cmd'], empty)).toEqual(expected({ function: { environment: told } }))
  })

  test('what is undefined in the environment is not inherited', () => {
    expect(parse(['cmd'], { A: undefined, B: '', C: 'x=y' })).toEqual(
      expected({ function: { environment: { B: '', C: 'x=y' } } }),
    )
  })

  test('the task root is /var/task where that is a directory', () => {
    expect(parse(['cmd'], {}, probe({ '/var/task': 'directory' })).function.taskRoot).toBe('/var/task')
    expect(parse(['cmd'], {}, probe({ '/var/task': 'executable' })).function.taskRoot).toBe('/cwd')
  })
})

describe('the command line', () => {
  const commands: [string, string[], string[], string | undefined][] = [
    ['one argument is the command, without a handler', ['cmd'], ['cmd'], undefined],
    ['the last of several is the handler and stays an argument', ['cmd', 'a', 'z'], ['cmd', 'a', 'z'], 'z'],
    [
      'an option of the command can be the last, and so the handler',
      ['cmd', '--foo'],
      ['cmd', '--foo'],
      '--foo',
    ],
    [
      'flags of ours after the command are its own',
      ['cmd', '--max-queue', '1'],
      ['cmd', '--max-queue', '1'],
      '1',
    ],
    [
      'a flag of the reference after the command is taken out',
      ['cmd', 'a.b', '--log-level', 'info'],
      ['cmd', 'a.b'],
      'a.b',
    ],
    [
      'also with = and in the middle',
      ['cmd', '--runtime-api-address=127.0.0.1:9001', 'z'],
      ['cmd', 'z'],
      'z',
    ],
    ['-- before the command is taken out', ['--', '--cmd', 'a'], ['--cmd', 'a'], 'a'],
    ['nothing is an option after --', ['--', 'cmd', '--log-level', 'x'], ['cmd', '--log-level', 'x'], 'x'],
    [
      '-- after the command stays, and ends the options',
      ['cmd', '--', '--log-level'],
      ['cmd', '--', '--log-level'],
      '--log-level',
    ],
    ['only the first -- is taken out', ['--', '--', 'z'], ['--', 'z'], 'z'],
    ['a dash alone is a command', ['-'], ['-'], undefined],
    ['a negative number is a command', ['-1'], ['-1'], undefined],
    ['an empty argument stays', ['cmd', ''], ['cmd', ''], ''],
  ]
  test.each(commands)('%s', (_title, argv, command, handler) => {
    expect(parse(argv)).toEqual(
      expected({
        emulator: argv.some((word) => word.startsWith('--runtime-api-address='))
          ? { anyRuntimeApi: false, runtimeApi: { hostname: '127.0.0.1', port: 9001 } }
          : {},
        function: {
          launch: { kind: 'command', argv: command as [string, ...string[]], cwd: '/cwd' },
          handler,
        },
      }),
    )
  })

  test('all four flags of the reference work after the command', () => {
    const argv = [
      'cmd',
      'main.f',
      '--runtime-interface-emulator-address',
      '127.0.0.1:1',
      '--enable-init-caching',
    ]
    expect(parse([...argv, '--runtime-api-address=127.0.0.1:2', '--log-level', 'debug'])).toEqual({
      ...parse(['cmd', 'main.f', '--enable-init-caching']),
      emulator: {
        ...emulator,
        eagerInit: true,
        gateway: { hostname: '127.0.0.1', port: 1 },
        runtimeApi: { hostname: '127.0.0.1', port: 2 },
        anyRuntimeApi: false,
        logLevel: 'debug',
      },
    })
  })

  test.each([['--help=1'], ['--version=1'], ['--eager-init=on'], ['--enable-init-caching=x']])(
    '%s is refused, since it takes no value',
    (argument) => {
      const [name] = argument.split('=')
      expect(failure([argument, 'cmd'])).toEqual({ message: `${name} takes no value`, exitCode: 2 })
    },
  )

  test('of a repeated flag the last counts, wherever it is', () => {
    expect(parse(['--max-queue', '1', '--max-queue=2', 'cmd']).function.maxQueue).toBe(2)
    expect(parse(['--log-level', 'debug', 'cmd', '--log-level', 'trace']).emulator.logLevel).toBe('trace')
  })

  test('an empty --log-level falls back to LOG_LEVEL, as with the reference', () => {
    expect(parse(['--log-level', '', 'cmd'], { LOG_LEVEL: 'debug' }).emulator.logLevel).toBe('debug')
    expect(parse(['--log-level=error', '--log-level=', 'cmd']).emulator.logLevel).toBe('info')
  })

  test('double quotes around a value of the reference are taken off, as the reference does', () => {
    expect(parse(['--log-level="debug"', 'cmd']).emulator.logLevel).toBe('debug')
    expect(parse(['--runtime-api-address', '":1"', 'cmd']).emulator.runtimeApi).toEqual({
      hostname: '',
      port: 1,
    })
  })
})

describe('the handler', () => {
  const both = { AWS_LAMBDA_FUNCTION_HANDLER: 'function.handler', _HANDLER: 'underscore.handler' }
  const cases: [string, string[], Record<string, string>, string | undefined][] = [
    ['--handler beats all', ['--handler', 'flag.handler', 'cmd', 'z'], both, 'flag.handler'],
    ['AWS_LAMBDA_FUNCTION_HANDLER beats _HANDLER', ['cmd', 'z'], both, 'function.handler'],
    [
      '_HANDLER beats the last argument',
      ['cmd', 'z'],
      { ...both, AWS_LAMBDA_FUNCTION_HANDLER: '' },
      'underscore.handler',
    ],
    ['the last argument beats an empty _HANDLER', ['cmd', 'z'], { _HANDLER: '' }, 'z'],
    ['an empty _HANDLER alone is none', ['cmd'], { _HANDLER: '' }, undefined],
  ]
  test.each(cases)('%s', (_title, argv, env, handler) =>
    expect(parse(argv, env).function.handler).toBe(handler),
  )

  test.each([['index.handler'], ['./src/index.handler'], ['../a.b/index.default'], ['/x/y.z.w']])(
    '--handler %s without a command is what to run',
    (handler) => {
      const launch = { kind: 'handler', handler, cwd: '/cwd' } as const
      expect(parse(['--handler', handler])).toEqual(expected({ function: { launch, handler } }))
    },
  )

  test('a variable alone does not say what to run', () => {
    expect(failure([], { AWS_LAMBDA_FUNCTION_HANDLER: 'a.b' })?.message).toStartWith('nothing to run')
  })

  test.each([['index'], ['./index'], ['.handler'], ['/.handler'], ['index.'], ['a.b/c']])(
    '--handler %s without a command is wrong',
    (handler) => {
      const message = `--handler is "${handler}"; allowed is file.export, as index.handler`
      expect(failure(['--handler', handler])).toEqual({ message, exitCode: 2 })
    },
  )
})

describe('no command', () => {
  test('the first bootstrap runs in /var/task, and what was passed over is a warning', () => {
    const facts = probe({
      '/var/task': 'directory',
      '/var/task/bootstrap': 'directory',
      '/opt/bootstrap': 'not-executable',
      '/var/runtime/bootstrap': 'executable',
    })
    expect(parse(['--'], {}, facts)).toEqual(
      expected({
        function: {
          launch: { kind: 'command', argv: ['/var/runtime/bootstrap'], cwd: '/var/task' },
          taskRoot: '/var/task',
        },
        warnings: [
          'bootstrap skipped: /var/task/bootstrap is a directory',
          'bootstrap skipped: /opt/bootstrap is not executable (chmod +x)',
        ],
      }),
    )
  })

  const advice =
    'Give a command, or --handler file.export, or put an executable file at /var/task/bootstrap. --help tells more.'
  test('nothing to run says what to do', () => {
    const message = `nothing to run: no bootstrap in /var/task, /opt or /var/runtime. ${advice}`
    expect(failure([])).toEqual({ message, exitCode: 2 })
  })

  test('nothing to run says why each bootstrap cannot run', () => {
    const reason = '/opt/bootstrap is not executable (chmod +x)'
    const message = `nothing to run: no bootstrap in /var/task, /opt or /var/runtime (${reason}). ${advice}`
    expect(failure([], {}, probe({ '/opt/bootstrap': 'not-executable' }))).toEqual({ message, exitCode: 2 })
  })

  test('a command that cannot run is no configuration error', () => {
    expect(parse(['/no/such/file']).function.launch).toEqual({
      kind: 'command',
      argv: ['/no/such/file'],
      cwd: '/cwd',
    })
  })
})

describe('SnapStart', () => {
  const type = { AWS_LAMBDA_INITIALIZATION_TYPE: 'snap-start' }
  const snapped = (over: Partial<FunctionConfig> = {}) =>
    expected({
      emulator: { eagerInit: true },
      function: {
        initTimeoutMs: 300_000,
        snapStart: { restoreTimeoutMs: 10_000 },
        environment: type,
        ...over,
      },
    })

  test('is meant by the flag of the reference, and by the variable of the service', () => {
    expect(parse(['--enable-init-caching', 'cmd'])).toEqual(snapped())
    expect(parse(['cmd'], type)).toEqual(snapped())
  })

  test('gives init 130 seconds at least, and has a limit for the restore', () => {
    const short = { AWS_LAMBDA_FUNCTION_TIMEOUT: '3', AWS_LAMBDA_RIE_RESTORE_TIMEOUT: '0', ...type }
    expect(parse(['cmd'], short)).toEqual(
      snapped({
        timeoutMs: 3000,
        initTimeoutMs: 130_000,
        snapStart: { restoreTimeoutMs: 0 },
        environment: short,
      }),
    )
    expect(parse(['--init-timeout', '5', 'cmd'], type)).toEqual(snapped({ initTimeoutMs: 5000 }))
  })

  test('is no condition for a wrong limit of the restore to be told', () => {
    expect(failure(['--restore-timeout', 'x', 'cmd'])).toEqual({
      message: '--restore-timeout is "x"; allowed is a whole number from 0 to 2147483',
      exitCode: 2,
    })
  })

  test('starts a runtime anew, which an attached one is not', () => {
    expect(failure(['--attach', '--enable-init-caching'])).toEqual({
      message: '--attach and --enable-init-caching exclude each other: nobody starts the runtime anew',
      exitCode: 2,
    })
  })
})

describe('Managed Instances', () => {
  test('are not meant by an empty AWS_LAMBDA_MAX_CONCURRENCY, which nobody is given', () => {
    expect(parse(['cmd'], { AWS_LAMBDA_MAX_CONCURRENCY: '' })).toEqual(expected({}))
  })

  const managed = {
    AWS_LAMBDA_MAX_CONCURRENCY: '16',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'lambda-managed-instances',
  }
  const json = { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'INFO' }

  test('initialise at once, within the function timeout, and log JSON', () => {
    const given = { AWS_LAMBDA_MAX_CONCURRENCY: '16', AWS_LAMBDA_FUNCTION_TIMEOUT: '20' }
    expect(parse(['cmd'], given)).toEqual(
      expected({
        emulator: { eagerInit: true },
        function: {
          maxConcurrency: 16,
          timeoutMs: 20_000,
          initTimeoutMs: 20_000,
          logFormat: 'JSON',
          environment: { AWS_LAMBDA_FUNCTION_TIMEOUT: '20', ...managed, ...json },
        },
      }),
    )
  })

  test('take a limit of init and a format of the log that are asked for', () => {
    const given = { AWS_LAMBDA_MAX_CONCURRENCY: '16', AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand' }
    expect(parse(['--init-timeout', '7', '--log-format', 'text', 'cmd'], given)).toEqual(
      expected({
        emulator: { eagerInit: true },
        function: {
          maxConcurrency: 16,
          timeoutMs: 300_000,
          initTimeoutMs: 7000,
          logFormat: 'Text',
          environment: managed,
        },
      }),
    )
  })

  test('have no SnapStart', () => {
    expect(failure(['--enable-init-caching', 'cmd'], { AWS_LAMBDA_MAX_CONCURRENCY: '2' })).toEqual({
      message:
        'AWS_LAMBDA_MAX_CONCURRENCY and --enable-init-caching exclude each other: Managed Instances have no SnapStart',
      exitCode: 2,
    })
  })

  test.each(['0', '1601', '-1', '2.5', 'many'])('are not %s at a time', (value) => {
    expect(failure(['cmd'], { AWS_LAMBDA_MAX_CONCURRENCY: value })).toEqual({
      message: `AWS_LAMBDA_MAX_CONCURRENCY is "${value}"; allowed is a whole number from 1 to 1600`,
      exitCode: 2,
    })
  })
})
