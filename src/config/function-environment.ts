/** What the function finds in its environment of its own configuration. */

import type { FunctionConfig } from './config.ts'
import { ownOptions, type Variable } from './options.ts'
import type { Source } from './variables.ts'

/** As runtime clients know it (behaviour.md 3.11). */
export const snapType = 'snap-start'

/** The variables of the function, where those that have a flag too tell the same as the flag. */
export function toldToFunction(
  {
    source,
    environment,
  }: { readonly source: Source; readonly environment: Readonly<Record<string, string>> },
  config: Omit<FunctionConfig, 'environment' | 'url' | 'inspect'>,
  isWatched: boolean,
): Record<string, string> {
  function isFlag(option: Variable<unknown>): boolean {
    const given = source(option)
    return given !== undefined && !('variable' in given)
  }
  const told = { ...environment }
  delete told.AWS_LAMBDA_MAX_CONCURRENCY
  if (config.maxConcurrency !== null) {
    told.AWS_LAMBDA_MAX_CONCURRENCY = String(config.maxConcurrency)
    told.AWS_LAMBDA_INITIALIZATION_TYPE = 'lambda-managed-instances'
  }
  if (config.snapStart !== null) told.AWS_LAMBDA_INITIALIZATION_TYPE = snapType
  if (isFlag(ownOptions.functionName)) told.AWS_LAMBDA_FUNCTION_NAME = config.name
  if (config.logFormat === 'JSON') {
    told.AWS_LAMBDA_LOG_FORMAT = 'JSON'
    told.AWS_LAMBDA_LOG_LEVEL = config.applicationLogLevel
  } else if (isFlag(ownOptions.logFormat)) {
    delete told.AWS_LAMBDA_LOG_FORMAT
  }
  if (isFlag(ownOptions.taskRoot)) told.LAMBDA_TASK_ROOT = config.taskRoot
  if (isFlag(ownOptions.memorySize)) told.AWS_LAMBDA_FUNCTION_MEMORY_SIZE = config.memorySize
  if (isFlag(ownOptions.functionTimeoutMs) && told.AWS_LAMBDA_FUNCTION_TIMEOUT !== undefined) {
    told.AWS_LAMBDA_FUNCTION_TIMEOUT = String(config.timeoutMs / 1000)
  }
  // Python takes a file for unchanged whose length and second of saving are those of its bytecode, and runs the old code
  if (isWatched) told.PYTHONDONTWRITEBYTECODE ??= '1'
  return told
}
