/**
 * A runtime that somebody else starts, as an IDE does (`--attach`), behind the port of processes: a place that is taken
 * when a runtime is expected, and left when it is told to end. No signal reaches the program; of what it prints nothing
 * is read, and its memory is that of the process which calls the Runtime API, where the kernel can say which that is.
 */

import type { ProcessEvents, Processes, RunningProcess } from '../engine/ports.ts'
import type { Peer } from './linux/peer.ts'

/**
 * Processes of which the runtime is not started; extensions are. `port` gives that of the Runtime API; with `portable` nothing
 * that is Linux's own is asked.
 */
export function withAttachedRuntime(
  processes: Processes,
  port: () => number,
  portable: boolean = false,
): Processes {
  /** sessions of extensions, which call the same port */
  const extensions = new Set<number>()
  const peer = portable ? null : peerOf(port, (session) => extensions.has(session))
  return {
    spawn(spec, events) {
      if (spec.name === 'runtime') return attachedRuntime(events, peer)
      const child = processes.spawn(spec, events)
      if ('pid' in child) extensions.add(child.pid)
      return child
    },
    // what is not among its own, the first one leaves out
    memory: (all) => processes.memory(all) + (peer?.peak() ?? 0),
  }
}

/** Null where there is no table of sockets, as on macOS. */
function peerOf(port: () => number, isOurs: (session: number) => boolean): Peer | null {
  if (process.platform !== 'linux') return null
  const { Peer } = require('./linux/peer.ts') as typeof import('./linux/peer.ts')
  return new Peer(port, isOurs)
}

function attachedRuntime(events: ProcessEvents, peer: Peer | null): RunningProcess {
  let ended = false
  return {
    pid: 0,
    signal(signal) {
      if (ended) return
      ended = true
      events.exit({ kind: 'signal', signal })
    },
    drain() {},
    ended: () => null,
    dispose: () => peer?.[Symbol.dispose](),
  }
}
