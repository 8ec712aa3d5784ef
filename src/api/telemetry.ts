/**
 * `/2022-07-01/telemetry` and `/2020-08-15/logs`: subscriptions are answered as the reference does, with a 202 that
 * says that there are none (rie-classic.md 6). AWS's documentation names that answer for local testing.
 */

import { errorResponse } from './wire.ts'

export const telemetry = (): Response =>
  errorResponse(202, 'Telemetry.NotSupported', 'Telemetry API is not supported')

export const logs = (): Response => errorResponse(202, 'Logs.NotSupported', 'Logs API is not supported')
