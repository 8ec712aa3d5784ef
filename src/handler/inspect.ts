/**
 * What can be said of a handler before it is called: which file and export it is, why it cannot be served, and what of
 * it would not run on Lambda. Reads files, runs none of them.
 */

import { readFileSync, statSync } from 'node:fs'
import { extname, relative } from 'node:path'
import { findBunOnly } from './bun-only.ts'
import { sampleHandler } from './command.ts'
import {
  type HandlerName,
  hintForEnding,
  hintForMissing,
  locate,
  nearest,
  parseHandler,
  siblings,
} from './locate.ts'
import { mask } from './mask.ts'

/** What was found. */
export interface Inspected {
  /** absolute; undefined when there is none */
  readonly file: string | undefined
  /** the path of the export within it */
  readonly exported: string
  /** why every invocation will fail; undefined when nothing speaks against it */
  readonly problem: string | undefined
  /** what is odd but runs here */
  readonly warnings: readonly string[]
}

/** Larger files take longer to look at than it is worth. */
const maxBytes = 1024 * 1024

const defaultFunction = /\bexport\s+default\s+(?:async\b\s*)?(?:function\b|\([^()]*\)[^=;{}()]*=>|\w+\s*=>)/

/** The names that a module exports, when its text says them all; undefined for CommonJS, and when it re-exports. */
function exportsOf(file: string): string[] | undefined {
  try {
    if (statSync(file).size > maxBytes) return undefined
    const code = readFileSync(file, 'utf8')
    const ending = extname(file).slice(1)
    const loader = ending.endsWith('x') ? (ending as 'tsx' | 'jsx') : ending.includes('t') ? 'ts' : 'js'
    const { exports } = new Bun.Transpiler({ loader }).scan(code)
    // of an object that is the default export, its methods are served too
    const isOpen = exports.includes('default') && !defaultFunction.test(mask(code))
    return /\bexport\s*\*/.test(code) || exports.length === 0 || isOpen ? undefined : exports
  } catch {
    return undefined
  }
}

function missingExport(file: string, name: string, parsed: HandlerName): string | undefined {
  const hint = hintForEnding(parsed, file)
  if (hint !== '') return hint
  const exports = exportsOf(file)
  const [first = ''] = parsed.exported.split('.')
  if (exports === undefined || exports.includes(first)) return undefined
  const near = exports.join() === 'default' ? `${parsed.module}.default` : nearest(first, exports)
  const meant = near === undefined ? '' : `; did you mean ${near}?`
  return `${name} is not exported: ${file} exports ${exports.join(', ')}${meant}`
}

/** A file that is passed over for another, and is newer: the build beside it is probably stale. */
function staleness(file: string): string[] {
  const { mtimeMs } = statSync(file)
  return siblings(file)
    .filter((other) => statSync(other).mtimeMs > mtimeMs)
    .map((other) => `${file} is served, although ${other} beside it is newer: is it a stale build?`)
}

/**
 * Looks at a handler as it would be served from `cwd`, then from `taskRoot`. Never throws.
 */
export function inspectHandler(name: string, cwd: string, taskRoot: string | undefined): Inspected {
  const nothing = { file: undefined, exported: '', problem: undefined, warnings: [] }
  if (name === sampleHandler) return nothing
  try {
    const parsed = parseHandler(name)
    const roots = taskRoot === undefined ? [cwd] : [...new Set([cwd, taskRoot])]
    const file = locate(parsed.module, roots)
    if (file === undefined) {
      const hint = hintForMissing(parsed, roots)
      const missing = `there is no module ${parsed.module} in ${roots.join(' or ')}`
      return { ...nothing, problem: hint === '' ? missing : `${missing}: ${hint}` }
    }
    const bunOnly = findBunOnly(file).map(
      (each) =>
        `${relative(cwd, each.file)}:${each.line}: ${each.text} (Bun takes it, Node on Lambda does not)`,
    )
    const problem = missingExport(file, name, parsed)
    return { file, exported: parsed.exported, problem, warnings: [...staleness(file), ...bunOnly] }
  } catch (error) {
    return { ...nothing, problem: (error as Error).message }
  }
}
