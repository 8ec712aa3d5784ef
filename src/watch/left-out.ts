/**
 * Which files of a function are none of its code: what `.gitignore` names, packages, caches, and the temporary files of
 * editors. The program or handler that is run counts always, also in a folder that Git ignores, as `dist` often is.
 */

import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** Folders that are left out wherever they are. */
const folders = new Set(['node_modules', '.git', '__pycache__'])

/** What editors write beside a file while it is open or being saved: vim, emacs, JetBrains, GNOME, KDE, Finder. */
const temporary =
  /^(\..*\.sw[a-z]|4913|.*~|#.*#|\.#.*|.*___jb_(tmp|old|bak)___|\.goutputstream-.*|.*\.kate-swp|\.DS_Store)$/

/** What is run. A handler's folder counts with all that is below it, a program's only with the files in it. */
export interface Run {
  readonly kind: 'handler' | 'program'
  /** absolute path of the file; of a handler without the ending, which its runtime finds */
  readonly path: string
}

const isRun = (run: Run, path: string): boolean =>
  run.path === path || (run.kind === 'handler' && path.startsWith(`${run.path}.`))

/** The rules of one `.gitignore`. */
interface Rules {
  readonly folder: string
  readonly matcher: Ignore
}

export class LeftOut {
  readonly #root: string
  readonly #runs: readonly Run[]
  /** those of the folders above the root, as far as they belong to the same repository */
  readonly #above: readonly Rules[]
  readonly #rules = new Map<string, Rules | null>()
  readonly #folders = new Map<string, boolean>()

  /** `root` is an absolute folder. `.gitignore` files are read when they are first needed, and then kept. */
  constructor(root: string, runs: readonly Run[]) {
    this.#root = root
    this.#runs = runs
    this.#above = rulesAbove(root)
  }

  /**
   * Whether this file, or folder, below the root is left out. Of what is not below it, which a watcher may see when the root
   * is gone, all is but the folders on the way to it.
   */
  has(path: string, isFolder: boolean): boolean {
    if (path === this.#root) return false
    if (!isBelow(path, this.#root)) return !isBelow(this.#root, path)
    for (const run of this.#runs) {
      // what is run, and the folders on the way to it
      if (isRun(run, path) || isBelow(run.path, path)) return false
      const folder = dirname(run.path)
      const near = run.kind === 'handler' ? isBelow(path, folder) : dirname(path) === folder && !isFolder
      // rules that leave out the folder as a whole say nothing of what is in it
      if (near && this.#folder(folder, this.#root)) return this.#path(path, isFolder, folder)
    }
    return this.#path(path, isFolder, this.#root)
  }

  /** A path, by the rules in `from` and below it, and of its folders up to there. */
  #path(path: string, isFolder: boolean, from: string): boolean {
    return this.#folder(dirname(path), from) || this.#isNamed(path, isFolder, from)
  }

  #folder(folder: string, from: string): boolean {
    if (folder === from || !isBelow(folder, from)) return false
    const key = `${from}\0${folder}`
    const known = this.#folders.get(key)
    if (known !== undefined) return known
    const answer = this.#path(folder, true, from)
    this.#folders.set(key, answer)
    return answer
  }

  /** A path itself, whatever its folders are. */
  #isNamed(path: string, isFolder: boolean, from: string): boolean {
    const name = basename(path)
    if (isFolder ? folders.has(name) : temporary.test(name)) return true
    // Git's order: the rules of the nearest folder that say anything count
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const rules = this.#rulesOf(folder)
      const verdict = rules === null ? null : judge(rules, path, isFolder)
      if (verdict !== null) return verdict
      if (folder === from) break
    }
    if (from !== this.#root) return false
    for (const rules of this.#above) {
      const verdict = judge(rules, path, isFolder)
      if (verdict !== null) return verdict
    }
    return false
  }

  #rulesOf(folder: string): Rules | null {
    let rules = this.#rules.get(folder)
    if (rules === undefined) {
      rules = readRules(folder)
      this.#rules.set(folder, rules)
    }
    return rules
  }
}

/** Nearest first. */
function rulesAbove(root: string): Rules[] {
  const found: Rules[] = []
  for (let folder = root; ; folder = dirname(folder)) {
    if (folder !== root) {
      const rules = readRules(folder)
      if (rules !== null) found.push(rules)
    }
    if (existsSync(resolve(folder, '.git'))) return found
    // outside of a repository the files above the function are somebody else's
    if (folder === dirname(folder)) return []
  }
}

function readRules(folder: string): Rules | null {
  try {
    return { folder, matcher: ignore().add(readFileSync(resolve(folder, '.gitignore'), 'utf8')) }
  } catch {
    return null
  }
}

/** True: ignored; false: taken back by a pattern with `!`; null: these rules do not name it. */
function judge({ folder, matcher }: Rules, path: string, isFolder: boolean): boolean | null {
  const { ignored, unignored } = matcher.test(relative(folder, path) + (isFolder ? '/' : ''))
  return ignored ? true : unignored ? false : null
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
