/**
 * Ties the watcher to a function: after a change of its code the next invocation runs the new one. Loaded only where
 * `--watch` is on, with the watcher and its libraries.
 */

import type { Config } from './config/config.ts'
import type { Log } from './engine/ports.ts'
import type { FunctionHost } from './host.ts'
import { targetOf } from './watch/target.ts'
import { openWatch, type Watch } from './watch/watch.ts'

/** How many changed files are named. */
const namedFiles = 5

/** Begins to watch. What fails is told in the log, and the emulator goes on without: null. */
export function reloadOnChange(config: Config, host: FunctionHost, log: Log): Watch | null {
  try {
    return watchCode(config, host, log)
  } catch (error) {
    log.warn({ reason: String(error) }, 'the code cannot be watched')
    return null
  }
}

function watchCode(config: Config, host: FunctionHost, log: Log): Watch {
  const { eagerInit, watch } = config.emulator
  const { launch, handler, taskRoot, environment } = config.function
  const { roots, runs, refused } = targetOf({
    taskRoot: environment.LAMBDA_TASK_ROOT || taskRoot,
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
  function changed(paths: readonly string[]): void {
    const files = paths.slice(0, namedFiles)
    const more = paths.length - files.length
    const then = eagerInit
      ? 'the code has changed and is loaded'
      : 'the code has changed; the next invocation runs it'
    log.info(more > 0 ? { files, more } : { files }, then)
    host.pool.recycle(eagerInit)
    host.onCodeChange?.(paths)
  }
  const opened = openWatch({
    roots,
    runs,
    globs: watch?.globs ?? [],
    poll: watch?.poll === true,
    changed,
    warn: (fields, message) => log.warn(fields, message),
  })
  opened.ready.then(() => log.debug({ folders: roots }, 'the code is watched'))
  return opened
}
