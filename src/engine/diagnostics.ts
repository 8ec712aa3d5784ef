/** Tells the emulator's own log of what happens to an environment. */

import type { PlatformListener } from './platform-events.ts'
import type { Log } from './ports.ts'

/** `attached` says that the runtime is started by somebody else, and may go. */
export function diagnostics(log: Log, attached = false): PlatformListener {
  return (event) => {
    switch (event.type) {
      case 'initStart':
        log.debug({ phase: event.phase }, 'init started')
        return
      case 'initReport': {
        const { phase, verdict, durationMs } = event
        log.debug({ phase, ...verdict, durationMs }, 'init ended')
        return
      }
      case 'fault': {
        const { process, fault, idle } = event
        if (attached && idle && process === 'runtime') {
          log.info({}, 'the runtime has gone; the next one may come')
          return
        }
        const fields = { process: process ?? undefined, errorType: fault.errorType, reason: fault.text }
        log.warn(fields, idle ? 'a process ended while nothing ran' : 'an execution environment failed')
        return
      }
      case 'shutdown':
        log.debug({ reason: event.reason }, 'shutdown')
    }
  }
}
