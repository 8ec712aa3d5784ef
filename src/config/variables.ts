/**
 * The environment of the function: this program's own, with what `--env-file` and `--env` add. `--env` goes before the
 * environment, and the environment before a file, as with Node, Bun and dotenv; nothing is read without being named.
 */

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError } from './kinds.ts'
import { type Option, ownOptions, sharedOptions, type Variable, variableOptions } from './options.ts'

/** What was given for an option: a text from the command line or a variable, or the value of an embedding program. */
export type Given = { readonly name: string } & (
  | { readonly text: string; readonly variable?: true }
  | { readonly value: unknown }
)

/** Where the value of an option comes from; undefined when nobody gave one. */
export type Source = (option: Variable<unknown>) => Given | undefined

/** The error that names an option, what was given, and what is allowed. */
export function wrongValue(given: Given, allowed: string): ConfigError {
  const shown = 'text' in given ? JSON.stringify(given.text) : Bun.inspect(given.value)
  return new ConfigError(`${given.name} is ${shown}; allowed is ${allowed}`)
}

/** Variables that are set. */
export function definedOnly(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const defined: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) defined[name] = value
  return defined
}

/** Adds what the flags say to the environment. Throws `ConfigError` for a file that cannot be read. */
export function withFlags(
  environment: Readonly<Record<string, string>>,
  repeated: ReadonlyMap<string, readonly string[]>,
  cwd: string,
): Record<string, string> {
  const files = repeated.get(ownOptions.environmentFile.flag) ?? []
  const { flag, kind } = ownOptions.environment
  const single = repeated.get(flag) ?? []
  for (const text of single) {
    if (kind.read(text) === undefined) throw wrongValue({ name: flag, text }, kind.allowed)
  }
  return {
    ...Object.assign({}, ...files.map((file) => fromFile(file, cwd))),
    ...environment,
    ...Object.fromEntries(
      single.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  }
}

function fromFile(file: string, cwd: string): Record<string, string> {
  const { flag } = ownOptions.environmentFile
  try {
    const text = readFileSync(resolve(cwd, file), 'utf8')
    // Loaded only where there is a file: it takes a millisecond. Node reads its own --env-file with it.
    const { parseEnv } = require('node:util') as typeof import('node:util')
    return definedOnly(parseEnv(text))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : message
    throw new ConfigError(`${flag}: ${file} cannot be read: ${why}`)
  }
}

/** The variables of all options. */
function namesOfOurs(): string[] {
  const all: (Variable<unknown> | Option<unknown>)[] = [
    ...Object.values(sharedOptions),
    ...Object.values(ownOptions),
    ...Object.values(variableOptions),
  ]
  return all.flatMap(({ variables }) => variables)
}

/**
 * Carriage returns at the end of variables of ours, which an `.env` with Windows line ends leaves there, are cut off:
 * they fit into no header and into no number. All other variables are passed on byte for byte.
 */
export function withoutCarriageReturns(
  environment: Readonly<Record<string, string>>,
  warnings: string[],
): Record<string, string> {
  const suspects = Object.keys(environment).filter((name) => environment[name]?.endsWith('\r'))
  // which is nearly always so: then the options are not gone through
  if (suspects.length === 0) return { ...environment }
  const clean = { ...environment }
  for (const name of namesOfOurs()) {
    if (!suspects.includes(name)) continue
    clean[name] = environment[name]!.replace(/\r+$/, '')
    warnings.push(
      `${name} ends with a carriage return, which is cut off: does it come from a file with Windows line ends?`,
    )
  }
  return clean
}

/** What the environment says of an option; an empty variable counts as absent. */
export function variableOf(
  option: Variable<unknown>,
  environment: Readonly<Record<string, string>>,
): Given | undefined {
  for (const name of option.variables) {
    const text = environment[name]
    if (text) return { name, text, variable: true }
  }
  return undefined
}

const ours = 'AWS_LAMBDA_RIE_'

/** A warning for each variable that looks like one of ours and is none. */
export function unknownVariables(environment: Readonly<Record<string, string>>): string[] {
  const candidates = Object.keys(environment).filter((name) => name.startsWith(ours))
  if (candidates.length === 0) return []
  const known = namesOfOurs().filter((name) => name.startsWith(ours))
  const unknown = candidates.filter((name) => !known.includes(name))
  if (unknown.length === 0) return []
  const { nearest } = require('./suggest.ts') as typeof import('./suggest.ts')
  return unknown.map((name) => {
    const near = nearest(
      name.slice(ours.length),
      known.map((each) => each.slice(ours.length)),
    )
    const advice = near === undefined ? '' : `; the nearest one is ${ours}${near}`
    return `${name} is no variable of this emulator${advice}`
  })
}
