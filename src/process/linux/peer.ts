/**
 * The memory of a process that is known by its connection alone: one that somebody else has started and that calls a
 * port of ours.
 *
 * The kernel's table of connections (`/proc/net/tcp`, proc_pid_net(5)) has the peer's end of one on this machine as an
 * entry of its own, with the number of its socket; the process is the one that has that socket among its descriptors.
 * A peer in another network namespace, as on the other side of a container, has no such entry, and one of another user
 * has descriptors that cannot be read: neither has a figure.
 */

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { libc } from './libc.ts'

/** `ESTABLISHED`, as the table has it. */
const established = '01'
const statusSize = 8192

export class Peer implements Disposable {
  readonly #port: () => number
  readonly #isOurs: (session: number) => boolean
  /** of `/proc/PID/status`, which stands for the process itself and not for its number; -1 without one */
  #status = -1
  /** the sockets that were looked for last, in vain */
  #unfound = ''
  readonly #buffer = Buffer.allocUnsafeSlow(statusSize)

  /** `port` is ours; a process in a session that `isOurs` is none of the peers. */
  constructor(port: () => number, isOurs: (session: number) => boolean) {
    this.#port = port
    this.#isOurs = isOurs
  }

  /** Its peak of resident memory (`VmHWM`), in bytes, without its children; 0 while it is not known. */
  peak(): number {
    const known = this.#read()
    if (known > 0) return known
    this[Symbol.dispose]()
    this.#find()
    return this.#read()
  }

  #read(): number {
    if (this.#status < 0) return 0
    const count = libc().pread(this.#status, this.#buffer, statusSize, 0)
    const [, kilobytes] =
      /^VmHWM:\s+(\d+) kB/m.exec(this.#buffer.toString('latin1', 0, Math.max(0, count))) ?? []
    return Number(kilobytes ?? 0) * 1024
  }

  #find(): void {
    const sockets = socketsTo(this.#port())
    const key = [...sockets].join()
    if (key === '' || key === this.#unfound) return
    const pid = holderOf(sockets, this.#isOurs)
    this.#unfound = pid === undefined ? key : ''
    if (pid === undefined) return
    try {
      this.#status = openSync(`/proc/${pid}/status`, 'r')
    } catch {
      // it has ended meanwhile
    }
  }

  [Symbol.dispose](): void {
    if (this.#status >= 0) closeSync(this.#status)
    this.#status = -1
  }
}

/** The sockets, by their links, whose other end is this port of this machine. */
function socketsTo(port: number): Set<string> {
  const needle = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const found = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of textOf(table).split('\n')) {
      const [, , remote, state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === established && remote?.endsWith(needle)) found.add(`socket:[${inode}]`)
    }
  }
  return found
}

function holderOf(sockets: ReadonlySet<string>, isOurs: (session: number) => boolean): number | undefined {
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!(pid > 0) || isOurs(sessionOf(pid))) continue
    for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
      try {
        if (sockets.has(readlinkSync(`/proc/${pid}/fd/${descriptor}`))) return pid
      } catch {
        // closed meanwhile
      }
    }
  }
  return undefined
}

function sessionOf(pid: number): number {
  const stat = textOf(`/proc/${pid}/stat`)
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ', 4)[3])
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
