/**
 * The packages of a workspace that a function uses: the package manager puts a link to the folder of each into
 * `node_modules`, which is not watched itself.
 */

import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']

/** More are no workspace of people. */
const maxPackages = 200

/** What a folder's `package.json` says it needs; undefined where there is none that can be read. */
function neededBy(folder: string): string[] | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return kinds.flatMap((kind) => Object.keys(manifest[kind] ?? {}))
  } catch {
    return undefined
  }
}

function* upwards(folder: string): Generator<string> {
  for (let at = folder; ; at = dirname(at)) {
    yield at
    if (at === dirname(at)) return
  }
}

/** The real folder of an installed package, as a module in `folder` finds it. */
function installed(name: string, folder: string): string | undefined {
  for (const at of upwards(folder)) {
    try {
      return realpathSync(join(at, 'node_modules', name))
    } catch {
      // not there: further up it may be
    }
  }
  return undefined
}

/**
 * The real folders of packages that are linked and not installed, those that they use themselves included. `root` is
 * absolute; the nearest `package.json` at it or above says what it needs.
 */
export function linkedPackages(root: string): string[] {
  const project = [...upwards(root)].find((folder) => neededBy(folder) !== undefined)
  const found = new Set<string>()
  const look = (folder: string): void => {
    for (const name of neededBy(folder) ?? []) {
      const real = installed(name, folder)
      if (real === undefined || /\/node_modules\//.test(`${real}/`) || found.has(real)) continue
      if (found.size === maxPackages) return
      found.add(real)
      look(real)
    }
  }
  if (project !== undefined) look(project)
  return [...found]
}
