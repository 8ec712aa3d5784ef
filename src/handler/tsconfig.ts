/**
 * Whether a function's `tsconfig.json` says something about the language.
 *
 * The compiled program finds modules by it (`paths`, `baseUrl`), but reads nothing else of it: decorators, class fields
 * and JSX are compiled as if it were empty (seen with Bun 1.4.5). The bun CLI, which is in the same executable, reads
 * all of it, and takes some milliseconds longer to start; so it serves the functions that need it, and no others.
 */

import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** What Bun understands of a configuration that is about the language. */
export const languageOptions: readonly string[] = [
  'experimentalDecorators',
  'emitDecoratorMetadata',
  'useDefineForClassFields',
  'jsx',
  'jsxFactory',
  'jsxFragmentFactory',
  'jsxImportSource',
]

const languagePattern = new RegExp(`"(?:${languageOptions.join('|')})"\\s*:`)
const extendsPattern = /"extends"\s*:\s*(\[[^\]]*\]|"(?:[^"\\]|\\.)*")/g

/** Both names are Bun's: it takes the second where there is no first. */
export const configurationNames: readonly string[] = ['tsconfig.json', 'jsconfig.json']

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** A folder and all above it, the nearest first. */
export function* ancestors(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at
    if (at === dirname(at)) return
  }
}

/** The file that an `extends` names, with or without its ending, in this folder or among the packages. */
export function extended(name: string, folder: string): string | undefined {
  const places = /^\.{0,2}\//.test(name)
    ? [resolve(folder, name)]
    : [...ancestors(folder)].map((above) => resolve(above, 'node_modules', name))
  const paths = places.flatMap((place) => [place, `${place}.json`, `${place}/tsconfig.json`])
  // what may not be looked at, as behind a link to itself, is not there
  return paths.find((path) => existsSync(path) && statSync(path, { throwIfNoEntry: false })?.isFile())
}

function says(path: string, seen: Set<string>): boolean {
  if (seen.has(path)) return false
  seen.add(path)
  // Comments and trailing commas are allowed there, so this looks for words; one in a comment costs milliseconds.
  const text = read(path)
  if (text === undefined) return false
  if (languagePattern.test(text)) return true
  const names = [...text.matchAll(extendsPattern)].flatMap(
    ([, value]) => value!.match(/"(?:[^"\\]|\\.)*"/g) ?? [],
  )
  return names.some((quoted) => {
    const base = extended(JSON.parse(quoted) as string, dirname(path))
    return base !== undefined && says(base, seen)
  })
}

/**
 * Whether a configuration that may hold for this file, or for others of its project, says something about the
 * language: that of its folder or of one above, and what these extend.
 */
export function configuresLanguage(file: string): boolean {
  const seen = new Set<string>()
  let folder: string
  try {
    folder = dirname(realpathSync(file))
  } catch {
    return false
  }
  for (const above of ancestors(folder)) {
    if (configurationNames.some((name) => says(resolve(above, name), seen))) return true
  }
  return false
}
