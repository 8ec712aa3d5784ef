/** What runs as the runtime, and in which folder. */

import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { findBootstrap, type Probe, taskDirectory } from '../process/bootstrap.ts'
import type { CommandLine } from './command-line.ts'
import { ConfigError } from './kinds.ts'
import { ownOptions } from './options.ts'
import { wrongValue } from './variables.ts'

/** What runs as the runtime. */
export type Launch =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]]; readonly cwd: string }
  /** a JavaScript or TypeScript handler (`file.export`) served by our own runtime client in a child of this program */
  | { readonly kind: 'handler'; readonly handler: string; readonly cwd: string }
  /** nothing: the runtime is started by somebody else */
  | { readonly kind: 'attach'; readonly cwd: string }
  /** nothing: it cannot run, and whoever invokes it is told why */
  | { readonly kind: 'broken'; readonly reason: string; readonly cwd: string }

/** What was said of it. */
export interface Wanted {
  /** empty when there is none */
  readonly command: readonly string[]
  /** the function to serve where there is no command, and the name of the option that says so */
  readonly served: { readonly name: string; readonly handler: string } | undefined
  readonly probe: Probe
  /** the function to serve when nothing else is given */
  readonly sample: string | undefined
}

/** A runtime that somebody else starts. Throws `ConfigError` when there is a command all the same. */
export function attachmentOf({ command, probe }: Wanted): Launch {
  const [first] = command
  if (first === undefined) return { kind: 'attach', cwd: probe.cwd() }
  throw new ConfigError(
    `--attach starts no runtime, so ${JSON.stringify(first)} would not run; leave the command out, or --attach`,
  )
}

/** Throws `ConfigError` when there is nothing to run. */
export function launchOf({ command, served, probe, sample }: Wanted, warnings: string[]): Launch {
  const [first, ...rest] = command
  if (first !== undefined) return { kind: 'command', argv: [first, ...rest], cwd: probe.cwd() }
  if (served !== undefined) {
    const { name, handler } = served
    if (/[^/]\.[^./]+$/.test(handler)) return { kind: 'handler', handler, cwd: probe.cwd() }
    throw wrongValue({ name, text: handler }, 'file.export, as index.handler')
  }
  const { path, rejected } = findBootstrap(probe)
  warnings.push(...rejected.map((reason) => `bootstrap skipped: ${reason}`))
  if (path !== undefined) return { kind: 'command', argv: [path], cwd: taskDirectory }
  if (sample !== undefined) return { kind: 'handler', handler: sample, cwd: probe.cwd() }
  const reasons = rejected.length === 0 ? '' : ` (${rejected.join('; ')})`
  const here = probe.look(resolve(probe.cwd(), 'bootstrap')) === 'executable'
  const advice = here
    ? 'There is one in this folder: give ./bootstrap as the command'
    : 'Give a command, or --handler file.export, or put an executable file at /var/task/bootstrap'
  throw new ConfigError(
    `nothing to run: no bootstrap in /var/task, /opt or /var/runtime${reasons}. ${advice}. --help tells more.`,
  )
}

/** The folder of the function, if something says that it is another one than the working directory. */
export interface Home {
  readonly directory: string
  /** as the function is found from there */
  readonly handler: string | undefined
}

/**
 * `--task-root` says it. From source, `bun run dev` makes the emulator's own repository the working directory, where no
 * function is at home: there it is the project of the handler or program that is named. `repository` is undefined
 * elsewhere. Throws `ConfigError`.
 */
export function homeOf(line: CommandLine, probe: Probe, repository: string | undefined): Home | undefined {
  const { flag } = ownOptions.taskRoot
  const named = line.flags.get(flag)
  const handler = line.flags.get(ownOptions.handler.flag)
  if (named !== undefined) {
    const directory = resolve(probe.cwd(), named)
    if (probe.look(directory) === 'directory') return { directory, handler }
    throw new ConfigError(`${flag} is ${JSON.stringify(named)}; there is no such folder`)
  }
  if (repository === undefined || probe.cwd() !== repository) return undefined
  const [program] = line.command
  const file = program ?? handler
  if (file === undefined || !file.includes('/')) return undefined
  const path = resolve(repository, file)
  const directory = projectOf(path)
  // a program of the system has no project
  if (directory === repository || /^\/(usr|bin|sbin|opt)\//.test(path)) return undefined
  return { directory, handler: program === undefined ? path : handler }
}

/** The nearest folder above a file that has a package.json, else the folder of the file. */
function projectOf(file: string): string {
  for (let folder = dirname(file); folder !== '/'; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
  }
  return dirname(file)
}
