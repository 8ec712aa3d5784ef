/**
 * From the name of a handler to its file, by the rules of AWS's client for Node.js.
 *
 * `folder/file.export` is looked up in the folder where the user typed it, then in `LAMBDA_TASK_ROOT`, then among
 * the installed packages of both. The first dot of the last path segment ends the name of the file.
 */

import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { RuntimeError } from './errors.ts'

/** The endings that are tried, in this order; AWS's client knows the first three. */
export const endings = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx'] as const

/** A handler's name, taken apart. */
export interface HandlerName {
  /** the path of its module, without an ending */
  readonly module: string
  /** the path of its export, with dots */
  readonly exported: string
}

/** Takes a handler's name apart. Throws `RuntimeError` for one that is malformed. */
export function parseHandler(name: string): HandlerName {
  if (name.includes('..')) {
    const hint = 'Use absolute paths when specifying root directories in handler names.'
    throw new RuntimeError('MalformedHandlerName', `'${name}' is not a valid handler name. ${hint}`)
  }
  const file = basename(name)
  const dot = file.indexOf('.')
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler')
  const folder = name.slice(0, name.length - file.length)
  return { module: folder + file.slice(0, dot), exported: file.slice(dot + 1) }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function findFile(module: string, roots: readonly string[]): string | undefined {
  for (const root of roots) {
    const path = resolve(root, module)
    const ending = [...endings, ''].find((candidate) => isFile(path + candidate))
    if (ending !== undefined) return path + ending
  }
  return undefined
}

/** Whether a package is installed where a folder finds it. Bun would download one that is not. */
function isInstalled(name: string, root: string): boolean {
  for (let folder = root; ; folder = dirname(folder)) {
    if (existsSync(`${folder}/node_modules/${name}`)) return true
    if (folder === dirname(folder)) return false
  }
}

function findPackage(module: string, roots: readonly string[]): string | undefined {
  // A path is not the name of a package, and resolving it would find folders.
  const [name] = /^(?:@[^/]+\/)?[^./][^/]*/.exec(module) ?? []
  if (name === undefined) return undefined
  for (const root of roots) {
    if (!isInstalled(name, root)) continue
    try {
      return Bun.resolveSync(module, root)
    } catch {
      // Not there: the next root may have it.
    }
  }
  return undefined
}

/** The file of a module: the first that is found in one of the folders, or a package of theirs. */
export function locate(module: string, roots: readonly string[]): string | undefined {
  return findFile(module, roots) ?? findPackage(module, roots)
}

/** The other files that the name could mean: those in the same folder that differ in the ending alone. */
export function siblings(file: string): string[] {
  const stem = file.slice(0, file.length - extname(file).length)
  return endings.map((ending) => stem + ending).filter((path) => path !== file && isFile(path))
}

/** Names of a folder, none when it cannot be read. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** How many single letters have to change, be added, left out or swapped, as far as `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  let before = row
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) next[j] = Math.min(next[j]!, before[j - 2]! + 1)
    }
    before = row
    row = next
  }
  return row[b.length]!
}

/** The candidate that is nearest to a word, if any is near enough. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3))
  const ranked = words
    .map((each) => ({ each, far: distance(word.toLowerCase(), each.toLowerCase(), limit) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far)
  return ranked[0]?.each
}

/** What to say of an export that begins with an ending: it was meant to be left out. Else empty. */
export function hintForEnding({ module, exported }: HandlerName, file: string): string {
  const [first = '', ...rest] = exported.split('.')
  const isFound = file.endsWith(`.${first}`)
  if (!isFound && !(endings as readonly string[]).includes(`.${first}`)) return ''
  const named = rest.length > 0 ? rest.join('.') : 'handler'
  return `${isFound ? `${module}.${first} is a file: ` : ''}leave its ending out, as in ${module}.${named}`
}

/** What is written in another language, by its ending: it needs a command. */
const foreign = /\.(py|rb|go|java|kt|rs|cs|php|sh)$/

function hintForForeign(file: string, name: string): string {
  const command = file.endsWith('.py') ? `python3 -m awslambdaric ${name}` : 'the command that runs it'
  return `${file} is neither JavaScript nor TypeScript: in place of --handler give ${command}`
}

/** The words of a path that is not there, as far as they can be mended: `src.index`, `src\index`, `Src/index`. */
function hintForFolder({ module, exported }: HandlerName, root: string): string {
  const slashed = module.replaceAll('\\', '/')
  if (slashed !== module && findFile(slashed, [root])) return `did you mean ${slashed}.${exported}?`
  const folder = dirname(resolve(root, module))
  if (isFolder(folder)) return ''
  const above = dirname(folder)
  const near = nearest(
    basename(folder),
    list(above).filter((name) => isFolder(`${above}/${name}`)),
  )
  const other = near === undefined ? '' : module.replace(`${basename(folder)}/`, `${near}/`)
  const meant = other !== '' && findFile(other, [root]) ? `: did you mean ${other}.${exported}?` : ''
  return `there is no folder ${folder}${meant}`
}

/** What to say of a module that is not there: what the name may be meant to be. Empty when nothing is near. */
export function hintForMissing(name: HandlerName, roots: readonly string[]): string {
  const { module, exported } = name
  for (const root of roots) {
    const path = resolve(root, module)
    const [first = ''] = exported.split('.')
    const file = `${path}.${first}`
    if (isFile(file)) {
      return foreign.test(file)
        ? hintForForeign(file, `${module}${exported.slice(first.length)}`)
        : hintForEnding(name, file)
    }
    if (isFolder(path)) {
      // dots where there have to be slashes
      const dotted = exported.includes('.') && findFile(first, [path]) !== undefined
      if (dotted) return `${path} is a folder: did you mean ${module}/${exported}?`
      const index = findFile('index', [path])
      if (index !== undefined) return `${path} is a folder: did you mean ${module}/index.${exported}?`
      return `${path} is a folder`
    }
  }
  for (const root of new Set(roots)) {
    const folder = dirname(resolve(root, module))
    const names = list(folder)
    const other = names.find((each) => foreign.test(each) && each.replace(foreign, '') === basename(module))
    if (other !== undefined) return hintForForeign(resolve(folder, other), `${module}.${exported}`)
    const files = names.filter((each) => endings.some((ending) => each.endsWith(ending)))
    const stems = files.map((each) => each.slice(0, each.length - extname(each).length))
    const near = nearest(basename(module), stems)
    if (near !== undefined) {
      const meant = module.slice(0, module.length - basename(module).length) + near
      return `did you mean ${meant}.${exported} (${resolve(folder, files[stems.indexOf(near)]!)})?`
    }
  }
  const [root = '/'] = roots
  return hintForFolder(name, root)
}
