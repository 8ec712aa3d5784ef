/** Several functions as an embedding program names them. Loaded where there are several. */

import { resolve } from 'node:path'
import { ConfigError, type SystemConfig } from '../config/config.ts'
import type { FunctionsOutside } from '../config/configure.ts'
import { functionNamePattern } from '../config/functions-schema.ts'
import { ownOptions, type Variable } from '../config/options.ts'
import { nearest } from '../config/suggest.ts'
import { configureSystem, type FunctionSetup } from '../config/system.ts'
import { type Given, wrongValue } from '../config/variables.ts'

/** Properties of `FunctionOptions` that are options of the table. */
const fromTable: ReadonlyMap<string, Variable<unknown>> = new Map<string, Variable<unknown>>(
  [
    ownOptions.functionTimeoutMs,
    ownOptions.initTimeoutMs,
    ownOptions.environmentTtlMs,
    ownOptions.extensionsDirectory,
    ownOptions.maxEnvironments,
    ownOptions.recycleAfter,
    ownOptions.maxQueue,
    ownOptions.functionUrl,
    ownOptions.functionUrlInvokeMode,
    ownOptions.functionUrlCors,
    ownOptions.asyncMaxRetries,
    ownOptions.asyncRetryDelaysMs,
    ownOptions.asyncMaxAgeMs,
    ownOptions.onSuccess,
    ownOptions.onFailure,
  ].map((option) => [option.property, option]),
)
const others = ['command', 'handler', 'cwd', 'env', 'layers']

/** Throws `ConfigError` that names all that is wrong, a line each. */
export function configOfFunctions(
  functions: Readonly<Record<string, unknown>>,
  outside: FunctionsOutside,
): SystemConfig {
  const mistakes: string[] = []
  const setups: FunctionSetup[] = []
  for (const [name, given] of Object.entries(functions)) {
    try {
      setups.push(setupOf(name, given, outside.probe.cwd()))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      mistakes.push(error.message)
    }
  }
  return configureSystem({ setups, mistakes, warnings: [] }, outside)
}

function setupOf(name: string, given: unknown, folder: string): FunctionSetup {
  const place = `functions.${name}`
  if (!functionNamePattern.test(name)) {
    throw new ConfigError(`${place}: a name has 1 to 64 letters, digits, - and _`)
  }
  if (typeof given !== 'object' || given === null) {
    throw wrongValue({ name: place, value: given }, 'an object of options')
  }
  const known = [...fromTable.keys(), ...others]
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  for (const [key] of entries) {
    if (known.includes(key)) continue
    const near = nearest(key, known)
    throw new ConfigError(
      `${place}.${key} is not known; ${near === undefined ? `allowed: ${known.join(', ')}` : `the nearest one is ${near}`}`,
    )
  }
  const values = new Map<Variable<unknown>, Given>()
  const of = Object.fromEntries(entries) as Readonly<Record<string, unknown>>
  for (const [key, value] of entries) {
    const option = fromTable.get(key)
    if (option !== undefined) values.set(option, { name: `${place}.${key}`, value })
  }
  const texts = (key: string): readonly string[] => {
    const value = of[key] ?? []
    if (Array.isArray(value) && value.every((word) => typeof word === 'string')) return value
    throw wrongValue({ name: `${place}.${key}`, value }, 'a list of strings')
  }
  const text = (key: string): string | undefined => {
    const value = of[key]
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    throw wrongValue({ name: `${place}.${key}`, value }, 'a text that is not empty')
  }
  return {
    name,
    aliases: [],
    place,
    placeOf: (key) => [place, ...key].join('.'),
    command: texts('command'),
    handler: text('handler'),
    cwd: resolve(folder, text('cwd') ?? '.'),
    directory: folder,
    environment: variablesOf(`${place}.env`, of.env ?? {}),
    layers: texts('layers').map((layer) => resolve(folder, layer)),
    url: of.functionUrl === undefined || of.functionUrl === false ? null : { path: null },
    values,
    broken: null,
    namesUrls: false,
  }
}

function variablesOf(name: string, value: unknown): Record<string, string> {
  const is =
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'string')
  if (is) return value as Record<string, string>
  throw wrongValue({ name, value }, 'an object of strings')
}
