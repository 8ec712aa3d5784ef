/**
 * Separates the emulator's options from the command (behaviour.md 1.1 to 1.5). What the reference has is recognised
 * anywhere before `--`, as people put it after the command; ours only before the command, whose own options they would
 * be otherwise.
 *
 * By hand: `util.parseArgs` costs a millisecond of a start that takes thirteen, knows no options that count only before
 * the command, and takes `-abc` of a command apart.
 */

import { ConfigError } from './kinds.ts'
import { type Option, ownOptions, sharedOptions } from './options.ts'

/** What was found. Values are looked at later, so that `--help` works beside a wrong one. */
export interface CommandLine {
  readonly flags: ReadonlyMap<string, string>
  /** the values of flags that may be repeated, in their order */
  readonly repeated: ReadonlyMap<string, readonly string[]>
  readonly command: readonly string[]
}

function byFlag(table: Record<string, Option<unknown>>): [string, Option<unknown>][] {
  return Object.values(table).map((option) => [option.flag, option])
}

const anywhere = new Map(byFlag(sharedOptions))
const beforeCommand = new Map([...anywhere, ...byFlag(ownOptions)])
const known = ['--help', '-h', '--version', ...beforeCommand.keys()]

/** Loaded for a slip only. */
function suggestions(): typeof import('./suggest.ts') {
  return require('./suggest.ts')
}

/** `--name=value` in two; the value is undefined where none is there. */
function partsOf(argument: string): [name: string, value: string | undefined] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1
  return at <= 2 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)]
}

/** A negative number is a value, a wrong one; everything else with a dash is the next option. */
function isOption(argument: string): boolean {
  return /^-[^0-9]/.test(argument)
}

/** Reads the arguments behind the program's name. Throws `ConfigError`. */
export function scan(argv: readonly string[]): CommandLine | 'help' | 'version' {
  const flags = new Map<string, string>()
  const repeated = new Map<string, string[]>()
  const command: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    const leading = command.length === 0
    if (argument === '--') {
      // A `--` after the command is the command's own, as it is for the reference; here it only ends our look-out.
      command.push(...argv.slice(leading ? at + 1 : at))
      break
    }
    if (leading && (argument === '--help' || argument === '-h')) return 'help'
    if (leading && argument === '--version') return 'version'
    const [name, inline] = partsOf(argument)
    const option = (leading ? beforeCommand : anywhere).get(name)
    if (option === undefined) {
      if (leading && inline !== undefined && known.includes(name))
        throw new ConfigError(`${name} takes no value`)
      if (leading && isOption(argument)) {
        throw new ConfigError(`unknown option ${name}${suggestions().adviceOn(name, known)}`)
      }
      command.push(argument)
    } else if (option.kind.placeholder === null) {
      if (inline !== undefined && option.kind.inline === undefined) {
        throw new ConfigError(`${name} takes no value`)
      }
      if (inline === '') throw new ConfigError(`${name}= needs a value; allowed is ${option.kind.allowed}`)
      flags.set(name, inline ?? 'on')
    } else {
      const value = inline ?? argv[++at]
      if (value === '' && option === sharedOptions.logLevel) {
        // The reference falls back to LOG_LEVEL here. Every other empty flag is wrong, there as here.
        flags.delete(name)
      } else if (!value || (inline === undefined && isOption(value))) {
        throw new ConfigError(`${name} needs a value; allowed is ${option.kind.allowed}`)
      } else if (option.repeatable) {
        repeated.set(name, [...(repeated.get(name) ?? []), value])
      } else {
        // The reference takes a value out of double quotes that survived the shell.
        flags.set(
          name,
          anywhere.has(name) && value.startsWith('"') ? value.replace(/^"(.*)"$/s, '$1') : value,
        )
      }
    }
  }
  return { flags, repeated, command }
}
