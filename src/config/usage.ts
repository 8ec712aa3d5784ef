/** Texts made from the table of options: `--help`, and the table in the README. */

import type { Kind } from './kinds.ts'
import { type Option, ownOptions, sharedOptions, type Variable, variableOptions } from './options.ts'

function row(option: Variable<unknown> | Option<unknown>): string {
  const names = 'flag' in option ? [option.flag, ...option.variables] : option.variables
  const value = placeholderOf(option.kind)
  const fallback = option.fallback === '' ? '' : ` (default ${option.fallback})`
  return `  ${names.join(', ')}${value}${fallback}\n      ${option.help}\n`
}

/** How the value of an option is shown behind its name. */
function placeholderOf({ placeholder, inline }: Kind<unknown>): string {
  if (placeholder !== null) return ` <${placeholder}>`
  return inline === undefined ? '' : `[=<${inline}>]`
}

function rows(table: Record<string, Variable<unknown>>): string {
  return Object.values(table).map(row).join('')
}

/** The text of `--help`. */
export function usage(): string {
  return `Usage: aws-lambda-rie [option]... [--] [command [argument]...]

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
}

/** The same as a Markdown table, for the README. */
export function optionsTable(): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const code = (text: string): string => (text === '' ? '' : `\`${text}\``)
  function line(option: Variable<unknown> | Option<unknown>): string {
    const flag = 'flag' in option ? option.flag : ''
    const value = placeholderOf(option.kind)
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
