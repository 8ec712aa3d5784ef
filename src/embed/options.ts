/** What a program says that embeds an emulator, checked, and as the configuration that the command line becomes too. */

import { closest } from 'fastest-levenshtein'
import { type Config, ConfigError, parseConfig } from '../config.ts'
import { type Option, ownOptions, sharedOptions, type Variable, variableOptions } from '../options.ts'
import { systemProbe, whyNotRunnable } from '../process/bootstrap.ts'
import type { EmulatorOptions, OutputOption } from './api.d.ts'

/** The option that each table entry is here, and what it is in `Config`. */
const numbers = {
  functionTimeoutSeconds: [variableOptions.functionTimeoutMs, 'functionTimeoutMs'],
  initTimeoutSeconds: [ownOptions.initTimeoutMs, 'initTimeoutMs'],
  drainSeconds: [ownOptions.drainMs, 'drainMs'],
  environmentTtlSeconds: [ownOptions.environmentTtlMs, 'environmentTtlMs'],
  maxEnvironments: [ownOptions.maxEnvironments, 'maxEnvironments'],
  maxQueue: [ownOptions.maxQueue, 'maxQueue'],
} as const satisfies Record<string, readonly [Variable<number>, keyof Config]>

const texts = {
  extensionsDirectory: [ownOptions.extensionsDirectory, 'extensionsDirectory'],
  dialect: [ownOptions.dialect, 'dialect'],
  logLevel: [sharedOptions.logLevel, 'logLevel'],
} as const satisfies Record<string, readonly [Option<string>, keyof Config]>

const others = ['command', 'handler', 'cwd', 'env', 'eagerInit', 'log', 'output']
const known = [...Object.keys(numbers), ...Object.keys(texts), ...others]

/** Variables that are told to the program, and not to an emulator inside another one. */
const ofTheProgram = /^(?:AWS_LAMBDA_RIE_.*|LOG_LEVEL)$/

/** Throws `ConfigError` for what is wrong; its message names the option and what is allowed. */
export function configOf(options: EmulatorOptions): Config {
  const given: Record<string, unknown> = { ...options }
  for (const name of Object.keys(given)) {
    if (given[name] === undefined) delete given[name]
    else if (!known.includes(name)) {
      throw new ConfigError(`unknown option ${name}; the nearest one is ${closest(name, known)}`)
    }
  }
  const cwd = read(given, 'cwd', isText, 'a path') ?? process.cwd()
  const handler = read(given, 'handler', isText, 'file.export, as index.handler')
  const command =
    read(given, 'command', isCommand, 'a list of a program and its arguments, each a string') ?? []
  const env = read(given, 'env', isRecord, 'an object of strings') ?? {}
  const eagerInit = read(given, 'eagerInit', isBoolean, 'true or false') ?? false
  read(given, 'log', isFunction, 'a function')
  read(given, 'output', isOutput, "'collect', 'inherit' or a function")
  if (command.length === 0 && handler === undefined) {
    throw new ConfigError('nothing to run: give a command, or a handler as file.export')
  }
  if (command.length === 0 && !/[^/]\.[^./]+$/.test(handler ?? '')) {
    throw wrong('handler', handler, 'file.export, as index.handler')
  }
  const inherited = definedOnly({ ...process.env, ...env })
  const forEmulator = Object.fromEntries(
    Object.entries(inherited).filter(([name]) => !ofTheProgram.test(name)),
  )
  const argv = handler === undefined ? [] : ['--handler', handler]
  const parsed = parseConfig([...argv, '--', ...command], forEmulator, { ...systemProbe, cwd: () => cwd })
  if ('text' in parsed) throw new Error('the configuration turned out to be a notice')
  const [program] = command
  const reason = program === undefined ? null : whyNotRunnable(program, cwd, inherited.PATH)
  if (reason !== null) throw new ConfigError(`command cannot be run: ${reason}`)
  return {
    ...parsed,
    gateway: { hostname: '127.0.0.1', port: 0 },
    runtimeApi: { hostname: '127.0.0.1', port: 0 },
    logLevel: 'warn',
    eagerInit,
    inherited,
    ...fromTable(given, numbers, isNumber),
    ...fromTable(given, texts, isText),
  }
}

/** The values of those options that were given, under their names in `Config`. */
function fromTable(
  given: Readonly<Record<string, unknown>>,
  table: Readonly<Record<string, readonly [Variable<unknown>, keyof Config]>>,
  is: (value: unknown) => boolean,
): Partial<Config> {
  const values: Partial<Record<keyof Config, unknown>> = {}
  for (const [name, [option, field]] of Object.entries(table)) {
    const value = given[name]
    if (value === undefined) continue
    const parsed = is(value) ? option.kind.read(String(value)) : undefined
    if (parsed === undefined) throw wrong(name, value, option.kind.allowed)
    values[field] = parsed
  }
  return values as Partial<Config>
}

function read<T>(
  given: Readonly<Record<string, unknown>>,
  name: string,
  is: (value: unknown) => value is T,
  allowed: string,
): T | undefined {
  const value = given[name]
  if (value === undefined) return undefined
  if (is(value)) return value
  throw wrong(name, value, allowed)
}

const wrong = (name: string, value: unknown, allowed: string): ConfigError =>
  new ConfigError(`${name} is ${Bun.inspect(value)}; allowed is ${allowed}`)

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isFunction = (value: unknown): value is () => void => typeof value === 'function'
const isOutput = (value: unknown): value is OutputOption =>
  value === 'collect' || value === 'inherit' || isFunction(value)
const isCommand = (value: unknown): value is string[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value[0] !== '' &&
  value.every((word) => typeof word === 'string')
const isRecord = (value: unknown): value is Record<string, string | undefined> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((text) => text === undefined || typeof text === 'string')

const definedOnly = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
