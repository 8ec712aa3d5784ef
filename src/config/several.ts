/** The command line of several functions. Loaded where a file of them is named. */

import type { CommandLine } from './command-line.ts'
import type { FunctionsOutside, SystemConfig } from './config.ts'
import { readFunctions } from './functions-file.ts'
import { ConfigError } from './kinds.ts'
import { ownOptions } from './options.ts'
import { configureSystem } from './system.ts'

/** Flags that say what one function is. */
const ofOne = [ownOptions.handler, ownOptions.functionName, ownOptions.taskRoot, ownOptions.attach]

/** Throws `ConfigError`, for a flag that is for one function too. */
export function several(line: CommandLine, outside: FunctionsOutside): SystemConfig {
  const given = outside.source(ownOptions.functions)
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
  return configureSystem(readFunctions(file, outside), outside)
}
