/** What the value of an option may be, and how a text, or the value of an embedding program, becomes it. */

/** What the user got wrong. The message names the flag or variable; the program prints it and ends with `exitCode`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly exitCode = 2
}

/** How an option is read. Both functions give undefined for what `allowed` does not cover. */
export interface Kind<T> {
  /** shown in the help after the flag; null for a switch, whose flag takes no value */
  readonly placeholder: string | null
  /** of a switch that may have a value behind `=`: that value, as shown in the help */
  readonly inline?: string
  readonly allowed: string
  /** From the command line or a variable. */
  read(text: string): T | undefined
  /** From a program, which says numbers as numbers and switches as booleans. */
  accept(value: unknown): T | undefined
  /** the value is the text itself, so that a default, which is a right one, need not be read */
  readonly isText?: boolean
  /** what `accept` covers, where that is said in other words */
  readonly accepted?: string
  /** What is wrong with a value that is none, where that is more than one sentence could say for all. */
  problem?(value: unknown): string
}

/**
 * A listen address. Port 0 asks the system for a free one; `hostname` is without brackets, and empty for every address
 * of the machine, IPv6 included.
 */
export interface Address {
  readonly hostname: string
  readonly port: number
}

/** Names that stand for themselves, for `choice`. */
export function same<T extends string>(names: readonly T[]): Record<string, T> {
  return Object.fromEntries(names.map((name) => [name, name])) as Record<string, T>
}

function fromText<T>(
  placeholder: string | null,
  allowed: string,
  read: (text: string) => T | undefined,
): Kind<T> {
  return {
    placeholder,
    allowed,
    read,
    accept: (value) => (typeof value === 'string' ? read(value) : undefined),
  }
}

/** One of several names, in any case of letters. */
export function choice<T>(values: Readonly<Record<string, T>>): Kind<T> {
  const byName = new Map(Object.entries(values))
  const allowed = `one of ${[...byName.keys()].join(', ')}`
  return fromText('name', allowed, (name) => byName.get(name.toLowerCase()))
}

/** By hand: an expression costs a start 20 µs for being made, and nearly every start reads a number. */
function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 48 || code > 57) return false
  }
  return text !== ''
}

/** A whole number, which is multiplied by `factor`. */
export function wholeNumber(placeholder: string, min: number, max: number, factor = 1): Kind<number> {
  const inRange = (value: number): number | undefined =>
    value >= min && value <= max ? value * factor : undefined
  return {
    placeholder,
    allowed: `a whole number from ${min} to ${max}`,
    read: (text) => (isDigits(text) ? inRange(Number(text)) : undefined),
    accept: (value) => (Number.isInteger(value) ? inRange(value as number) : undefined),
  }
}

/** Read into milliseconds; a timer of more than 2^31 - 1 of them would fire at once. */
export function seconds(min: number): Kind<number> {
  return wholeNumber('seconds', min, 2147483, 1000)
}

/** Numbers of seconds with commas between them, each with or without a fraction, read into milliseconds. */
export const secondsList: Kind<readonly number[]> = {
  placeholder: 'seconds,…',
  allowed: 'numbers of seconds from 0 to 21600, as 60,120 or 0.5',
  read(given) {
    const parts = given.split(',').map((part) => part.trim())
    return parts.every((part) => /^[0-9]+(\.[0-9]+)?$/.test(part)) ? delays(parts.map(Number)) : undefined
  },
  accepted: 'a list of numbers of seconds from 0 to 21600',
  accept: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'number')
      ? delays(value)
      : undefined,
}

function delays(seconds: readonly number[]): readonly number[] | undefined {
  return seconds.every((one) => one >= 0 && one <= 21600)
    ? seconds.map((one) => Math.round(one * 1000))
    : undefined
}

/** A text that matches an expression. */
export function pattern(placeholder: string, allowed: string, expression: RegExp): Kind<string> {
  const read = (text: string): string | undefined => (expression.test(text) ? text : undefined)
  return { ...fromText(placeholder, allowed, read), isText: true }
}

export function text(placeholder: string): Kind<string> {
  return pattern(placeholder, 'a text that is not empty', /./s)
}

/** A text that becomes a header of HTTP: of Latin-1, and without control characters. */
export function headerText(placeholder: string, example = ''): Kind<string> {
  return pattern(
    placeholder,
    `${example}a text of Latin-1 letters without control characters, because it is sent in a header`,
    /^[ -~\u00a0-\u00ff]+$/,
  )
}

const words = choice<boolean>({
  on: true,
  true: true,
  yes: true,
  1: true,
  off: false,
  false: false,
  no: false,
  0: false,
})

/** A switch: its flag takes no value, its variable takes a word. */
export const onOff: Kind<boolean> = {
  ...words,
  placeholder: null,
  accepted: 'true or false',
  accept: (value) => (typeof value === 'boolean' ? value : undefined),
}

/**
 * A switch whose flag may name patterns of files behind `=`, with commas between them; a comma in braces belongs to its
 * pattern. On without a pattern is the empty list, off is null.
 */
export const globs: Kind<readonly string[] | null> = {
  placeholder: null,
  inline: 'glob,…',
  allowed: 'on, off or patterns of files, as src/**/*.ts,config.json',
  read(given) {
    const word = words.read(given)
    if (word !== undefined) return word ? [] : null
    const list = given.split(/,(?![^{]*\})/).map((one) => one.trim())
    return list.every((one) => one !== '') ? list : undefined
  },
  accepted: 'true, false or a list of patterns',
  accept(value) {
    if (typeof value === 'boolean') return value ? [] : null
    const isList = Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '')
    return isList ? value : undefined
  },
}

/** Splits `host:port`, `[v6]:port` or `:port`; no host means every address. Names of ports are not looked up. */
export const address: Kind<Address> = fromText(
  'host:port',
  'host:port with a port from 0 to 65535 (as 127.0.0.1:9001, [::1]:9001 or :9001)',
  (given) => {
    const found = /^(?:\[([0-9a-f.]*:[0-9a-f:.]*(?:%[\w.-]+)?)\]|([^\s:/[\]]*)):([0-9]+)$/i.exec(given)
    if (found === null || Number(found[3]) > 65535) return undefined
    return { hostname: found[1] ?? (found[2] as string), port: Number(found[3]) }
  },
)

/** An option that is off when it is not given; its value is null then. */
export function optional<T>(kind: Kind<T>): Kind<T | null> {
  return { ...kind, isText: false, read: (text) => (text === '' ? null : kind.read(text)) }
}

/** A text with a form of its own: `parse` gives its value, or a sentence about what is wrong. Programs may give data. */
export function parsed<T extends object>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T | string,
  textOf: (value: unknown) => string | undefined,
): Kind<T> {
  const valid = (text: string): T | undefined => {
    const value = parse(text)
    return typeof value === 'string' ? undefined : value
  }
  const given = (value: unknown): string => textOf(value) ?? ''
  return {
    placeholder,
    allowed,
    read: valid,
    accept: (value) => valid(given(value)),
    problem: (value) => {
      const problem = parse(typeof value === 'string' ? value : given(value))
      return typeof problem === 'string' ? problem : ''
    },
  }
}

/** Where a debugger reaches the function. A path that nobody can guess keeps web pages out; without one it is made up. */
export interface InspectorAddress {
  readonly hostname: string
  readonly port: number
  /** with its slash; empty when none was given */
  readonly path: string
}

/** Bun's own port, and the machine alone. */
const inspectorHere: InspectorAddress = { hostname: '127.0.0.1', port: 6499, path: '' }

function inspectorAddress(given: string): InspectorAddress | undefined {
  const found = /^(?:ws:\/\/)?(?:(\[[0-9a-f:.]+\]|[^\s:/[\]]+):)?([0-9]+)(\/[\w/.-]*)?$/i.exec(given)
  if (found === null || Number(found[2]) < 1 || Number(found[2]) > 65535) return undefined
  const hostname = found[1]?.replace(/^\[(.*)\]$/, '$1') ?? inspectorHere.hostname
  return { hostname, port: Number(found[2]), path: found[3] ?? '' }
}

/** A switch that may be given an address to listen on. */
export const inspector: Kind<InspectorAddress | null> = {
  placeholder: null,
  inline: 'address',
  allowed: 'on, off or an address, as 6499, 0.0.0.0:6499 or 127.0.0.1:6499/path',
  read(given) {
    const word = words.read(given)
    if (word !== undefined && given !== '1' && given !== '0') return word ? inspectorHere : null
    return inspectorAddress(given)
  },
  accept: (value) => (typeof value === 'string' ? inspectorAddress(value) : undefined),
}
