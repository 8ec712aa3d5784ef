/**
 * Ties the watcher to functions: after a change of its code the next invocation of a function runs the new one. Loaded
 * only where `--watch` is on, with the watcher and its libraries.
 */

import { resolve } from 'node:path'
import type { EmulatorConfig, FunctionConfig, WatchConfig } from './config/config.ts'
import type { Log } from './engine/ports.ts'
import type { FunctionHost } from './host.ts'
import { Builds } from './rebuild.ts'
import { targetOf } from './watch/target.ts'
import { nameOf, openWatch, type Watch } from './watch/watch.ts'

/** A function whose code is watched. */
export interface Watched {
  readonly host: FunctionHost
  /** says which function it is, where there are several */
  readonly log: Log
}

/** How many changed files are named. */
const namedFiles = 5

/**
 * Begins to watch. `epoch` gives Unix milliseconds. What fails is told in the log of its function, and the emulator goes
 * on without.
 */
export function reloadOnChange(
  emulator: EmulatorConfig & { readonly watch: WatchConfig },
  functions: readonly Watched[],
  log: Log,
  epoch: () => number,
): AsyncDisposable {
  const { watch, eagerInit } = emulator
  const written = writtenFiles(
    emulator,
    functions.map(({ host }) => host.config),
  )
  const builds = watch.build === null ? null : new Builds({ command: watch.build, log, epoch })
  const opened = functions.flatMap((each) => {
    try {
      return [watchCode(each, { watch, eagerInit, builds, written, epoch })]
    } catch (error) {
      each.log.warn({ reason: String(error) }, 'the code cannot be watched')
      return []
    }
  })
  return {
    async [Symbol.asyncDispose]() {
      builds?.[Symbol.dispose]()
      await Promise.all(opened.map((one) => one[Symbol.asyncDispose]()))
    },
  }
}

/** What the emulator writes itself, which may be in the folder of a function. SQLite has a journal beside its file. */
function writtenFiles(
  { durableStore, report }: EmulatorConfig,
  functions: readonly FunctionConfig[],
): readonly string[] {
  const stores =
    durableStore === null ? [] : ['', '-wal', '-shm', '-journal'].map((end) => durableStore + end)
  const records = functions
    .flatMap(({ async: { onSuccess, onFailure } }) => [onSuccess, onFailure])
    .flatMap((destination) => (destination?.kind === 'file' ? [destination.path] : []))
  return [...stores, ...(report === null ? [] : [report]), ...records].map((path) => resolve(path))
}

interface WatchParts {
  readonly watch: WatchConfig
  readonly eagerInit: boolean
  /** null: the files that are watched are the code */
  readonly builds: Builds | null
  /** files that are no code */
  readonly written: readonly string[]
  readonly epoch: () => number
}

function watchCode({ host, log }: Watched, { watch, eagerInit, builds, written, epoch }: WatchParts): Watch {
  const { launch, handler, taskRoot, environment, layers } = host.config
  const root = environment.LAMBDA_TASK_ROOT || taskRoot
  const { roots, runs, refused } = targetOf({
    taskRoot: root,
    cwd: launch.cwd,
    argv: launch.kind === 'command' ? launch.argv : null,
    handler: launch.kind === 'handler' ? launch.handler : handler,
    layers,
  })
  for (const folder of roots.length > 0 ? [] : refused) {
    log.warn(
      { folder },
      'this folder is not watched: it is more than a function; start in a folder of its own',
    )
  }
  function reload(paths: readonly string[], message: string): void {
    const files = paths.slice(0, namedFiles)
    const more = paths.length - files.length
    const then = eagerInit ? ' and is loaded' : '; the next invocation runs it'
    log.info(more > 0 ? { files, more } : { files }, message + then)
    host.pool.recycle(eagerInit)
    host.onCodeChange?.(paths)
  }
  const programs = runs.filter(({ kind }) => kind === 'program').map(({ path }) => nameOf(path, roots))
  const build = builds?.join(root, programs, {
    built(reasons, ms) {
      host.buildFailure = null
      reload(reasons, `the code was built in ${Math.round(ms)} ms`)
    },
    failed(errorMessage, stack) {
      host.buildFailure = { at: epoch(), during: 'build', errorMessage, stack }
    },
  })
  const opened = openWatch({
    roots,
    runs,
    globs: watch.globs,
    written,
    poll: watch.poll,
    changed: build ?? ((paths) => reload(paths, 'the code has changed')),
    warn: (fields, message) => log.warn(fields, message),
  })
  opened.ready.then(() => log.debug({ folders: roots }, 'the code is watched'))
  return opened
}
