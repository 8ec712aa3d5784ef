/**
 * Watches the code of a function and tells when it has changed. Loaded only where `--watch` is on.
 *
 * chokidar watches each folder on its own (on macOS all at once), so that folders that are left out cost nothing, sees
 * saves by renaming and folders that are deleted and made again, and can look at times where the kernel tells nothing.
 * What editors and compilers write in one go is one change: see `patience.ts`.
 */

import { existsSync, fstatSync, type Stats, statSync } from 'node:fs'
import { basename, relative } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import { LeftOut, type Run } from './left-out.ts'
import { quietFor, seriesQuietMs } from './patience.ts'
import { Quiet } from './quiet.ts'

/** Changes that come sooner after the last one are a series, which is worth one restart. */
const seriesMs = 500
/** Where files are written without a pause, they count as a change all the same after this time. */
const limitMs = 5000
const atomicMs = 30
/** How often files are looked at where the kernel does not tell. */
const pollMs = 300

export interface WatchOptions {
  /** absolute folders: the task root, then those of packages that are linked, and of layers */
  readonly roots: readonly string[]
  readonly runs: readonly Run[]
  /** only files that match one of these count, relative to their root; without any, all count */
  readonly globs: readonly string[]
  /** absolute paths of files that the emulator writes itself: they are no code */
  readonly written: readonly string[]
  /** looks at the files at times in place of asking the kernel */
  readonly poll: boolean
  /** Called with paths relative to the first root when there was a change and then quiet. */
  changed(paths: readonly string[]): void
  warn(fields: object, message: string): void
}

export interface Watch extends AsyncDisposable {
  /** resolves when all folders are watched; a change before that may be missed */
  readonly ready: Promise<void>
}

/** What `inotify` answers when it cannot watch any more, or cannot watch at all. */
const needsPolling = new Set(['ENOSPC', 'EMFILE', 'ENOSYS', 'ENOTSUP', 'EINVAL'])

export function openWatch(options: WatchOptions): Watch {
  const globs = options.globs.map((glob) => new Bun.Glob(glob.replace(/^\.\//, '')))
  const ours = ownOutput()
  const written = new Set(options.written)
  /** appeared since the last change that was told */
  const fresh = new Set<string>()
  /** a file that came and went again was one on the way to another */
  const isLeft = (path: string): boolean => !fresh.has(path) || existsSync(path)
  let last = Number.NEGATIVE_INFINITY
  const quiet = new Quiet<string>({
    quietMs: (told) =>
      options.poll || performance.now() - last < seriesMs
        ? seriesQuietMs
        : quietFor([...told].filter(isLeft), options.runs),
    limitMs,
    done(paths) {
      // what was in it may have been told, and not that it went itself
      for (const root of watchers.keys()) checkRoot(root)
      const left = paths.filter(isLeft)
      fresh.clear()
      if (left.length === 0) return
      last = performance.now()
      options.changed(left.map((path) => nameOf(path, options.roots)))
    },
  })
  const watchers = new Map<string, FSWatcher>()
  /** the folders that are watched: others of the same names are not */
  const identities = new Map<string, string>()
  const polls = new Set<string>()
  const gone = new Map<string, ReturnType<typeof setInterval>>()
  let closed = false

  const tell = (root: string, path: string, isNew: boolean): void => {
    if (written.has(path)) return
    const name = relative(root, path)
    if (globs.length > 0 && !globs.some((glob) => glob.match(name))) return
    if (ours.length > 0 && ours.includes(identity(path))) return
    if (isNew) fresh.add(path)
    quiet.tell(path)
  }

  const open = (root: string, poll: boolean): Promise<void> => {
    const leftOut = new LeftOut(root, options.runs)
    // Without its kind a path is a file here; chokidar asks again when it knows.
    const ignored = (path: string, stats?: Stats): boolean =>
      path !== root && leftOut.has(path, stats?.isDirectory() === true)
    const watcher = watch(root, {
      ignoreInitial: true,
      ignored,
      usePolling: poll,
      // a file that is deleted and made again within this time was saved; sooner than the shortest quiet
      atomic: poll ? false : atomicMs,
      interval: pollMs,
      binaryInterval: pollMs,
    })
    watchers.set(root, watcher)
    if (poll) polls.add(root)
    identities.set(root, identity(root))
    watcher.on('raw', (_event, _path, details) => {
      const { watchedPath } = details as { readonly watchedPath?: string }
      if (watchers.get(root) === watcher && watchedPath === root) checkRoot(root)
    })
    const ready = Promise.withResolvers<void>()
    watcher.on('ready', () => ready.resolve())
    watcher.on('all', (event, path) => {
      if (watchers.get(root) !== watcher) return
      if (event === 'unlinkDir' && path === root) checkRoot(root, true)
      if (leftOut.has(path, event === 'addDir' || event === 'unlinkDir')) return
      if (basename(path) === '.gitignore') void reopen(root, poll)
      // an empty folder is no code, and one that is gone took its files along, which are told too
      if (event !== 'addDir' && event !== 'unlinkDir') tell(root, path, event === 'add')
    })
    watcher.on('error', (error) => {
      const { code = '', message } = error as NodeJS.ErrnoException
      if (poll || !needsPolling.has(code)) {
        options.warn({ folder: root, reason: message }, 'part of the code cannot be watched')
        ready.resolve()
      } else if (watchers.get(root) === watcher) {
        const remedy = 'raise fs.inotify.max_user_watches and max_user_instances, or use --watch-poll'
        options.warn(
          { folder: root, reason: message, remedy },
          'the kernel cannot watch the code; it is looked at instead',
        )
        reopen(root, true).then(ready.resolve)
      }
    })
    return ready.promise
  }

  /** A build may delete a folder and make it again, also at once: all that was in it is gone then, and all in it is new. */
  function checkRoot(root: string, wentAway = identity(root) !== identities.get(root)): void {
    if (closed || gone.has(root) || !wentAway) return
    // left to itself it would go on with the folder above
    void watchers.get(root)?.close()
    quiet.tell(root)
    const look = (): void => {
      if (!existsSync(root)) return
      clearInterval(gone.get(root))
      gone.delete(root)
      reopen(root, polls.has(root)).then(() => quiet.tell(root))
    }
    gone.set(root, setInterval(look, pollMs))
    look()
  }

  /** Other rules, or another way to watch. What changes meanwhile is not told; new rules are a change themselves. */
  const reopen = (root: string, poll: boolean): Promise<void> => {
    void watchers.get(root)?.close()
    return closed ? Promise.resolve() : open(root, poll)
  }

  return {
    ready: Promise.all(options.roots.map((root) => open(root, options.poll))).then(() => {}),
    async [Symbol.asyncDispose]() {
      closed = true
      for (const timer of gone.values()) clearInterval(timer)
      quiet[Symbol.dispose]()
      await Promise.all([...watchers.values()].map((watcher) => watcher.close()))
    },
  }
}

/** Relative to the first root, the function's. */
export function nameOf(path: string, [root = '/']: readonly string[]): string {
  return relative(root, path) || '.'
}

/** Our own stdout and stderr may be files below the root; each line would be a change. */
function ownOutput(): string[] {
  return [1, 2].flatMap((fd) => {
    try {
      const stats = fstatSync(fd)
      return stats.isFile() ? [`${stats.dev}:${stats.ino}`] : []
    } catch {
      return []
    }
  })
}

function identity(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`
}
