/** Where the code of a function of a template is, and how it is run. */

import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { ConfigError } from '../config/kinds.ts'

/** How a function runs, or why it cannot. */
export type Runnable =
  | { readonly kind: 'handler'; readonly handler: string; readonly cwd: string }
  | {
      readonly kind: 'command'
      readonly command: readonly string[]
      readonly handler: string
      readonly cwd: string
    }
  | { readonly kind: 'broken'; readonly reason: string; readonly cwd: string }

/** What a template says of the code of one function; paths are absolute. */
export interface CodeFacts {
  /** logical id */
  readonly id: string
  /** folder of the template */
  readonly folder: string
  /** null: it is not on this machine */
  readonly code: string | null
  readonly runtime: string
  readonly handler: string
  /** files of which esbuild makes the code */
  readonly entryPoints: readonly string[]
  /** whether Python's runtime client is there for code in this folder */
  readonly hasPythonClient: (folder: string) => boolean
}

/** Endings of what the built-in runtime client takes, in no order that matters here. */
const scripts = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.jsx', '.tsx', '.json']

export function runnableOf(facts: CodeFacts): Runnable {
  const { folder, code, runtime } = facts
  const built = join(folder, '.aws-sam/build', facts.id)
  const folders = [code, built].filter((path) => path !== null)
  const cwd = folders.find((path) => isFolder(path)) ?? folder
  if (/^nodejs/.test(runtime)) return nodeOf(facts, folders, cwd)
  if (/^python/.test(runtime)) return pythonOf(facts, folders, cwd)
  if (/^provided/.test(runtime)) return providedOf(facts, folders, cwd)
  const reason =
    runtime === ''
      ? `${facts.id} has no Runtime, so nothing is known to run it`
      : `${runtime} is not started by this emulator; give its runtime client as a command, in a file of --functions`
  return { kind: 'broken', reason, cwd }
}

function nodeOf(facts: CodeFacts, folders: readonly string[], cwd: string): Runnable {
  const split = facts.handler.lastIndexOf('.')
  const module = facts.handler.slice(0, split)
  const name = facts.handler.slice(split + 1)
  for (const folder of folders) {
    if (hasScript(folder, module)) return { kind: 'handler', handler: facts.handler, cwd: folder }
    const entry = facts.entryPoints.find((path) => withoutEnding(basename(path)) === basename(module))
    if (entry !== undefined && existsSync(join(folder, entry))) {
      return { kind: 'handler', handler: `${withoutEnding(entry)}.${name}`, cwd: folder }
    }
  }
  return missing(facts, `${module}.js`, cwd)
}

function pythonOf(facts: CodeFacts, folders: readonly string[], cwd: string): Runnable {
  const module = facts.handler.slice(0, facts.handler.lastIndexOf('.')).replaceAll('.', '/')
  const found = folders.find(
    (folder) => existsSync(join(folder, `${module}.py`)) || isFolder(join(folder, module)),
  )
  if (found === undefined) return missing(facts, `${module}.py`, cwd)
  if (!facts.hasPythonClient(found)) {
    return {
      kind: 'broken',
      reason: `${facts.runtime} needs AWS's runtime client for Python: python3 -m pip install awslambdaric`,
      cwd: found,
    }
  }
  const command = ['python3', '-m', 'awslambdaric', facts.handler]
  return { kind: 'command', command, handler: facts.handler, cwd: found }
}

function providedOf(facts: CodeFacts, folders: readonly string[], cwd: string): Runnable {
  const found = folders.find((folder) => existsSync(join(folder, 'bootstrap')))
  if (found === undefined) return missing(facts, 'bootstrap', cwd)
  return { kind: 'command', command: [join(found, 'bootstrap')], handler: facts.handler, cwd: found }
}

function missing({ id, code }: CodeFacts, file: string, cwd: string): Runnable {
  const where = code === null ? 'its code is not on this machine' : `there is no ${file} in ${code}`
  return {
    kind: 'broken',
    reason: `${where}, nor in .aws-sam/build/${id}: build it first, with sam build`,
    cwd,
  }
}

function hasScript(folder: string, module: string): boolean {
  return scripts.some((ending) => existsSync(join(folder, module + ending)))
}

/**
 * Packages that the `package.json` of a folder names as dependencies and that are in no `node_modules` from there upwards. The
 * SDK for JavaScript is part of Lambda's runtimes, so that few have it in their own.
 */
export function missingPackages(folder: string): readonly string[] {
  let named: unknown
  try {
    named = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies
  } catch {
    // without one, or with one that is not read here, nothing is known
    return []
  }
  if (typeof named !== 'object' || named === null) return []
  return Object.keys(named).filter((name) => !/^@(aws-sdk|smithy)\//.test(name) && !isInstalled(folder, name))
}

function isInstalled(folder: string, name: string): boolean {
  if (existsSync(join(folder, 'node_modules', name))) return true
  const parent = dirname(folder)
  return parent !== folder && isInstalled(parent, name)
}

const withoutEnding = (path: string): string => path.replace(/\.[^./]+$/, '')

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** A folder in which code lies that stands in the template itself. The same code has the same folder. */
export function inlineFolder(code: string, runtime: string): string {
  const folder = ownFolder(runtime, code)
  writeFileSync(join(folder, /^python/.test(runtime) ? 'index.py' : 'index.js'), code)
  return folder
}

/** A layer whose content is its `python` or `nodejs` folder, as SAM builds it, as a whole layer. */
export function unbuiltLayer(content: string, inner: 'python' | 'nodejs'): string {
  const folder = ownFolder(inner, resolve(content))
  const link = join(folder, inner)
  if (!existsSync(link)) symlinkSync(resolve(content), link)
  return folder
}

/**
 * A folder for what these texts say. It lies in one that this user alone may write: what is in it is run. Throws
 * `ConfigError` where another user has taken that.
 */
function ownFolder(...texts: readonly string[]): string {
  const user = process.getuid?.()
  const own = join(tmpdir(), `aws-lambda-rie-${user}`)
  mkdirSync(own, { recursive: true, mode: 0o700 })
  if (lstatSync(own).uid !== user) {
    throw new ConfigError(`${own} belongs to another user; remove it, or set TMPDIR to a folder of your own`)
  }
  const digest = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16)
  const folder = join(own, digest)
  mkdirSync(folder, { recursive: true })
  return folder
}
