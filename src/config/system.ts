/**
 * Several functions: what each is told, from wherever it comes, becomes the configuration of each, and what speaks
 * against them is told at once. Loaded where there are several.
 */

import { parseTarget } from '../gateway/request.ts'
import type { Config, FunctionConfig, SystemConfig } from './config.ts'
import { configure, type FunctionsOutside } from './configure.ts'
import type { DocumentPath } from './document.ts'
import { ConfigError } from './kinds.ts'
import { type Option, ownOptions, type Variable } from './options.ts'
import type { Given } from './variables.ts'

/** One function as it was found, whether in a file of functions, a template, or a program. Paths are absolute. */
export interface FunctionSetup {
  readonly name: string
  /** other names by which it answers */
  readonly aliases: readonly string[]
  /** where it stands, for people */
  readonly place: string
  placeOf(key: DocumentPath): string
  readonly command: readonly string[]
  readonly handler: string | undefined
  /** working directory and task root */
  readonly cwd: string
  /** where relative paths of destinations start */
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
  /** folders, the first one lowest */
  readonly layers: readonly string[]
  /** null: it has no Function URL; `path`: its prefix on the address of all, null for a listener of its own */
  readonly url: { readonly path: string | null } | null
  /** what was said of options, with the place; all else comes from the flags */
  readonly values: ReadonlyMap<Variable<unknown>, Given>
  /** why it cannot run, in words for whoever calls it; null: nothing is known to speak against it */
  readonly broken: string | null
  /** the values of its variables have markers for addresses of Function URLs, see `urlMarker` */
  readonly namesUrls: boolean
}

/** What a file names, and what is wrong with it, a line each. */
export interface FoundFunctions {
  /** in its order */
  readonly setups: readonly FunctionSetup[]
  readonly mistakes: readonly string[]
  readonly warnings: readonly string[]
}

/** Throws `ConfigError` that names all mistakes, a line each. */
export function configureSystem(found: FoundFunctions, outside: FunctionsOutside): SystemConfig {
  const { setups } = found
  const mistakes = [...found.mistakes]
  const names = new Set(setups.flatMap(({ name, aliases }) => [name, ...aliases]))
  const configs: Config[] = []
  let inspectors = 0
  for (const setup of setups) {
    const problems = problemsOf(setup, outside)
    mistakes.push(...problems)
    if (problems.length > 0) continue
    try {
      const config = configure(outsideOf(setup, outside, names, inspectors))
      if (config.function.inspect !== null) inspectors++
      configs.push(config)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      // what the file says is told with its line, what a flag says is not
      const { message } = error
      mistakes.push(/:\d+: /.test(message) ? message : `${setup.place}: ${message}`)
    }
  }
  mistakes.push(...sharedUrls(setups))
  if (mistakes.length > 0) throw new ConfigError([...new Set(mistakes)].toSorted(byLine).join('\n'))
  const [first] = configs
  if (first === undefined) throw new ConfigError('there is no function to run')
  checkInspectors(configs, outside)
  return {
    emulator: {
      ...first.emulator,
      debug: configs.some(({ emulator }) => emulator.debug),
      eagerInit: configs.some(({ emulator }) => emulator.eagerInit),
    },
    functions: configs.map((config) => config.function) as [FunctionConfig, ...FunctionConfig[]],
    warnings: [
      ...new Set([...found.warnings, ...configs.flatMap(({ warnings }) => warnings), ...aboutLayers(setups)]),
    ],
  }
}

/** A debugger that no function can have is a mistake. Throws `ConfigError`. */
function checkInspectors(configs: readonly Config[], { source }: FunctionsOutside): void {
  const asked = [ownOptions.inspectBrk, ownOptions.inspect].flatMap((option) => {
    const given = source(option)
    const isOn = given !== undefined && (!('text' in given) || option.kind.read(given.text) !== null)
    return isOn ? [given] : []
  })[0]
  if (asked === undefined || configs.some(({ function: { inspect } }) => inspect !== null)) return
  throw new ConfigError(
    `${asked.name} is for functions with a handler, and there is none; for other runtimes use --debug, and their own debuggers`,
  )
}

/** Told once: images find layers elsewhere. */
function aboutLayers(setups: readonly FunctionSetup[]): string[] {
  const has = setups.some(({ layers }) => layers.length > 0)
  return has
    ? ['layers stay in their folders and are found by PATH, PYTHONPATH and NODE_PATH: /opt is not touched']
    : []
}

/** As they stand in the file. */
function byLine(one: string, other: string): number {
  const line = (text: string): number => Number(/:(\d+): /.exec(text)?.[1] ?? 0)
  return line(one) - line(other)
}

/** What the options cannot say. */
function problemsOf(setup: FunctionSetup, { probe, source }: FunctionsOutside): string[] {
  const problems: string[] = []
  const { command, handler, cwd, layers, url, broken } = setup
  if (command.length === 0 && handler === undefined && broken === null) {
    problems.push(`${setup.place} has nothing to run: give it a command, or a handler as index.handler`)
  }
  if (probe.look(cwd) !== 'directory' && broken === null) {
    problems.push(`${setup.placeOf(['cwd'])} is ${JSON.stringify(cwd)}; there is no such folder`)
  }
  for (const [index, layer] of layers.entries()) {
    if (probe.look(layer) === 'directory') continue
    problems.push(`${setup.placeOf(['layers', index])} is ${JSON.stringify(layer)}; there is no such folder`)
  }
  if (url?.path && source(ownOptions.functionUrl) === undefined) {
    problems.push(
      `${setup.placeOf(['functionUrl', 'path'])} is a path on --function-url-address, which is not given`,
    )
  }
  return problems
}

/** Paths that two functions have. */
function sharedUrls(setups: readonly FunctionSetup[]): string[] {
  const seen = new Map<string, string>()
  return setups.flatMap(({ name, url, placeOf }) => {
    if (!url?.path) return []
    const other = seen.get(url.path)
    seen.set(url.path, name)
    return other === undefined ? [] : [`${placeOf(['functionUrl', 'path'])} is that of ${other} too`]
  })
}

/** Options for which a function of several has nothing but what was said of itself. */
const ownOnly: ReadonlySet<Variable<unknown> | Option<unknown>> = new Set([
  ownOptions.handler,
  ownOptions.functionName,
  ownOptions.taskRoot,
  ownOptions.attach,
])

function outsideOf(
  setup: FunctionSetup,
  outside: FunctionsOutside,
  names: ReadonlySet<string>,
  inspectors: number,
) {
  const { name, aliases, command, handler, cwd, layers, url, values } = setup
  const environment = { ...outside.environment, ...setup.environment }
  const flags = outside.sourceWith(environment)
  const own = new Map<Variable<unknown>, Given>(values)
  own.set(ownOptions.functionName, { name: setup.place, value: name })
  own.set(ownOptions.taskRoot, { name: setup.place, value: cwd })
  if (handler !== undefined) own.set(ownOptions.handler, { name: setup.placeOf(['handler']), value: handler })
  function source(option: Variable<unknown>): Given | undefined {
    const given = own.get(option)
    if (given !== undefined) return given
    return ownOnly.has(option) ? undefined : flags(option)
  }
  return {
    ...outside,
    source: withUrl(source, url),
    command,
    served: handler === undefined ? undefined : { name: setup.placeOf(['handler']), handler },
    probe: { ...outside.probe, cwd: () => cwd },
    taskRoot: cwd,
    directory: setup.directory,
    environment,
    sample: undefined,
    system: {
      aliases,
      layers,
      urlPath: url?.path ?? null,
      broken: setup.broken,
      namesUrls: setup.namesUrls,
      inspectors,
      isOther: (other: string) => {
        const found = nameIn(other)
        return names.has(found) && found !== name && !aliases.includes(found)
      },
    },
  }
}

/** The address of all is for those with a path; a URL without one or an address has a free port of this machine. */
function withUrl(source: FunctionsOutside['source'], url: FunctionSetup['url']): FunctionsOutside['source'] {
  return (option) => {
    if (option !== ownOptions.functionUrl) return source(option)
    if (url === null) return undefined
    const given = source(option)
    if (url.path !== null || (given !== undefined && 'value' in given)) return given
    return { name: 'the default', text: '127.0.0.1:0' }
  }
}

/** The name in a whole or partial ARN. */
function nameIn(target: string): string {
  const parsed = parseTarget(target, null)
  return 'name' in parsed ? parsed.name : target
}
