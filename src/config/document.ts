/**
 * A file of JSON with comments, or of YAML, as data that knows its lines. The libraries give positions, which Bun's own
 * parsers do not; they are loaded with the first file that needs one.
 */

import { readFileSync } from 'node:fs'
import type { Node as JsonNode } from 'jsonc-parser'
import type * as Yaml from 'yaml'
import { ConfigError } from './kinds.ts'
import { type KeyLines, readPlainYaml } from './plain-yaml.ts'

/** Where something stands in a document: the keys and indices that lead to it. */
export type DocumentPath = readonly (string | number)[]

export interface ParsedDocument {
  /** as it was given */
  readonly file: string
  /** objects, lists and scalars */
  readonly value: unknown
  /** The line, from 1, of what stands there, or of the nearest thing around it that is there. */
  lineOf(path: DocumentPath): number
}

/** What a short tag of YAML stands for: the key of an object that has the tagged value; undefined: no such tag. */
export type TagKey = (tag: string) => string | undefined

/**
 * Throws `ConfigError` that names all mistakes of the syntax with their lines. `path` is absolute, `file` is shown. Which
 * syntax it is, says the name; CloudFormation's `.template` may be both.
 */
export function readDocument(
  file: string,
  path: string,
  tagKey: TagKey = () => undefined,
  syntax: 'json' | 'by name' = 'by name',
): ParsedDocument {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new ConfigError(`${file} cannot be read: ${why}`)
  }
  // editors on Windows put a byte-order mark before it
  text = text.replace(/^\ufeff/, '')
  const lines: KeyLines = new WeakMap()
  const isJson =
    syntax === 'json' || /\.jsonc?$/i.test(path) || (/\.template$/i.test(path) && /^\s*\{/.test(text))
  const value = isJson ? fromJson(file, text, lines) : fromYaml(file, text, lines, tagKey)
  return { file, value, lineOf: (at) => lineIn(lines, value, at) }
}

function lineIn(lines: KeyLines, value: unknown, path: DocumentPath): number {
  let line = 1
  let at = value
  for (const key of path) {
    if (typeof at !== 'object' || at === null) break
    line = lines.get(at)?.get(key) ?? line
    at = (at as Record<string | number, unknown>)[key]
  }
  return line
}

/** Throws what is wrong, a line each. */
function fail(file: string, mistakes: readonly (readonly [line: number, text: string])[]): void {
  if (mistakes.length === 0) return
  throw new ConfigError(mistakes.map(([line, text]) => `${file}:${line}: ${text}`).join('\n'))
}

function fromJson(file: string, text: string, lines: KeyLines): unknown {
  // its other build asks for its parts by names that a compiled program has none of
  const { parseTree, printParseErrorCode } =
    require('jsonc-parser/lib/esm/main.js') as typeof import('jsonc-parser')
  const errors: { error: number; offset: number; length: number }[] = []
  const tree = parseTree(text, errors, { allowTrailingComma: true })
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const lineAt = (offset: number): number => starts.findLastIndex((start) => start <= offset) + 1
  fail(
    file,
    errors.map(({ error, offset }) => [lineAt(offset), `this is not JSON: ${printParseErrorCode(error)}`]),
  )
  const twice: [number, string][] = []
  function plain(node: JsonNode): unknown {
    if (node.type === 'array') {
      const items = node.children ?? []
      const list = items.map(plain)
      lines.set(list, new Map(items.map((item, index) => [index, lineAt(item.offset)])))
      return list
    }
    if (node.type !== 'object') return whole(node.value, text.substr(node.offset, node.length))
    const object: Record<string, unknown> = {}
    const own = new Map<string | number, number>()
    for (const { children: [key, value] = [] } of node.children ?? []) {
      if (key === undefined || value === undefined) continue
      const name = key.value as string
      const line = lineAt(key.offset)
      if (own.has(name)) twice.push([line, `${JSON.stringify(name)} stands here for the second time`])
      own.set(name, line)
      define(object, name, plain(value))
    }
    lines.set(object, own)
    return object
  }
  const value = tree === undefined ? undefined : plain(tree)
  fail(file, twice)
  return value
}

/**
 * A whole number whose digits a number would lose is the text that stands there: the zero at the front of an account's
 * id, the end of a long one.
 */
const whole = (value: unknown, text: string | undefined): unknown =>
  typeof value === 'number' && text !== undefined && losesDigits.test(text) && String(value) !== text
    ? text
    : value

const losesDigits = /^(?:0\d+|-?\d{16,})$/

/** `__proto__` is a key like any other. */
function define(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

function fromYaml(file: string, text: string, lines: KeyLines, tagKey: TagKey): unknown {
  const plain = readPlainYaml(text, lines)
  return plain === undefined ? fromAnyYaml(file, text, lines, tagKey) : plain.value
}

/** By the library: it knows all of YAML, and words for every mistake. */
export function fromAnyYaml(file: string, text: string, lines: KeyLines, tagKey: TagKey): unknown {
  const yaml = require('yaml') as typeof Yaml
  const counter = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: counter, merge: true, logLevel: 'silent' })
  fail(
    file,
    document.errors.map((error) => [
      error.linePos?.[0].line ?? 1,
      `this is not YAML: ${error.message.split(' at line ')[0]?.split('\n')[0]}`,
    ]),
  )
  const mistakes: [number, string][] = []
  /** what aliases that are being read stand for */
  const open = new Set<unknown>()
  const lineOf = (node: unknown): number => {
    const range = (node as Yaml.Node | null)?.range
    return range ? counter.linePos(range[0]).line : 1
  }
  function plain(node: unknown): unknown {
    if (yaml.isAlias(node)) return aliased(node)
    const value = bareOf(node)
    const tag = (node as Yaml.Node | null)?.tag
    if (tag === undefined || tag.startsWith('tag:yaml.org,2002:')) return value
    const key = tagKey(tag)
    if (key === undefined) {
      mistakes.push([lineOf(node), `the tag ${tag} is not known here`])
      return value
    }
    const tagged = { [key]: value }
    lines.set(tagged, new Map([[key, lineOf(node)]]))
    return tagged
  }
  function aliased(alias: Yaml.Alias): unknown {
    const named = alias.resolve(document)
    if (open.has(named)) {
      mistakes.push([lineOf(alias), `*${alias.source} stands within what it names`])
      return null
    }
    open.add(named)
    const value = plain(named)
    open.delete(named)
    return value
  }
  function bareOf(node: unknown): unknown {
    if (yaml.isSeq(node)) {
      const list = node.items.map(plain)
      lines.set(list, new Map(node.items.map((item, index) => [index, lineOf(item)])))
      return list
    }
    if (!yaml.isMap(node)) return yaml.isScalar(node) ? whole(node.value, node.source) : null
    const object: Record<string, unknown> = {}
    const own = new Map<string | number, number>()
    for (const { key, value } of node.items) {
      // of a merge the library makes a symbol
      const name = yaml.isScalar(key) ? (key.source ?? String(key.value)) : String(key)
      if (yaml.isScalar(key) && typeof key.value === 'symbol') {
        merge(object, own, plain(value))
        continue
      }
      own.set(name, lineOf(key))
      define(object, name, plain(value))
    }
    lines.set(object, own)
    return object
  }
  /** What stands here itself goes before what is merged. */
  function merge(object: Record<string, unknown>, own: Map<string | number, number>, merged: unknown): void {
    for (const one of Array.isArray(merged) ? merged : [merged]) {
      if (typeof one !== 'object' || one === null) continue
      for (const [name, value] of Object.entries(one)) {
        if (own.has(name)) continue
        own.set(name, lines.get(one)?.get(name) ?? 1)
        define(object, name, value)
      }
    }
  }
  const value = plain(document.contents)
  fail(file, mistakes)
  return value
}
