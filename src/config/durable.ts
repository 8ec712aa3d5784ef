/** What the options say of durable executions. */

import { ownOptions, type Variable } from './options.ts'

/** Of one durable function. */
export interface DurableFunctionConfig {
  readonly executionTimeoutSeconds: number | null
  readonly retentionDays: number
  readonly policy: { readonly retryDelaysMs: readonly number[]; readonly skipTime: boolean }
}

/** null: the function is an ordinary one. */
export function durableOf(value: <T>(option: Variable<T>) => T): DurableFunctionConfig | null {
  // each is looked at, so that a value that is wrong is told even where it would not count
  const config = {
    executionTimeoutSeconds: value(ownOptions.durableExecutionTimeout),
    retentionDays: value(ownOptions.durableRetentionDays),
    policy: {
      retryDelaysMs: value(ownOptions.durableRetryDelaysMs),
      skipTime: value(ownOptions.durableSkipTime),
    },
  }
  return value(ownOptions.durable) ? config : null
}
