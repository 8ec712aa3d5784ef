/**
 * The one table of options: what each is called on the command line, in the environment and in a program that embeds
 * the emulator, its default, what it may be, and its help line. The usage text and the README's table are made from it
 * (`usage.ts`), so that text and behaviour cannot part.
 *
 * Flag beats variable beats default; an empty variable counts as absent.
 */

import { destinationsAllowed, parseDestination } from '../destinations/destination.ts'
import { parseOrigins } from '../gateway/cors.ts'
import { parseUrlCors } from '../gateway/url/cors.ts'
import {
  type Address,
  address,
  choice,
  globs,
  headerText,
  inspector,
  type Kind,
  onOff,
  optional,
  parsed,
  pattern,
  same,
  seconds,
  secondsList,
  text,
  wholeNumber,
} from './kinds.ts'

/** Whose answers callers get; `auto` decides by the request (DECISIONS.md, "Two dialects"). */
export type Dialect = 'auto' | 'rie' | 'lambda'
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
/** How the Function URL answers: when the function has ended, or as it goes. */
export type InvokeMode = 'BUFFERED' | 'RESPONSE_STREAM'
export type { Address }

/** What can be told by a variable. */
export interface Variable<T> {
  /** the first that is not empty counts */
  readonly variables: readonly string[]
  /** as a user would write it; empty when there is none */
  readonly fallback: string
  readonly kind: Kind<T>
  readonly help: string
  /** its name in `EmulatorOptions` of an embedding program, if it has one */
  readonly property?: string
  /** its variables are the function's own too: what is no value of ours there is warned of, and the default taken */
  readonly shared?: boolean
}

/** What can be told by a flag too; `flag` is with its dashes. */
export interface Option<T> extends Variable<T> {
  readonly flag: string
  /** may be given more than once, and all of them count */
  readonly repeatable?: boolean
}

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const satisfies LogLevel[]
const level = choice<LogLevel>({ panic: 'fatal', ...same(levels), warning: 'warn' })

const origins = parsed('origin,…', 'origins as http://localhost:3000', parseOrigins, (value) =>
  Array.isArray(value) ? value.join(',') : undefined,
)
const urlCors = parsed('json', 'the JSON of the service', parseUrlCors, (value) => JSON.stringify(value))
const destination = parsed('destination', destinationsAllowed, parseDestination, (value) =>
  typeof value === 'string' ? value : undefined,
)
/** Programs say whether there is one; where it listens is told by `emulator.functionUrl`. */
const urlAddress: Kind<Address | null> = {
  ...optional(address),
  accepted: `true, false or ${address.allowed}`,
  accept: (value) => {
    if (typeof value === 'string') return address.read(value)
    return typeof value === 'boolean' ? (value ? { hostname: '127.0.0.1', port: 0 } : null) : undefined
  },
}
const invokeMode: Kind<InvokeMode> = {
  ...choice<InvokeMode>({ buffered: 'BUFFERED', response_stream: 'RESPONSE_STREAM' }),
  placeholder: 'mode',
  allowed: 'BUFFERED or RESPONSE_STREAM',
}

/** What the lines of the function's log look like, spelled as the service does. */
export type LogFormat = 'Text' | 'JSON'
const applicationLevels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'] as const
const systemLevels = ['DEBUG', 'INFO', 'WARN'] as const
export type ApplicationLevel = (typeof applicationLevels)[number]
export type SystemLevel = (typeof systemLevels)[number]

/** One of these words, in any case. */
function upperCase<T extends string>(names: readonly T[]): Kind<T> {
  const values = Object.fromEntries(names.map((name) => [name.toLowerCase(), name])) as Record<string, T>
  return { ...choice<T>(values), allowed: `one of ${names.join(', ')}`, placeholder: 'level' }
}

/** The four that the reference has (behaviour.md 1.1); recognised after the command too. */
export const sharedOptions = {
  gateway: {
    flag: '--runtime-interface-emulator-address',
    variables: ['AWS_LAMBDA_RIE_ADDRESS'],
    fallback: ':8080',
    kind: address,
    help: 'where callers invoke the function; no host is every address of the machine, port 0 takes a free one',
  },
  runtimeApi: {
    flag: '--runtime-api-address',
    variables: ['AWS_LAMBDA_RIE_RUNTIME_API_ADDRESS'],
    fallback: 'localhost:9001',
    kind: address,
    help: 'where runtimes and extensions call; further environments, and the first where the default is taken, have free ports',
  },
  logLevel: {
    flag: '--log-level',
    variables: ['LOG_LEVEL'],
    fallback: 'info',
    kind: level,
    help: "the emulator's own log on stderr: panic, fatal, error, warn, warning, info, debug or trace",
    property: 'logLevel',
    shared: true,
  },
  initCaching: {
    flag: '--enable-init-caching',
    variables: [],
    fallback: 'off',
    kind: onOff,
    help: 'SnapStart: initialise at the start, and restore with the first invocation; AWS_LAMBDA_INITIALIZATION_TYPE=snap-start means the same',
    property: 'snapStart',
  },
} as const satisfies Record<string, Option<unknown>>

/** Those with a flag that counts only before the command. */
export const ownOptions = {
  handler: {
    flag: '--handler',
    variables: ['AWS_LAMBDA_FUNCTION_HANDLER', '_HANDLER'],
    fallback: '',
    kind: headerText('file.export'),
    help: 'the handler; without a command, the JavaScript or TypeScript function to run',
    property: 'handler',
  },
  functionTimeoutMs: {
    flag: '--timeout',
    variables: ['AWS_LAMBDA_FUNCTION_TIMEOUT'],
    fallback: '300',
    kind: seconds(1),
    help: 'limit of one invocation (the default of Lambda itself is 3)',
    property: 'functionTimeoutSeconds',
  },
  memorySize: {
    flag: '--memory-size',
    variables: ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    fallback: '3008',
    kind: pattern('MB', 'a whole number greater than 0', /^0*[1-9][0-9]*$/),
    help: 'memory of the function, as reported; nothing enforces it',
    shared: true,
  },
  functionName: {
    flag: '--name',
    variables: ['AWS_LAMBDA_FUNCTION_NAME'],
    fallback: 'test_function',
    kind: headerText('name'),
    help: 'name of the function, also in its ARN',
  },
  functions: {
    flag: '--functions',
    variables: ['AWS_LAMBDA_RIE_FUNCTIONS'],
    fallback: '',
    kind: optional(text('file')),
    help: 'a file of several functions (.json, .jsonc, .yaml), each reached by its name',
  },
  template: {
    flag: '--template',
    variables: ['AWS_LAMBDA_RIE_TEMPLATE'],
    fallback: '',
    kind: optional(text('file')),
    help: 'the functions of a template of AWS SAM or CloudFormation, before or after sam build',
  },
  parameterOverrides: {
    flag: '--parameter-overrides',
    variables: [],
    fallback: '',
    kind: text('NAME=VALUE'),
    help: "values of the template's parameters, as for sam local; may be repeated",
    repeatable: true,
  },
  environmentVariables: {
    flag: '--env-vars',
    variables: [],
    fallback: '',
    kind: text('file'),
    help: "a JSON file of the template's variables by function, as for sam local",
  },
  environment: {
    flag: '--env',
    variables: [],
    fallback: '',
    kind: pattern('NAME=VALUE', 'NAME=VALUE', /^[^=\0]+=[^\0]*$/),
    help: 'a variable for the function, and for the options that have variables; may be repeated',
    repeatable: true,
  },
  environmentFile: {
    flag: '--env-file',
    variables: [],
    fallback: '',
    kind: text('file'),
    help: 'such variables from a file of lines NAME=VALUE (.env); those that are set already stay; may be repeated',
    repeatable: true,
  },
  dialect: {
    flag: '--dialect',
    variables: ['AWS_LAMBDA_RIE_DIALECT'],
    fallback: 'auto',
    kind: choice<Dialect>(same(['auto', 'rie', 'lambda'])),
    help: "whose answers callers get: rie (AWS's emulator), lambda (the service), auto (by the request)",
    property: 'dialect',
  },
  eagerInit: {
    flag: '--eager-init',
    variables: ['AWS_LAMBDA_RIE_EAGER_INIT'],
    fallback: 'off',
    kind: onOff,
    help: 'initialise at start-up, not at the first invocation; the variable may be on or off',
    property: 'eagerInit',
  },
  initTimeoutMs: {
    flag: '--init-timeout',
    variables: ['AWS_LAMBDA_RIE_INIT_TIMEOUT'],
    fallback: '10',
    kind: seconds(0),
    help: 'limit of the init phase; 0 is none',
    property: 'initTimeoutSeconds',
  },
  restoreTimeoutMs: {
    flag: '--restore-timeout',
    variables: ['AWS_LAMBDA_RIE_RESTORE_TIMEOUT'],
    fallback: '10',
    kind: seconds(0),
    help: 'SnapStart: limit of a restore and the hooks after it; 0 is none',
    property: 'restoreTimeoutSeconds',
  },
  drainMs: {
    flag: '--drain-seconds',
    variables: ['AWS_LAMBDA_RIE_DRAIN_SECONDS'],
    fallback: '5',
    kind: seconds(0),
    help: 'how long running invocations may go on after SIGTERM or SIGINT',
    property: 'drainSeconds',
  },
  exitOnCrash: {
    flag: '--exit-on-crash',
    variables: ['AWS_LAMBDA_RIE_EXIT_ON_CRASH'],
    fallback: 'off',
    kind: onOff,
    help: "end with exit code 1 when a runtime or extension ends by itself or init fails, as AWS's emulator with AWS_LAMBDA_MAX_CONCURRENCY",
  },
  maxEnvironments: {
    flag: '--max-environments',
    variables: ['AWS_LAMBDA_RIE_MAX_ENVIRONMENTS'],
    fallback: '1',
    kind: wholeNumber('count', 1, 1000),
    help: 'how many execution environments there may be at a time',
    property: 'maxEnvironments',
  },
  maxQueue: {
    flag: '--max-queue',
    variables: ['AWS_LAMBDA_RIE_MAX_QUEUE'],
    fallback: '1000',
    kind: wholeNumber('count', 0, 2147483647),
    help: 'how many invocations may wait for an environment; 0 throttles at once',
    property: 'maxQueue',
  },
  asyncMaxRetries: {
    flag: '--async-max-retries',
    variables: ['AWS_LAMBDA_RIE_ASYNC_MAX_RETRIES'],
    fallback: '2',
    kind: wholeNumber('count', 0, 2),
    help: 'how often an Event that failed is tried again',
    property: 'asyncMaxRetries',
  },
  asyncRetryDelaysMs: {
    flag: '--async-retry-delays',
    variables: ['AWS_LAMBDA_RIE_ASYNC_RETRY_DELAYS'],
    fallback: '60,120',
    kind: secondsList,
    help: 'how long it waits before that; the last one serves for all that are missing',
    property: 'asyncRetryDelaysSeconds',
  },
  asyncMaxAgeMs: {
    flag: '--async-max-age',
    variables: ['AWS_LAMBDA_RIE_ASYNC_MAX_AGE'],
    fallback: '21600',
    kind: wholeNumber('seconds', 1, 21600, 1000),
    help: 'an Event that is older is not run',
    property: 'asyncMaxAgeSeconds',
  },
  durable: {
    flag: '--durable',
    variables: ['AWS_LAMBDA_RIE_DURABLE'],
    fallback: 'off',
    kind: onOff,
    help: 'the function is a durable one: an invocation starts a durable execution, and its API is on the port of callers',
    property: 'durable',
  },
  durableExecutionTimeout: {
    flag: '--durable-execution-timeout',
    variables: ['AWS_LAMBDA_RIE_DURABLE_EXECUTION_TIMEOUT'],
    fallback: '900',
    kind: wholeNumber('seconds', 1, 31622400),
    help: 'limit of a durable execution; callers wait for those of at most 900 s',
    property: 'durableExecutionTimeoutSeconds',
  },
  durableRetentionDays: {
    flag: '--durable-retention-days',
    variables: ['AWS_LAMBDA_RIE_DURABLE_RETENTION_DAYS'],
    fallback: '14',
    kind: wholeNumber('days', 1, 90),
    help: 'how long one that has ended is kept, and with it its name',
    property: 'durableRetentionDays',
  },
  durableRetryDelaysMs: {
    flag: '--durable-retry-delays',
    variables: ['AWS_LAMBDA_RIE_DURABLE_RETRY_DELAYS'],
    fallback: '1,2,4,8',
    kind: secondsList,
    help: 'how long it waits before a failed invocation is made again; after the last of them it fails',
    property: 'durableRetryDelaysSeconds',
  },
  durableSkipTime: {
    flag: '--durable-skip-time',
    variables: ['AWS_LAMBDA_RIE_DURABLE_SKIP_TIME'],
    fallback: 'off',
    kind: onOff,
    help: 'waits and delays of retries pass at once; time-outs and heartbeats stay as they are',
    property: 'durableSkipTime',
  },
  durableStore: {
    flag: '--durable-store',
    variables: ['AWS_LAMBDA_RIE_DURABLE_STORE'],
    fallback: '',
    kind: optional(text('file')),
    help: 'keeps durable executions in this file (SQLite): after a restart they go on; default: in memory',
    property: 'durableStore',
  },
  onSuccess: {
    flag: '--on-success',
    variables: ['AWS_LAMBDA_RIE_ON_SUCCESS'],
    fallback: '',
    kind: optional(destination),
    help: 'where the record of an Event that succeeded goes: file:PATH, http://HOST/PATH, or a function of this emulator',
    property: 'onSuccess',
  },
  onFailure: {
    flag: '--on-failure',
    variables: ['AWS_LAMBDA_RIE_ON_FAILURE'],
    fallback: '',
    kind: optional(destination),
    help: 'the same of one that failed for good',
    property: 'onFailure',
  },
  recycleAfter: {
    flag: '--recycle-after',
    variables: ['AWS_LAMBDA_RIE_RECYCLE_AFTER'],
    fallback: '0',
    kind: wholeNumber('count', 0, 2147483647),
    help: 'start an environment anew after so many invocations, for cold starts in tests; 0 is never',
    property: 'recycleAfter',
  },
  environmentTtlMs: {
    flag: '--environment-ttl',
    variables: ['AWS_LAMBDA_RIE_ENVIRONMENT_TTL'],
    fallback: '60',
    kind: seconds(0),
    help: 'how long an environment beyond the first may be idle',
    property: 'environmentTtlSeconds',
  },
  extensionsDirectory: {
    flag: '--extensions-dir',
    variables: ['AWS_LAMBDA_RIE_EXTENSIONS_DIR'],
    fallback: '/opt/extensions',
    kind: text('directory'),
    help: 'where external extensions are found',
    property: 'extensionsDirectory',
  },
  taskRoot: {
    flag: '--task-root',
    variables: [],
    fallback: '',
    kind: text('directory'),
    help: 'where the function is: its working directory and LAMBDA_TASK_ROOT; default: /var/task, or the working directory',
  },
  watch: {
    flag: '--watch',
    variables: ['AWS_LAMBDA_RIE_WATCH'],
    fallback: 'off',
    kind: globs,
    help: "new code runs with the next invocation after a change below the task root; with patterns, after a change of files that match; on in 'bun run dev'",
  },
  noConsole: {
    flag: '--no-console',
    variables: ['AWS_LAMBDA_RIE_NO_CONSOLE'],
    fallback: 'off',
    kind: onOff,
    help: 'serve no page at /_rie/',
  },
  consoleAnywhere: {
    flag: '--console-anywhere',
    variables: ['AWS_LAMBDA_RIE_CONSOLE_ANYWHERE'],
    fallback: 'off',
    kind: onOff,
    help: 'show the page at /_rie/ to other machines too; it has the events and answers of all invocations',
  },
  attach: {
    flag: '--attach',
    variables: ['AWS_LAMBDA_RIE_ATTACH'],
    fallback: 'off',
    kind: onOff,
    help: 'start no runtime: wait for one that an IDE starts with AWS_LAMBDA_RUNTIME_API; it may come and go',
  },
  debug: {
    flag: '--debug',
    variables: ['AWS_LAMBDA_RIE_DEBUG'],
    fallback: 'off',
    kind: onOff,
    help: 'no time-outs while a debugger stops the function: init has no limit, an invocation a day',
  },
  inspect: {
    flag: '--inspect',
    variables: ['AWS_LAMBDA_RIE_INSPECT'],
    fallback: 'off',
    kind: inspector,
    help: 'a debugger can stop the function of --handler; implies --debug and --eager-init',
  },
  inspectBrk: {
    flag: '--inspect-brk',
    variables: ['AWS_LAMBDA_RIE_INSPECT_BRK'],
    fallback: 'off',
    kind: inspector,
    help: "--inspect that waits for the debugger and stops before the handler's file is run",
  },
  watchPoll: {
    flag: '--watch-poll',
    variables: ['AWS_LAMBDA_RIE_WATCH_POLL'],
    fallback: 'off',
    kind: onOff,
    help: '--watch by looking at the files at times, where the kernel does not tell of changes (bind mounts of Docker Desktop)',
  },
  watchBuild: {
    flag: '--watch-build',
    variables: ['AWS_LAMBDA_RIE_WATCH_BUILD'],
    fallback: '',
    kind: optional(text('command')),
    help: '--watch that runs this command after a change, as a compiler, and the new code when it has succeeded',
  },
  logFormat: {
    flag: '--log-format',
    variables: ['AWS_LAMBDA_LOG_FORMAT'],
    fallback: 'Text',
    kind: { ...choice<LogFormat>({ text: 'Text', json: 'JSON' }), allowed: 'Text or JSON' },
    help: 'of the log on stdout: START, END and REPORT as text, or every platform event as a line of JSON',
    shared: true,
  },
  report: {
    flag: '--report',
    variables: ['AWS_LAMBDA_RIE_REPORT'],
    fallback: '',
    kind: optional(text('file')),
    help: 'at the end, a summary as JSON: outcomes, percentiles, queue, init, throughput; on a terminal a table too',
  },
  noLogFd: {
    flag: '--no-log-fd',
    variables: ['AWS_LAMBDA_RIE_NO_LOG_FD'],
    fallback: 'off',
    kind: onOff,
    help: 'runtimes print the records of their loggers line by line, and do not hand them over whole',
  },
  functionUrl: {
    flag: '--function-url-address',
    variables: ['AWS_LAMBDA_RIE_FUNCTION_URL_ADDRESS'],
    fallback: '',
    kind: urlAddress,
    help: 'where the Function URL listens; without it, there is none',
    property: 'functionUrl',
  },
  functionUrlInvokeMode: {
    flag: '--function-url-invoke-mode',
    variables: ['AWS_LAMBDA_RIE_FUNCTION_URL_INVOKE_MODE'],
    fallback: 'BUFFERED',
    kind: invokeMode,
    help: 'how it answers: BUFFERED when the function has ended, RESPONSE_STREAM as it goes',
    property: 'functionUrlInvokeMode',
  },
  functionUrlCors: {
    flag: '--function-url-cors',
    variables: ['AWS_LAMBDA_RIE_FUNCTION_URL_CORS'],
    fallback: '',
    kind: optional(urlCors),
    help: 'its cross-origin configuration, as the service has it: {"AllowOrigins":["*"]}',
    property: 'functionUrlCors',
  },
  origins: {
    flag: '--cors',
    variables: ['AWS_LAMBDA_RIE_CORS'],
    fallback: '',
    kind: optional(origins),
    help: 'origins of web pages that may invoke, as http://localhost:3000, or *; else only those of the same address',
    property: 'cors',
  },
} as const satisfies Record<string, Option<unknown>>

/** Those that have only a variable. */
export const variableOptions = {
  maxConcurrency: {
    variables: ['AWS_LAMBDA_MAX_CONCURRENCY'],
    fallback: '',
    kind: optional(wholeNumber('count', 1, 1600)),
    help: 'Lambda Managed Instances: how many invocations may run at a time in one environment, one for each parked poll of the runtime',
    property: 'maxConcurrency',
  },
  functionVersion: {
    variables: ['AWS_LAMBDA_FUNCTION_VERSION'],
    fallback: '$LATEST',
    kind: headerText('version'),
    help: 'version of the function',
  },
  region: {
    variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    fallback: 'us-east-1',
    kind: headerText('name'),
    help: "region in the function's ARN",
  },
  accountId: {
    variables: ['AWS_ACCOUNT_ID'],
    fallback: '012345678912',
    kind: pattern('digits', '12 digits', /^[0-9]{12}$/),
    help: "account in the function's ARN",
    shared: true,
  },
  availabilityZoneId: {
    variables: ['AWS_LAMBDA_RIE_AVAILABILITY_ZONE_ID'],
    fallback: 'use1-az1',
    kind: text('zone'),
    help: 'availability zone that the metadata endpoint tells',
  },
  applicationLogLevel: {
    variables: ['AWS_LAMBDA_LOG_LEVEL'],
    fallback: 'INFO',
    kind: upperCase(applicationLevels),
    help: 'with --log-format json: lines of the function that are JSON of a lower level are left out',
    shared: true,
  },
  systemLogLevel: {
    variables: ['AWS_LAMBDA_RIE_SYSTEM_LOG_LEVEL'],
    fallback: 'INFO',
    kind: upperCase(systemLevels),
    help: 'the same for platform events',
  },
  disableExtensions: {
    variables: ['AWS_LAMBDA_RIE_DISABLE_EXTENSIONS'],
    fallback: 'off',
    kind: onOff,
    help: 'start no extensions, and answer none',
  },
  portable: {
    variables: ['AWS_LAMBDA_RIE_PORTABLE'],
    fallback: 'off',
    kind: onOff,
    help: "treat processes as on macOS, without what is Linux's own",
  },
} as const satisfies Record<string, Variable<unknown>>
