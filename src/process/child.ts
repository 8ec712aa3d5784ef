/**
 * One process of an execution environment: the leader of a session and a group of its own, both outputs in one pipe,
 * /dev/null as its input, guarded against outliving us. The only place that starts processes.
 *
 * Life: running → ended (the leader has exited; what it started may go on in its group) → disposed. Disposing a
 * running one kills it; its exit is still told, its output is not.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type {
  ExitStatus,
  LaunchFailure,
  ProcessEvents,
  ProcessSpec,
  RunningProcess,
} from '../engine/ports.ts'
import { type OutputPipe, openOutputPipe } from './pipe.ts'
import type { Platform, SpawnCommand } from './platform.ts'
import { type Command, execVariables, needsExec } from './raw.ts'

/** What the owner of all children wants to know besides what the environment is told. */
export interface ChildHooks {
  /**
   * Bun has reaped the leader. Called before the environment's `exit`; returns the peak of its memory, in bytes, of which
   * `kernelPeak` is the kernel's figure.
   */
  ended(child: RunningProcess, kernelPeak: number): number
  /** `dispose` was called for the first time. */
  disposed(child: RunningProcess): void
  /** The kernel refused to guard the group: it would outlive an emulator that is killed. */
  unguarded(child: RunningProcess): void
}

/** What all children are started with. */
export interface ChildParts {
  readonly platform: Platform
  /** the command of this program, for what Bun cannot hand on */
  readonly self: readonly string[] | undefined
}

/** Go's words for the errors that starting a program can meet: those of the reference. */
const reasons: Readonly<Record<string, string>> = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EAGAIN: 'resource temporarily unavailable',
  EINVAL: 'invalid argument',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELIBBAD: 'accessing a corrupted shared library',
  ELOOP: 'too many levels of symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENFILE: 'too many open files in system',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'exec format error',
  ENOMEM: 'cannot allocate memory',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  ETXTBSY: 'text file busy',
}

function workingDirectoryFailure(cwd: string): LaunchFailure | null {
  const failure = (text: string): LaunchFailure => ({ reason: 'working-directory', text })
  if (!cwd.startsWith('/')) {
    return failure(`the working directory '${cwd}' is invalid, it needs to be an absolute path`)
  }
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return null
  return failure(`the working directory doesn't exist: ${cwd}`)
}

function launchFailure(path: string, cwd: string, error: unknown): LaunchFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  // A missing directory and a missing program are the same ENOENT, and a file in its place the same ENOTDIR.
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const failure = workingDirectoryFailure(cwd)
    if (failure !== null) return failure
  }
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error))
  return { reason: 'entrypoint', text: `fork/exec ${path}: ${reason}` }
}

// Bun gives the number where it knows no name, which are the real-time signals.
function exitStatus(code: number | null, signal: string | number | null): ExitStatus {
  if (signal === null) return { kind: 'code', code: code ?? 0 }
  return { kind: 'signal', signal: typeof signal === 'number' ? `SIG${signal}` : signal }
}

/** How to start a command: by itself, or by a program of ours that hands on bytes. Throws as a start would. */
function invocationOf(command: Command, cwd: string, self: readonly string[] | undefined): SpawnCommand {
  const { path, argv, env } = command
  const [name, ...args] = argv
  if (self === undefined || !needsExec(command))
    return { cmd: [path, ...args], argv0: name as string, env: { ...env } }
  const file = resolve(cwd, path)
  accessSync(file, constants.X_OK)
  if (!statSync(file).isFile()) throw Object.assign(new Error(), { code: 'EACCES' })
  return { cmd: [...self], env: execVariables(command) }
}

/**
 * Starts a process, or says why it cannot be started. `exit` is never told before this has
 * returned.
 */
export function startChild(
  spec: ProcessSpec,
  events: ProcessEvents,
  hooks: ChildHooks,
  { platform, self }: ChildParts,
): RunningProcess | LaunchFailure {
  const [name] = spec.argv
  const { cwd } = spec
  if (!cwd.startsWith('/')) return workingDirectoryFailure(cwd) as LaunchFailure

  // Looked up here, as Bun would pass what it found as the program's name for itself.
  const path = name.includes('/') || name === '' ? name : Bun.which(name, { PATH: spec.env.PATH ?? '', cwd })
  if (path === null) {
    return { reason: 'entrypoint', text: `exec: "${name}": executable file not found in $PATH` }
  }
  let pipe: OutputPipe
  try {
    pipe = openOutputPipe(platform, (chunk) => events.output(chunk))
  } catch (error) {
    return launchFailure(path, cwd, error)
  }

  let child: RunningProcess | undefined
  let ended = false
  let disposed = false
  const end = (status: ExitStatus, kernelPeak: number) => {
    if (child === undefined) return queueMicrotask(() => end(status, kernelPeak))
    ended = true
    const peak = hooks.ended(child, kernelPeak)
    pipe.drain()
    events.exit(status, peak)
  }

  let pid: number
  try {
    const command = { path, argv: spec.argv, env: spec.env }
    const extra = spec.logFd ? [pipe.writeEnd] : []
    const announced = platform.announced(command, cwd, 3 + extra.length)
    if (announced !== null) extra.push(announced.descriptor)
    const how = announced?.how ?? invocationOf(command, cwd, platform.handsOnBytes ? self : undefined)
    const started = platform.withFileLimit(pipe.writeEnd, () =>
      Bun.spawn({
        ...how,
        cwd,
        stdio: ['ignore', pipe.writeEnd, pipe.writeEnd, ...extra],
        detached: true,
        onExit: (ended, code, signal) => end(exitStatus(code, signal), ended.resourceUsage()?.maxRSS ?? 0),
      }),
    )
    pid = started.pid
  } catch (error) {
    pipe.dispose()
    return launchFailure(path, cwd, error)
  }
  const guard = platform.guard(pid)
  pipe.start()

  function signalGroup(signal: 'SIGTERM' | 'SIGKILL') {
    // While the leader has not been reaped its number cannot be given away; afterwards only the guard is safe.
    if (ended && guard !== null) return guard.signal(signal)
    try {
      process.kill(-pid, signal)
    } catch {
      // ESRCH: nobody left. EPERM: all that is left runs as somebody else, which is not ours to end.
    }
  }

  child = {
    pid,
    signal(signal) {
      if (!disposed) signalGroup(signal)
    },
    drain: pipe.drain,
    ended: () => (ended || disposed ? null : platform.endedStatus(pid)),
    dispose() {
      if (disposed) return
      disposed = true
      signalGroup('SIGKILL')
      guard?.dispose()
      pipe.dispose()
      hooks.disposed(child as RunningProcess)
    },
  }
  if (guard === null) hooks.unguarded(child)
  return child
}
