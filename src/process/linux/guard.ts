/**
 * Ends a process group when the emulator dies, however it dies: no helper process, nothing in the child's way.
 *
 * The emulator alone holds both ends of a pipe. The read end asks the kernel to send SIGKILL to the group whenever
 * something happens on it (F_SETSIG, F_SETOWN, O_ASYNC), and the last writer going away is such a thing. When a
 * process dies, Linux closes its descriptors last-opened-first (deferred work runs in reverse order since 4.4), so the
 * write end, which `pipe2` always numbers higher, goes while the read end still stands, and the signal is sent. With
 * the ends the other way round it is not.
 *
 * The kernel remembers the group itself, not its number: a signal sent through the guard cannot reach a stranger that
 * was given the number later, as kill(2) could.
 *
 * What it does not cover: a process that is being started, whose number the emulator does not have yet (0.3 ms, on a
 * busy machine ten), and processes that leave their group.
 */
import type { Guard } from '../platform.ts'
import { F_SETFL, F_SETOWN, F_SETSIG, libc, O_ASYNC, O_NONBLOCK, openPipe } from './libc.ts'

const sigterm = 15
const sigkill = 9
const oneByte = new Uint8Array(1)

/** Guards the group of this leader, which must not have been reaped yet; null when the kernel refuses. */
export function guardGroup(leader: number): Guard | null {
  const ends = openPipe()
  if (ends === null) return null
  const { read, write } = ends
  const sys = libc()
  let open = true

  function dispose() {
    if (!open) return
    open = false
    // Closing the write end of an armed guard would fire it.
    sys.fcntl(read, F_SETFL, O_NONBLOCK)
    sys.close(write)
    sys.close(read)
  }

  const armed =
    sys.fcntl(read, F_SETSIG, sigkill) === 0 &&
    sys.fcntl(read, F_SETOWN, -leader) === 0 &&
    sys.fcntl(read, F_SETFL, O_ASYNC | O_NONBLOCK) === 0
  if (!armed) {
    dispose()
    return null
  }

  return {
    signal(signal) {
      if (!open) return
      if (signal === 'SIGTERM') sys.fcntl(read, F_SETSIG, sigterm)
      sys.write(write, oneByte, 1)
      // Taken out again, so that no number of signals can fill the pipe; reading sends none.
      sys.read(read, oneByte, 1)
      if (signal === 'SIGTERM') sys.fcntl(read, F_SETSIG, sigkill)
    },
    dispose,
  }
}
