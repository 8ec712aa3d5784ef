/** What a program says that embeds an emulator, read by the same table of options as the command line. */

import { type Config, ConfigError, type SystemConfig } from '../config/config.ts'
import { configure, type Outside } from '../config/configure.ts'
import { ownOptions, sharedOptions, type Variable, variableOptions } from '../config/options.ts'
import { nearest } from '../config/suggest.ts'
import {
  definedOnly,
  type Source,
  variableOf,
  withoutCarriageReturns,
  wrongValue,
} from '../config/variables.ts'
import { systemProbe, whyNotRunnable } from '../process/bootstrap.ts'
import { withoutOwnInspector } from '../process/inspector.ts'
import { rawEnvironment } from '../process/raw.ts'
import type { EmulatorOptions, OutputOption } from './api.d.ts'

/** Those options of the table that a program can give. */
const fromTable = Object.values({ ...sharedOptions, ...ownOptions, ...variableOptions }).flatMap((option) =>
  'property' in option ? [option.property] : [],
)
const others = ['command', 'cwd', 'env', 'functions', 'log', 'output']
const known: readonly string[] = [...fromTable, ...others]

/** What is another default inside of a program than for the emulator as a program. */
const defaults = new Map<Variable<unknown>, string>([
  [sharedOptions.gateway, '127.0.0.1:0'],
  [sharedOptions.runtimeApi, '127.0.0.1:0'],
  [sharedOptions.logLevel, 'warn'],
])

/** Variables that are told to the program, and not to an emulator inside another one. */
const ofTheProgram = /^(?:AWS_LAMBDA_RIE_.*|LOG_LEVEL)$/

/** Throws `ConfigError` for what is wrong; its message names the option and what is allowed. */
export function configOf(options: EmulatorOptions): Config | SystemConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    throw new ConfigError(`unknown option ${name}${adviceOn(name)}`)
  }
  const cwd = check(given, 'cwd', isText, 'a path') ?? process.cwd()
  if (systemProbe.look(cwd) !== 'directory') {
    throw new ConfigError(`cwd is ${Bun.inspect(given.cwd ?? cwd)}; there is no such folder`)
  }
  const handler = check(given, 'handler', isText, 'file.export, as index.handler')
  const command =
    check(given, 'command', isCommand, 'a list of a program and its arguments, each a string') ?? []
  const env = check(given, 'env', isRecord, 'an object of strings') ?? {}
  check(given, 'log', isFunction, 'a function')
  check(given, 'output', isOutput, "'collect', 'inherit' or a function")
  const functions = check(given, 'functions', isObject, 'an object of functions by their names')
  if (functions !== undefined && (command.length > 0 || handler !== undefined)) {
    throw new ConfigError('functions are in place of command and handler; leave one of them out')
  }
  if (command.length === 0 && handler === undefined && functions === undefined) {
    throw new ConfigError('nothing to run: give a command, or a handler as file.export')
  }
  const warnings: string[] = []
  const environment = withoutCarriageReturns(
    definedOnly({ ...withoutOwnInspector(rawEnvironment(process.env)), ...env }),
    warnings,
  )
  const outside: Outside = {
    source: sourceOf(given, environment),
    command,
    served: handler === undefined ? undefined : { name: 'handler', handler },
    environment,
    probe: { ...systemProbe, cwd: () => cwd },
    taskRoot: undefined,
    directory: cwd,
    sample: undefined,
    warnings,
  }
  if (functions !== undefined) {
    const { configOfFunctions } = require('./functions.ts') as typeof import('./functions.ts')
    return configOfFunctions(functions, { ...outside, sourceWith: (of) => sourceOf(given, of) })
  }
  const config = configure(outside)
  const [program] = command
  const reason = program === undefined ? null : whyNotRunnable(program, cwd, environment.PATH)
  if (reason !== null) throw new ConfigError(`command cannot be run: ${reason}`)
  return config
}

/** What is called otherwise by tools that people come from, or by the program itself. */
const otherNames: Readonly<Record<string, string>> = {
  timeout: 'functionTimeoutSeconds',
  functionTimeout: 'functionTimeoutSeconds',
  initTimeout: 'initTimeoutSeconds',
  environment: 'env',
  args: 'command',
  functionName: 'env: { AWS_LAMBDA_FUNCTION_NAME: … }',
  name: 'env: { AWS_LAMBDA_FUNCTION_NAME: … }',
  memorySize: 'env: { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: … }',
  region: 'env: { AWS_REGION: … }',
  port: 'url of the emulator: it has a free port',
  concurrency: 'maxEnvironments',
}

function adviceOn(name: string): string {
  const instead = otherNames[name]
  if (instead !== undefined) return `; here it is ${instead}`
  const near = nearest(name, known)
  return near === undefined ? `; those that there are: ${known.join(', ')}` : `; the nearest one is ${near}`
}

/** Properties first, then the variables of the function, then what is another default here. */
function sourceOf(
  given: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>>,
): Source {
  const forEmulator = Object.fromEntries(
    Object.entries(environment).filter(([name]) => !ofTheProgram.test(name)),
  )
  return (option) => {
    const name = option.property
    if (name !== undefined && name in given) return { name, value: given[name] }
    const text = defaults.get(option)
    return variableOf(option, forEmulator) ?? (text === undefined ? undefined : { name: 'the default', text })
  }
}

function check<T>(
  given: Readonly<Record<string, unknown>>,
  name: string,
  is: (value: unknown) => value is T,
  allowed: string,
): T | undefined {
  const value = given[name]
  if (value === undefined) return undefined
  if (is(value)) return value
  throw wrongValue({ name, value }, allowed)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isFunction(value: unknown): value is () => void {
  return typeof value === 'function'
}

function isOutput(value: unknown): value is OutputOption {
  return value === 'collect' || value === 'inherit' || isFunction(value)
}

function isCommand(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value[0] !== '' &&
    value.every((word) => typeof word === 'string')
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isRecord(value: unknown): value is Record<string, string | undefined> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((text) => text === undefined || typeof text === 'string')
  )
}
