/**
 * What a function's `tsconfig.json` comes to where Bun does not read it all: of `extends` it understands one file with
 * its ending (seen with Bun 1.4.5), not a list, a name without an ending, or a package, as monorepos have it. Then Bun
 * is given one file that says it all (`--tsconfig-override`).
 */

import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { ancestors, configurationNames, extended, languageOptions } from './tsconfig.ts'

type Options = Record<string, unknown>

interface Merged {
  readonly options: Options
  /** the folder that `paths` are relative to where there is no `baseUrl` */
  readonly pathsFrom: string | undefined
  /** whether Bun reads all of it by itself */
  readonly isReadable: boolean
}

const nothing: Merged = { options: {}, pathsFrom: undefined, isReadable: true }

const isObject = (value: unknown): value is Options => typeof value === 'object' && value !== null

function parse(path: string): Options {
  try {
    const { JSONC } = Bun as unknown as { JSONC: { parse(text: string): unknown } }
    const parsed = JSONC.parse(readFileSync(path, 'utf8'))
    return isObject(parsed) ? parsed : {}
  } catch {
    // Bun tells it, or passes over it.
    return {}
  }
}

/** One file with what it extends; what comes later goes before. */
function merge(path: string, seen: readonly string[]): Merged {
  if (seen.includes(path)) return nothing
  const folder = dirname(path)
  const { extends: bases, compilerOptions } = parse(path)
  const own = isObject(compilerOptions) ? compilerOptions : {}
  const names = [bases].flat().filter((name) => typeof name === 'string')
  let merged: Merged = { ...nothing, isReadable: !Array.isArray(bases) }
  for (const name of names) {
    const base = extended(name, folder)
    if (base === undefined) continue
    const inner = merge(base, [...seen, path])
    merged = {
      options: { ...merged.options, ...inner.options },
      pathsFrom: inner.pathsFrom ?? merged.pathsFrom,
      isReadable: merged.isReadable && inner.isReadable && /^\.{1,2}\/.*\.json$/.test(name),
    }
  }
  const { baseUrl } = own
  return {
    options: {
      ...merged.options,
      ...own,
      ...(typeof baseUrl === 'string' && { baseUrl: resolve(folder, baseUrl) }),
    },
    pathsFrom: own.paths === undefined ? merged.pathsFrom : folder,
    isReadable: merged.isReadable,
  }
}

/** The targets of `paths` from the root of the file system, so that it does not matter where they are read. */
function absolutePaths(paths: unknown, from: string): Options {
  const all = isObject(paths) ? Object.entries(paths) : []
  return Object.fromEntries(
    all.map(([name, targets]) => [name, [targets].flat().map((target) => resolve(from, String(target)))]),
  )
}

/** The nearest configuration of a file. */
function nearest(file: string): string | undefined {
  for (const folder of ancestors(dirname(file))) {
    for (const name of configurationNames) {
      const path = extended(`./${name}`, folder)
      if (path !== undefined) return path
    }
  }
  return undefined
}

/** The configuration that Bun has to be given for a file, as JSON; undefined where it reads enough by itself. */
export function configurationFor(file: string): string | undefined {
  let path: string | undefined
  try {
    path = nearest(realpathSync(file))
  } catch {
    return undefined
  }
  if (path === undefined) return undefined
  const { options, pathsFrom, isReadable } = merge(path, [])
  if (isReadable) return undefined
  const { baseUrl, paths } = options
  const said = Object.fromEntries(Object.entries(options).filter(([name]) => languageOptions.includes(name)))
  const from = typeof baseUrl === 'string' ? baseUrl : pathsFrom
  const compilerOptions = {
    ...said,
    ...(typeof baseUrl === 'string' && { baseUrl }),
    ...(from !== undefined && paths !== undefined && { paths: absolutePaths(paths, from) }),
  }
  if (Object.keys(compilerOptions).length === 0) return undefined
  // biome-ignore lint/suspicious/noTemplateCurlyInString: TypeScript's own variable, the folder of the nearest one
  return JSON.stringify({ compilerOptions }).replaceAll('${configDir}', dirname(path))
}

/** By text, the paths by which it is read. */
const paths = new Map<string, string>()

/**
 * A path by which a child reads a text, for as long as this process lives: a file without a name, so that nothing is
 * left behind, or one that is removed at the end where there is no `/proc` to find the other by. Undefined where no file
 * can be written.
 */
export function pathOf(text: string, descriptors: string = `/proc/${process.pid}/fd`): string | undefined {
  let path = paths.get(text)
  const mayBeNameless = existsSync(descriptors)
  for (const folder of path === undefined ? [tmpdir(), '/dev/shm'] : []) {
    const name = resolve(folder, `aws-lambda-rie-${crypto.randomUUID()}.json`)
    let fd: number | undefined
    try {
      fd = openSync(name, 'wx+', 0o600)
      if (mayBeNameless) unlinkSync(name)
      else process.once('exit', () => rmSync(name, { force: true }))
      writeSync(fd, text)
      path = mayBeNameless ? `${descriptors}/${fd}` : name
      if (!mayBeNameless) closeSync(fd)
      paths.set(text, path)
      break
    } catch {
      if (fd !== undefined) closeSync(fd)
      path = undefined
    }
  }
  return path
}
