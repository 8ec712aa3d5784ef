/** What the options say of a debugger for a handler. */

import { boundAddress } from '../process/environ.ts'
import type { FunctionConfig, InspectConfig } from './config.ts'
import { ConfigError, type InspectorAddress } from './kinds.ts'

/**
 * `--inspect-brk` goes before `--inspect`. Throws `ConfigError` for what has no runtime of ours, or several. Of several
 * functions each one with a handler has the next port, and the others none; `inspectors` is how many came before it.
 */
export function inspectOf(
  inspect: InspectorAddress | null,
  stopping: InspectorAddress | null,
  { launch, maxEnvironments }: Pick<FunctionConfig, 'launch' | 'maxEnvironments'>,
  system: { readonly inspectors: number } | undefined,
): InspectConfig | null {
  const found = stopping ?? inspect
  if (found === null) return null
  const name = stopping === null ? '--inspect' : '--inspect-brk'
  if (launch.kind !== 'handler') {
    if (system !== undefined) return null
    throw new ConfigError(
      `${name} is for --handler; for another runtime use --debug, and that runtime's own debugger`,
    )
  }
  if (maxEnvironments > 1) {
    throw new ConfigError(`${name} has one environment; leave --max-environments at 1`)
  }
  const { hostname, path } = found
  const port = found.port + (system?.inspectors ?? 0)
  if (port > 65535) {
    throw new ConfigError(`${name} has no port left after 65535; give it a lower one, or fewer functions`)
  }
  const url = `ws://${boundAddress({ hostname, port })}${path || `/${crypto.randomUUID()}`}`
  return { url, stops: stopping !== null }
}
