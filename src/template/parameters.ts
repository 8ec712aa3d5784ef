/** Values of a template's parameters, as SAM's command line gives them. */

import { ConfigError } from '../config/kinds.ts'

/**
 * `A=1 B=two` or `ParameterKey=A,ParameterValue=1 …`, with quotes where a value has spaces, as
 * `sam local --parameter-overrides` takes them. Throws `ConfigError`.
 */
export function parseOverrides(text: string): Record<string, string> {
  const overrides: Record<string, string> = {}
  const words = text.match(/(?:[^\s"']+|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? []
  for (const word of words) {
    const pair =
      /^ParameterKey=([^,]+),ParameterValue=([\s\S]*)$/.exec(word) ?? /^([^=]+)=([\s\S]*)$/.exec(word)
    if (pair === null) {
      throw new ConfigError(
        `--parameter-overrides: ${JSON.stringify(word)} is no pair; write NAME=VALUE, or ParameterKey=NAME,ParameterValue=VALUE`,
      )
    }
    overrides[unquoted(pair[1] as string)] = unquoted(pair[2] as string)
  }
  return overrides
}

function unquoted(text: string): string {
  const found = /^(["'])([\s\S]*)\1$/.exec(text)
  if (found === null) return text
  return found[1] === '"' ? (found[2] as string).replace(/\\(["\\])/g, '$1') : (found[2] as string)
}

/** Variables by the name of a function; `Parameters` are for all. */
export type EnvironmentFile = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What is in the file of `--env-vars`. Throws `ConfigError`. */
export function parseEnvironmentFile(file: string, value: unknown): EnvironmentFile {
  if (!isObject(value)) throw new ConfigError(`--env-vars: ${file} has no object of functions`)
  return Object.fromEntries(
    Object.entries(value).map(([name, variables]) => {
      if (!isObject(variables)) {
        throw new ConfigError(`--env-vars: ${file}: ${name} has to be an object of variables`)
      }
      const texts = Object.entries(variables).map(([variable, text]) => [
        variable,
        text === null ? '' : String(text),
      ])
      return [name, Object.fromEntries(texts)]
    }),
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
