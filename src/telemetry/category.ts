/** To which of the three telemetry types an event belongs. */

import type { PlatformEvent } from '../engine/platform-event.ts'

/** What a subscription can ask for; AWS calls it a type in requests, and a category in its table of records. */
export type TelemetryType = 'platform' | 'function' | 'extension'

/** Which of them an event belongs to; null for one that subscribers do not see. */
export function categoryOf(event: PlatformEvent): TelemetryType | null {
  switch (event.type) {
    case 'log':
      return event.process === 'runtime' ? 'function' : 'extension'
    case 'answered':
    case 'responseStart':
    case 'shutdown':
      return null
    default:
      return 'platform'
  }
}
