/** A function whose runtime cannot be started, for a reason that its callers are told. Loaded for the first. */

import type { Processes } from '../engine/ports.ts'

/** Its extensions are started as ever. */
export function withBrokenRuntime(processes: Processes, reason: string): Processes {
  return {
    spawn: (spec, events) =>
      spec.name === 'runtime' ? { reason: 'entrypoint', text: reason } : processes.spawn(spec, events),
    memory: (running) => processes.memory(running),
  }
}
