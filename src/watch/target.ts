/** What of a function is watched: the folders of its code, and the files that are run. */

import { existsSync, realpathSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, relative, resolve } from 'node:path'
import type { Run } from './left-out.ts'
import { linkedPackages } from './linked.ts'

/** How a function is started. */
export interface Started {
  readonly taskRoot: string
  readonly cwd: string
  /** the command; null where our own runtime client serves the handler */
  readonly argv: readonly string[] | null
  /** `folder/file.export` */
  readonly handler: string | undefined
  /** folders of unpacked layers */
  readonly layers: readonly string[]
}

export interface Target {
  /** real paths, the function's first; none of them inside of another, but for what a layer has in `node_modules` */
  readonly roots: readonly string[]
  readonly runs: readonly Run[]
  /** folders that are left alone because they are no function's: the file system, a home */
  readonly refused: readonly string[]
}

/** Looks at the file system once. */
export function targetOf({ taskRoot, cwd, argv, handler, layers }: Started): Target {
  const runs: Run[] = []
  // of `folder/file.export` the first dot of the file ends its name
  const [, module] = /^((?:.*\/)?[^./][^./]*)\.[^/]+$/.exec(handler ?? '') ?? []
  if (module !== undefined) runs.push({ kind: 'handler', path: real(cwd, module) })
  for (const word of argv ?? []) {
    const path = resolve(cwd, word)
    if (statSync(path, { throwIfNoEntry: false })?.isFile())
      runs.push({ kind: 'program', path: real(cwd, word) })
  }
  // a handler is looked for in the working directory first, wherever the task root is
  const folders = argv === null ? [taskRoot, cwd] : [taskRoot]
  const own = folders.map((folder) => real('/', folder))
  const found = [
    ...new Set([...own, ...own.flatMap(linkedPackages), ...layers.map((folder) => real('/', folder))]),
  ]
  const home = homeFolder()
  const refused = found.filter((folder) => folder === '/' || folder === home)
  const rest = found.filter((folder) => !refused.includes(folder))
  const outer = rest.filter((folder) => !rest.some((other) => other !== folder && isWithin(folder, other)))
  // the packages of a layer are its code
  const packages = layers.map((folder) => real('/', `${folder}/nodejs/node_modules`))
  const roots = [...outer, ...packages.filter((folder) => existsSync(folder))]
  return { roots, runs, refused }
}

/** Undefined for a user without one, as in an image without `/etc/passwd`. */
function homeFolder(): string | undefined {
  try {
    return homedir()
  } catch {
    return undefined
  }
}

const isWithin = (path: string, folder: string): boolean => !/^\.\.(\/|$)/.test(relative(folder, path))

/** The path with the links of its folder resolved, as the watcher reports it; the file itself may be missing. */
function real(cwd: string, path: string): string {
  const absolute = resolve(cwd, path)
  if (absolute === '/') return absolute
  try {
    return resolve(realpathSync(dirname(absolute)), basename(absolute))
  } catch {
    return absolute
  }
}
