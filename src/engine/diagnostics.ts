/** Tells the emulator's own log of what happens to an environment. */

import type { PlatformListener } from './platform-events.ts'
import type { Log } from './ports.ts'

export function diagnostics(log: Log): PlatformListener {
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
        const fields = { process: process ?? undefined, errorType: fault.errorType, reason: fault.text }
        log.warn(fields, idle ? 'a process ended while nothing ran' : 'an execution environment failed')
        return
      }
      case 'shutdown':
        log.debug({ reason: event.reason }, 'shutdown')
    }
  }
}
