/**
 * A runtime that somebody else starts, as an IDE does (`--attach`), behind the port of processes: a place that is taken
 * when a runtime is expected, and left when it is told to end. No signal reaches the program; nothing is read of it.
 */

import type { ProcessEvents, Processes, RunningProcess } from '../engine/ports.ts'

/** Processes of which the runtime is not started; extensions are. */
export function withAttachedRuntime(processes: Processes): Processes {
  return {
    spawn(spec, events) {
      return spec.name === 'runtime' ? attachedRuntime(events) : processes.spawn(spec, events)
    },
    // what is not among its own, it leaves out
    memory: (all) => processes.memory(all),
  }
}

function attachedRuntime(events: ProcessEvents): RunningProcess {
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
    dispose() {},
  }
}
