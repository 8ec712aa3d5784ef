/** The command line of several functions. Loaded where a file of them is named. */

import { resolve } from 'node:path'
import type { CommandLine } from './command-line.ts'
import type { SystemConfig } from './config.ts'
import type { FunctionsOutside } from './configure.ts'
import { readDocument } from './document.ts'
import { readFunctions } from './functions-file.ts'
import { ConfigError } from './kinds.ts'
import { ownOptions, variableOptions } from './options.ts'
import { configureSystem, type FoundFunctions } from './system.ts'

/** Flags that say what one function is. */
const ofOne = [ownOptions.handler, ownOptions.functionName, ownOptions.taskRoot, ownOptions.attach]
/** Flags that a template needs. */
const ofTemplate = [ownOptions.parameterOverrides, ownOptions.environmentVariables]

/** Throws `ConfigError`, for a flag that is for one function too. */
export function several(line: CommandLine, outside: FunctionsOutside): SystemConfig {
  const [functions, template] = [ownOptions.functions, ownOptions.template].map(outside.source)
  if (functions !== undefined && template !== undefined) {
    throw new ConfigError(`${functions.name} and ${template.name} both say what runs; leave one of them out`)
  }
  const given = functions ?? template
  const file = given !== undefined && 'text' in given ? given.text : ''
  const name = given?.name ?? ''
  const [word] = line.command
  if (word !== undefined) {
    throw new ConfigError(
      `${name} names what runs, so the command ${JSON.stringify(word)} would not; leave one of them out`,
    )
  }
  for (const { flag } of ofOne) {
    if (line.flags.has(flag)) {
      throw new ConfigError(`${flag} is for one function; with ${name} it belongs into ${file}`)
    }
  }
  if (template === undefined) {
    const stray = ofTemplate.find(({ flag }) => line.flags.has(flag) || line.repeated.has(flag))
    if (stray !== undefined) throw new ConfigError(`${stray.flag} is for --template`)
    return configureSystem(readFunctions(file, outside), outside)
  }
  return configureSystem(fromTemplate(file, line, outside), outside)
}

function fromTemplate(file: string, line: CommandLine, outside: FunctionsOutside): FoundFunctions {
  const { readTemplate } = require('../template/functions.ts') as typeof import('../template/functions.ts')
  const { parseEnvironmentFile, parseOverrides } =
    require('../template/parameters.ts') as typeof import('../template/parameters.ts')
  const cwd = outside.probe.cwd()
  const variables = line.flags.get(ownOptions.environmentVariables.flag)
  const read = (path: string): unknown => readDocument(path, resolve(cwd, path), undefined, 'json').value
  const known = new Map<string, boolean>()
  return readTemplate(file, {
    cwd,
    region: textOf(outside, variableOptions.region),
    accountId: textOf(outside, variableOptions.accountId),
    overrides: parseOverrides((line.repeated.get(ownOptions.parameterOverrides.flag) ?? []).join(' ')),
    environmentFile: variables === undefined ? {} : parseEnvironmentFile(variables, read(variables)),
    hasFlag: (option) => outside.source(option) !== undefined,
    hasPythonClient(folder) {
      const found = known.get(folder) ?? python().hasRuntimeClient(folder, outside.environment)
      known.set(folder, found)
      return found
    },
  })
}

function textOf(
  { source }: FunctionsOutside,
  option: (typeof variableOptions)['region' | 'accountId'],
): string {
  const given = source(option)
  return given !== undefined && 'text' in given ? given.text : option.fallback
}

function python(): typeof import('../process/python.ts') {
  return require('../process/python.ts')
}
