/**
 * What there is to start: the bootstrap of the function, and the external extensions beside it.
 */

import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { programFault } from './program.ts'

/** Where a function lies in an image, and the directory that a bootstrap runs in (behaviour.md 1.4). */
export const taskDirectory = '/var/task'

/** In this order (behaviour.md 1.4). */
const candidates = ['/var/task/bootstrap', '/opt/bootstrap', '/var/runtime/bootstrap']

/** The reference's switch for layers that turn all extensions off (behaviour.md 4.2). */
export const disablingFile = '/opt/disable-extensions-jwigqn8j'

/** What a path leads to, symbolic links followed. `other` is what can never be run: a socket, a pipe, a device. */
export type Entry = 'missing' | 'directory' | 'executable' | 'not-executable' | 'other'

/** The facts of the file system that configuration depends on; tests give their own. */
export interface Probe {
  /** the emulator's working directory */
  cwd(): string
  /** Never throws: what cannot be looked at counts as missing. */
  look(path: string): Entry
}

function look(path: string): Entry {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return 'missing'
  if (found.isDirectory()) return 'directory'
  if (!found.isFile()) return 'other'
  try {
    accessSync(path, constants.X_OK)
    return 'executable'
  } catch {
    return 'not-executable'
  }
}

function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action()
  } catch {
    return otherwise
  }
}

/** The real file system. A working directory that was deleted counts as `/var/task`, as with the reference. */
export const systemProbe: Probe = {
  cwd: () => attempt(() => process.cwd(), taskDirectory),
  look: (path) => attempt(() => look(path), 'missing'),
}

/** What the search for a bootstrap found. `rejected` says of each candidate that was passed over why. */
export interface BootstrapSearch {
  readonly path: string | undefined
  readonly rejected: readonly string[]
}

const complaints = {
  missing: 'is missing',
  directory: 'is a directory',
  'not-executable': 'is not executable (chmod +x)',
  other: 'is not a file',
} as const

/** Finds the command of a function that was started without one. Looks no further than the first that can run. */
export function findBootstrap(probe: Probe = systemProbe): BootstrapSearch {
  const rejected: string[] = []
  for (const path of candidates) {
    const entry = probe.look(path)
    if (entry === 'executable') return { path, rejected }
    if (entry !== 'missing') rejected.push(`${path} ${complaints[entry]}`)
  }
  return { path: undefined, rejected }
}

/**
 * Base names of the external extensions: everything directly inside that is not a directory, links to directories
 * included, in byte order (behaviour.md 4.1). Whether one can be run shows when it is started.
 *
 * A missing directory holds none. Another trouble is a text to log; initialisation goes on without extensions.
 */
export function listExtensions(directory: string): { readonly names: string[] } | { readonly error: string } {
  try {
    const entries = readdirSync(directory, { withFileTypes: true })
    const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)
    // JavaScript's own order is of UTF-16 units, which puts U+10000 and above before U+E000.
    return { names: names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? { names: [] } : { error: message }
  }
}

/** Whether a layer turned extensions off, for as long as the emulator runs. */
export function extensionsDisabled(file: string = disablingFile): boolean {
  return existsSync(file)
}

/** A handler of some language, given where a command is expected. */
const likeHandler = /^[\w/-]+\.[a-z_]\w*$/i

/**
 * Why a command cannot be run, as far as one can tell without running it, with what helps; null when nothing speaks
 * against it.
 */
export function whyNotRunnable(
  command: string,
  cwd: string,
  path: string | undefined,
  probe: Probe = systemProbe,
): string | null {
  if (command === '') return 'it is empty'
  if (!command.includes('/')) {
    const found = Bun.which(command, { PATH: path ?? '', cwd })
    if (found !== null) return programTrouble(command, found, path)
    const here = probe.look(resolve(cwd, command))
    if (here !== 'missing') return `${command} is not in PATH; to run the one in ${cwd}, give ./${command}`
    const advice = likeHandler.test(command)
      ? `; is it a handler? Give --handler ${command}, or python3 -m awslambdaric ${command}`
      : ''
    return `${command} is not in PATH${advice}`
  }
  const file = resolve(cwd, command)
  const entry = probe.look(file)
  return entry === 'executable' ? programTrouble(command, file, path) : `${command} ${complaints[entry]}`
}

function programTrouble(command: string, file: string, path: string | undefined): string | null {
  const fault = programFault(file, process.platform, path)
  return fault === null ? null : `${command} ${fault}`
}
