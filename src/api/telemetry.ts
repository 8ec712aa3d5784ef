/**
 * `/2022-07-01/telemetry` and `/2020-08-15/logs`: subscriptions are answered as the reference does, with a 202 that
 * says that there are none. AWS's documentation names that answer for local testing.
 */

import { type Answer, errorAnswer } from './wire.ts'

export const telemetry = (): Answer =>
  errorAnswer(202, 'Telemetry.NotSupported', 'Telemetry API is not supported')

export const logs = (): Answer => errorAnswer(202, 'Logs.NotSupported', 'Logs API is not supported')
