/**
 * The one table of options: what each is called on the command line and in the environment, its default, what it may
 * be, and its help line. The usage text is generated from it, so that text and behaviour cannot part.
 *
 * Flag beats variable beats default; an empty variable counts as absent.
 */

import type { Address, Dialect, LogLevel } from './config.ts'

/** What the user got wrong. The message names the flag or variable; the program prints it and ends with `exitCode`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly exitCode = 2
}

/** How the text of an option becomes its value. `read` gives undefined for a text that `allowed` does not cover. */
interface Kind<T> {
  /** shown in the help after the flag; null for a switch, whose flag takes no value */
  readonly placeholder: string | null
  readonly allowed: string
  read(text: string): T | undefined
}

/** What can be told by a variable. */
export interface Variable<T> {
  /** the first that is not empty counts */
  readonly variables: readonly string[]
  /** as a user would write it; empty when there is none */
  readonly fallback: string
  readonly kind: Kind<T>
  readonly help: string
}

/** What can be told by a flag too; `flag` is with its dashes. */
export interface Option<T> extends Variable<T> {
  readonly flag: string
}

const same = <T extends string>(names: readonly T[]): Record<string, T> =>
  Object.fromEntries(names.map((name) => [name, name]))

const choice = <T>(values: Readonly<Record<string, T>>): Kind<T> => {
  const names = Object.keys(values)
  const read = (text: string): T | undefined => new Map(Object.entries(values)).get(text.toLowerCase())
  return { placeholder: 'name', allowed: `one of ${names.join(', ')}`, read }
}

const wholeNumber = (placeholder: string, min: number, max: number, factor = 1): Kind<number> => ({
  placeholder,
  allowed: `a whole number from ${min} to ${max}`,
  read: (text) => {
    const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN
    return value >= min && value <= max ? value * factor : undefined
  },
})

/** Read into milliseconds; a timer of more than 2^31 - 1 of them would fire at once. */
const seconds = (min: number): Kind<number> => wholeNumber('seconds', min, 2147483, 1000)

const pattern = (placeholder: string, allowed: string, expression: RegExp): Kind<string> => ({
  placeholder,
  allowed,
  read: (text) => (expression.test(text) ? text : undefined),
})

const text = (placeholder: string): Kind<string> => pattern(placeholder, 'a text that is not empty', /./s)

const words = { on: true, true: true, yes: true, 1: true, off: false, false: false, no: false, 0: false }
const onOff: Kind<boolean> = { ...choice<boolean>(words), placeholder: null }

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const satisfies LogLevel[]
const level = choice<LogLevel>({ panic: 'fatal', ...same(levels), warning: 'warn' })

/** Splits `host:port`, `[v6]:port` or `:port`; no host means all interfaces. Names of ports are not looked up. */
const address: Kind<Address> = {
  placeholder: 'host:port',
  allowed: 'host:port with a port from 0 to 65535 (as 127.0.0.1:9001, [::1]:9001 or :9001)',
  read: (text) => {
    const found = /^(?:\[([0-9a-f.]*:[0-9a-f:.]*(?:%[\w.-]+)?)\]|([^\s:/[\]]*)):([0-9]+)$/i.exec(text)
    if (found === null || Number(found[3]) > 65535) return undefined
    return { hostname: found[1] ?? (found[2] || '0.0.0.0'), port: Number(found[3]) }
  },
}

/** The four that the reference has (behaviour.md 1.1); recognised after the command too. */
export const sharedOptions = {
  gateway: {
    flag: '--runtime-interface-emulator-address',
    variables: [],
    fallback: '0.0.0.0:8080',
    kind: address,
    help: 'where callers invoke the function; port 0 takes a free one',
  },
  runtimeApi: {
    flag: '--runtime-api-address',
    variables: [],
    fallback: '127.0.0.1:9001',
    kind: address,
    help: 'where runtimes and extensions call; further environments take free ports',
  },
  logLevel: {
    flag: '--log-level',
    variables: ['LOG_LEVEL'],
    fallback: 'info',
    kind: level,
    help: "the emulator's own log on stderr: panic, fatal, error, warn, warning, info, debug or trace",
  },
  initCaching: {
    flag: '--enable-init-caching',
    variables: [],
    fallback: 'off',
    kind: onOff,
    help: 'accepted for compatibility; has no effect yet',
  },
} as const satisfies Record<string, Option<unknown>>

/** Those with a flag that counts only before the command. */
export const ownOptions = {
  handler: {
    flag: '--handler',
    variables: ['AWS_LAMBDA_FUNCTION_HANDLER', '_HANDLER'],
    fallback: '',
    kind: text('file.export'),
    help: 'the handler; without a command, the JavaScript or TypeScript function to run',
  },
  dialect: {
    flag: '--dialect',
    variables: ['AWS_LAMBDA_RIE_DIALECT'],
    fallback: 'auto',
    kind: choice<Dialect>(same(['auto', 'rie', 'lambda'])),
    help: "whose answers callers get: rie (AWS's emulator), lambda (the service), auto (by the request)",
  },
  eagerInit: {
    flag: '--eager-init',
    variables: ['AWS_LAMBDA_RIE_EAGER_INIT'],
    fallback: 'off',
    kind: onOff,
    help: 'initialise at start-up, not at the first invocation; the variable may be on or off',
  },
  initTimeoutMs: {
    flag: '--init-timeout',
    variables: ['AWS_LAMBDA_RIE_INIT_TIMEOUT'],
    fallback: '10',
    kind: seconds(0),
    help: 'limit of the init phase; 0 is none',
  },
  drainMs: {
    flag: '--drain-seconds',
    variables: ['AWS_LAMBDA_RIE_DRAIN_SECONDS'],
    fallback: '5',
    kind: seconds(0),
    help: 'how long running invocations may go on after SIGTERM or SIGINT',
  },
  maxEnvironments: {
    flag: '--max-environments',
    variables: ['AWS_LAMBDA_RIE_MAX_ENVIRONMENTS'],
    fallback: '1',
    kind: wholeNumber('count', 1, 1000),
    help: 'how many execution environments there may be at a time',
  },
  maxQueue: {
    flag: '--max-queue',
    variables: ['AWS_LAMBDA_RIE_MAX_QUEUE'],
    fallback: '1000',
    kind: wholeNumber('count', 0, 2147483647),
    help: 'how many invocations may wait for an environment; 0 throttles at once',
  },
  environmentTtlMs: {
    flag: '--environment-ttl',
    variables: ['AWS_LAMBDA_RIE_ENVIRONMENT_TTL'],
    fallback: '60',
    kind: seconds(0),
    help: 'how long an environment beyond the first may be idle',
  },
  extensionsDirectory: {
    flag: '--extensions-dir',
    variables: ['AWS_LAMBDA_RIE_EXTENSIONS_DIR'],
    fallback: '/opt/extensions',
    kind: text('directory'),
    help: 'where external extensions are found',
  },
} as const satisfies Record<string, Option<unknown>>

/** Those that have only a variable. */
export const variableOptions = {
  functionTimeoutMs: {
    variables: ['AWS_LAMBDA_FUNCTION_TIMEOUT'],
    fallback: '300',
    kind: seconds(1),
    help: 'limit of one invocation',
  },
  functionName: {
    variables: ['AWS_LAMBDA_FUNCTION_NAME'],
    fallback: 'test_function',
    kind: text('name'),
    help: 'name of the function, also in its ARN',
  },
  functionVersion: {
    variables: ['AWS_LAMBDA_FUNCTION_VERSION'],
    fallback: '$LATEST',
    kind: text('version'),
    help: 'version of the function',
  },
  memorySize: {
    variables: ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    fallback: '3008',
    kind: pattern('MB', 'a whole number greater than 0', /^0*[1-9][0-9]*$/),
    help: 'memory of the function, as reported; nothing enforces it',
  },
  region: {
    variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
    fallback: 'us-east-1',
    kind: text('name'),
    help: "region in the function's ARN",
  },
  accountId: {
    variables: ['AWS_ACCOUNT_ID'],
    fallback: '012345678912',
    kind: pattern('digits', '12 digits', /^[0-9]{12}$/),
    help: "account in the function's ARN",
  },
} as const satisfies Record<string, Variable<unknown>>

const row = (option: Variable<unknown> | Option<unknown>): string => {
  const names = 'flag' in option ? [option.flag, ...option.variables] : option.variables
  const value = option.kind.placeholder === null ? '' : ` <${option.kind.placeholder}>`
  const fallback = option.fallback === '' ? '' : ` (default ${option.fallback})`
  return `  ${names.join(', ')}${value}${fallback}\n      ${option.help}\n`
}

const rows = (table: Record<string, Variable<unknown>>): string => Object.values(table).map(row).join('')

/** The text of `--help`. */
export const usage = (): string => `Usage: aws-lambda-rie [option]... [--] [command [argument]...]

Runs a Lambda function on this machine: the command, else the function that --handler names, else the first of
/var/task/bootstrap, /opt/bootstrap and /var/runtime/bootstrap. The last argument of a command that has any is the
handler too, unless --handler or a variable names another.

Options, before the command or after it:
${rows(sharedOptions)}
Options, before the command:
${rows(ownOptions)}  --help, -h, --version
  --
      ends the options; the rest is the command, whatever it looks like

Variables:
${rows(variableOptions)}
A flag beats its variable; an empty variable counts as absent. All variables are passed on to the function.
`

/** The same as a Markdown table, for the README. */
export const optionsTable = (): string => {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
  const line = (option: Variable<unknown> | Option<unknown>): string => {
    const flag = 'flag' in option ? option.flag : ''
    const value = option.kind.placeholder === null ? '' : ` <${option.kind.placeholder}>`
    // one placeholder is enough: where there is a flag, its variables take the same
    const variables = option.variables.map((name) => code(flag === '' ? name + value : name)).join(', ')
    return `| ${code(flag === '' ? '' : flag + value)} | ${variables} | ${code(option.fallback)} | ${cell(option.help)} |`
  }
  const all = [
    ...Object.values(sharedOptions),
    ...Object.values(ownOptions),
    ...Object.values(variableOptions),
  ]
  return ['| flag | variable | default | |', '|---|---|---|---|', ...all.map(line)].join('\n')
}
