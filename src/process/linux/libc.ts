/**
 * The few calls of libc that Bun has no API for. `libc.so.6` is the name that glibc's loader and musl's both answer
 * to, on x86-64 and arm64.
 */
import { dlopen } from 'bun:ffi'

const declarations = {
  pipe2: { args: ['ptr', 'i32'], returns: 'i32' },
  fcntl: { args: ['i32', 'i32', 'i64'], returns: 'i32' },
  // Lengths and results fit in 32 bits here; a 64-bit result would cost a BigInt per call.
  read: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  pread: { args: ['i32', 'ptr', 'usize', 'i64'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'usize'], returns: 'i32' },
  close: { args: ['i32'], returns: 'i32' },
  waitid: { args: ['i32', 'i32', 'ptr', 'i32'], returns: 'i32' },
  // `struct rlimit64` on 64-bit machines: two 64-bit numbers, the soft limit and the hard one
  prlimit: { args: ['i32', 'i32', 'ptr', 'ptr'], returns: 'i32' },
  waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
} as const

function load() {
  return dlopen('libc.so.6', declarations).symbols
}
let loaded: ReturnType<typeof load> | undefined

/** The calls, loaded at first use (about 0.5 ms, once). They return what libc returns; `errno` is not available. */
export function libc(): ReturnType<typeof load> {
  loaded ??= load()
  return loaded
}

/**
 * Constants of the Linux ABI, in the values of asm-generic. x86-64 and arm64 use these values for all of them (arm64
 * differs in O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE only).
 */
export const F_SETFL = 4
export const F_SETOWN = 8
export const F_SETSIG = 10
export const O_NONBLOCK = 0o4000
export const O_ASYNC = 0o20000
const O_CLOEXEC = 0o2000000
export const RLIMIT_NOFILE = 7
export const SIG_DFL = 0
export const SIGPIPE = 13
export const SIGXFSZ = 25
export const P_ALL = 0
export const P_PID = 1
export const WNOHANG = 1
export const WEXITED = 4
export const WNOWAIT = 0x1000000

/** `si_code` of a process that exited; any other says that a signal ended it. */
export const CLD_EXITED = 1

/** Offsets in a 64-bit `siginfo_t` of a child's end, and the size of the whole, in bytes. */
export const SI_CODE_OFFSET = 8
export const SI_PID_OFFSET = 16
export const SI_STATUS_OFFSET = 24
export const SIGINFO_SIZE = 128

/** A pipe of two close-on-exec descriptors, the lower one for reading, or null when the process has no more of them. */
export function openPipe(): { read: number; write: number } | null {
  const ends = new Int32Array(2)
  if (libc().pipe2(ends, O_CLOEXEC) !== 0) return null
  return { read: ends[0] as number, write: ends[1] as number }
}
