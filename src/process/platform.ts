/**
 * What of processes every kernel does in its own way. `linux/` asks the kernel itself, by way of libc; `portable/` does
 * with what Bun and POSIX give everywhere, and is for macOS. One of them is chosen when the emulator starts; the other is
 * not loaded.
 */

import type { ExitStatus } from '../engine/ports.ts'
import type { Command } from './raw.ts'

/** Both ends of a pipe: descriptors of ours that no child inherits. */
export interface PipeEnds {
  /** reads do not block */
  readonly read: number
  /** writes block, as a process may rely on that */
  readonly write: number
}

/** What `Bun.spawn` is given. */
export interface SpawnCommand {
  readonly cmd: string[]
  readonly argv0?: string
  readonly env: Record<string, string>
}

/** Ends a process group when the emulator dies, however it dies. */
export interface Guard {
  /** Signals the group, if anything is left of it. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
  /** The group is no longer guarded, and goes on. May be called more than once. */
  dispose(): void
}

/** Measures the families of the processes it was told to watch: the leader of a group, and all that it started. */
export interface MemoryMeter extends Disposable {
  /** From now on this leader has a family. */
  watch(leader: number): void
  /** The family is no longer of interest. */
  forget(leader: number): void
  /** The highest sum that was seen of this leader's family, in bytes; also when nothing of it is alive any more. */
  last(leader: number): number
  /** Sum of the peaks, in bytes, of all processes that are alive in these leaders' families. */
  peak(leaders: readonly number[]): number
}

/** Takes away dead processes that PID 1 inherits. Disposing of it ends its timer. */
export interface Reaper extends Disposable {
  /** Reaps what is dead now and returns how many that were. */
  reapNow(): number
}

export interface Platform extends Disposable {
  /** How often a pipe is read although the event loop has told of nothing, in milliseconds; null: never. */
  readonly pollMs: number | null
  /** Whether bytes that are not UTF-8 reach a process as they are. */
  readonly handsOnBytes: boolean
  /** Opens a pipe. Throws an error with the system's code when there is none to be had. */
  openPipe(): PipeEnds
  /** Reads what the pipe holds now, up to the size of the buffer; 0 or less when that is nothing. Never throws. */
  read(fd: number, buffer: Buffer): number
  close(fd: number): void
  /**
   * How to start a command so that its group is guarded before Bun tells its number: the process has `descriptor` as its
   * number `fd`, and closes it. Null: as it is.
   */
  announced(
    command: Command,
    cwd: string,
    fd: number,
  ): { readonly how: SpawnCommand; readonly descriptor: number } | null
  /** Guards the group of this leader, which must not have been reaped yet; null when that is not possible. */
  guard(leader: number): Guard | null
  /** The status of a child that has ended and that nobody has waited for yet; null too where nobody can say. */
  endedStatus(pid: number): ExitStatus | null
  /** Runs `start` with the limit of open files that the process is to have; `lowest` is the lowest free descriptor. */
  withFileLimit<T extends { readonly pid: number }>(lowest: number, start: () => T): T
  createMemoryMeter(): MemoryMeter
  /** Starts to reap dead children that are not among `known`; null where that is not possible. */
  startReaper(known: () => Iterable<number>): Reaper | null
}

/** Loads the platform of this machine, or with `portable` the one that works everywhere. */
export function openPlatform(portable: boolean): Platform {
  if (portable || process.platform !== 'linux') {
    const { openPortable } = require('./portable/platform.ts') as typeof import('./portable/platform.ts')
    return openPortable()
  }
  const { linux } = require('./linux/platform.ts') as typeof import('./linux/platform.ts')
  return linux
}
