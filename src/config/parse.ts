/** The configuration of the program: its command line and its environment. */

import { version } from '../../package.json'
import { type Probe, systemProbe } from '../process/bootstrap.ts'
import { scan } from './command-line.ts'
import type { Config, SystemConfig } from './config.ts'
import { configure, type Outside } from './configure.ts'
import { ConfigError } from './kinds.ts'
import { homeOf } from './launch.ts'
import { type Option, ownOptions, sharedOptions, type Variable } from './options.ts'
import {
  definedOnly,
  type Source,
  unknownVariables,
  variableOf,
  withFlags,
  withoutCarriageReturns,
} from './variables.ts'

/** The user asked for text; it is printed on stdout and the program ends with 0. */
export type Notice =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version'; readonly text: string }

/** Flags first, then variables. */
function sourceOf(
  flags: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string>>,
  defaults: ReadonlyMap<Variable<unknown>, string>,
): Source {
  return (option) => {
    const flag = 'flag' in option ? (option as Option<unknown>).flag : ''
    const text = flags.get(flag)
    if (text !== undefined) return { name: flag, text }
    const otherwise = defaults.get(option)
    const given = variableOf(option, environment)
    return given ?? (otherwise === undefined ? undefined : { name: 'the default', text: otherwise })
  }
}

/** What is otherwise where the emulator runs from its source, on the machine of whoever writes the function. */
export interface FromSource {
  /** the handler to serve when nothing else is given */
  readonly sample?: string
  /** the listen address for callers when none is given */
  readonly gateway?: string
  /** the emulator's own folder, which `bun run dev` makes the working directory */
  readonly repository?: string
}

/**
 * Reads the command line (without the program's name) and the environment.
 *
 * Throws `ConfigError`, and nothing else, for what the user got wrong. A command that cannot run is not wrong here: it
 * is reported at the start and by each invocation (behaviour.md 1.6).
 */
export function parseConfig(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  probe: Probe = systemProbe,
  { sample, gateway, repository }: FromSource = {},
): Config | SystemConfig | Notice {
  const line = scan(argv)
  if (line === 'help') {
    const { usage } = require('./usage.ts') as typeof import('./usage.ts')
    return { kind: 'help', text: usage() }
  }
  if (line === 'version') return { kind: 'version', text: `aws-lambda-rie ${version}\n` }
  const warnings: string[] = []
  const home = homeOf(line, probe, repository)
  const placed = home === undefined ? probe : { ...probe, cwd: () => home.directory }
  const all = withFlags(
    definedOnly(env),
    line.repeated,
    line.flags.has(ownOptions.taskRoot.flag) ? probe.cwd() : placed.cwd(),
  )
  const environment = withoutCarriageReturns(all, warnings)
  const name = ownOptions.handler.flag
  const handler = home === undefined ? line.flags.get(name) : home.handler
  const defaults = new Map(gateway === undefined ? [] : [[sharedOptions.gateway, gateway]])
  const sourceWith = (of: Readonly<Record<string, string>>): Source => sourceOf(line.flags, of, defaults)
  const outside: Outside = {
    source: sourceWith(environment),
    command: line.command,
    served: handler === undefined ? undefined : { name, handler },
    environment,
    probe: placed,
    taskRoot: home?.directory,
    directory: probe.cwd(),
    sample,
    warnings: [...warnings, ...unknownVariables(environment)],
  }
  const files = [ownOptions.functions, ownOptions.template].filter(
    (option) => outside.source(option) !== undefined,
  )
  if (files.length === 0) {
    const { environmentVariables, parameterOverrides } = ownOptions
    for (const { flag } of [environmentVariables, parameterOverrides]) {
      if (line.flags.has(flag) || line.repeated.has(flag)) throw new ConfigError(`${flag} is for --template`)
    }
    return configure(outside)
  }
  const { several } = require('./several.ts') as typeof import('./several.ts')
  return several(line, { ...outside, probe, sourceWith })
}
