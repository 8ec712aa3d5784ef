/**
 * Ties the watcher to a function: after a change of its code the next invocation runs the new one. Loaded only where
 * `--watch` is on, with the watcher and its libraries.
 */

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Config } from './config/config.ts'
import type { Log } from './engine/ports.ts'
import type { FunctionHost } from './host.ts'
import { runShell, type ShellRun } from './process/shell.ts'
import { Builder } from './watch/builder.ts'
import { Outputs } from './watch/outputs.ts'
import { targetOf } from './watch/target.ts'
import { nameOf, openWatch, type Watch } from './watch/watch.ts'

/** The function whose code is watched, and how. */
type Watched = Pick<Config, 'emulator' | 'function'>

/** How many changed files are named. */
const namedFiles = 5
const lazily = '; the next invocation runs it'
const eagerly = ' and is loaded'

/**
 * Begins to watch. `epoch` gives Unix milliseconds. What fails is told in the log, and the emulator goes on without:
 * null.
 */
export function reloadOnChange(
  config: Watched,
  host: FunctionHost,
  log: Log,
  epoch: () => number,
): Watch | null {
  try {
    return watchCode(config, host, log, epoch)
  } catch (error) {
    log.warn({ reason: String(error) }, 'the code cannot be watched')
    return null
  }
}

function watchCode(config: Watched, host: FunctionHost, log: Log, epoch: () => number): Watch {
  const { eagerInit, watch } = config.emulator
  const { launch, handler, taskRoot, environment } = config.function
  const root = environment.LAMBDA_TASK_ROOT || taskRoot
  const { roots, runs, refused } = targetOf({
    taskRoot: root,
    cwd: launch.cwd,
    argv: launch.kind === 'command' ? launch.argv : null,
    handler: launch.kind === 'handler' ? launch.handler : handler,
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
    log.info(more > 0 ? { files, more } : { files }, `${message}${eagerInit ? eagerly : lazily}`)
    host.pool.recycle(eagerInit)
    host.onCodeChange?.(paths)
  }
  const names = runs.filter(({ kind }) => kind === 'program').map(({ path }) => nameOf(path, roots))
  const builder =
    watch?.build == null ? null : openBuilder(watch.build, root, names, { host, log, reload, epoch })
  const opened = openWatch({
    roots,
    runs,
    globs: watch?.globs ?? [],
    poll: watch?.poll === true,
    changed: (paths) => (builder === null ? reload(paths, 'the code has changed') : builder.changed(paths)),
    warn: (fields, message) => log.warn(fields, message),
  })
  opened.ready.then(() => log.debug({ folders: roots }, 'the code is watched'))
  return {
    ready: opened.ready,
    async [Symbol.asyncDispose]() {
      builder?.[Symbol.dispose]()
      await opened[Symbol.asyncDispose]()
    },
  }
}

interface BuildParts {
  readonly host: FunctionHost
  readonly log: Log
  readonly epoch: () => number
  reload(paths: readonly string[], message: string): void
}

/** Runs `command` in the root of the function after changes; new code is what it made when it succeeded. */
function openBuilder(
  command: string,
  root: string,
  programs: readonly string[],
  { host, log, epoch, reload }: BuildParts,
): Pick<Builder, 'changed'> & Disposable {
  let running: ShellRun | undefined
  function failed(message: string, stack: string): void {
    const error = { name: 'Build', constructor: undefined, message, stack }
    log.error({ err: error }, 'the build failed; the code from before runs on')
    const at = epoch()
    host.buildFailure = { at, during: 'build', errorMessage: message, stack }
  }
  const builder = new Builder({
    outputs: new Outputs(programs),
    build() {
      log.debug({ command }, 'the build begins')
      running = runShell(command, root)
      return running.ended
    },
    built({ code, output }, reasons, ms) {
      running = undefined
      if (code !== 0) {
        failed(`${command} ended with ${code}`, output.trimEnd())
        return
      }
      host.buildFailure = null
      reload(reasons, `the code was built in ${Math.round(ms)} ms`)
    },
    failed: (error) => failed(String(error), ''),
    writtenAt: (path) => statSync(resolve(root, path), { throwIfNoEntry: false })?.mtimeMs,
    epoch,
  })
  return {
    changed: (paths) => builder.changed(paths),
    [Symbol.dispose]() {
      builder[Symbol.dispose]()
      running?.kill()
    },
  }
}
