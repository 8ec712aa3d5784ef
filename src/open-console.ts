/** Ties the console to the emulator. Loaded with the first request that no other route answers. */

import type { Config } from './config/config.ts'
import { History } from './console/history.ts'
import { consoleRoutes } from './console/routes.ts'
import type { Clock } from './engine/ports.ts'
import { renderBoth } from './gateway/rendered.ts'
import type { FunctionHost } from './host.ts'

/** The routes of the console. Nothing is kept before one of them is visited. */
export function openConsole({ emulator, function: of }: Config, host: FunctionHost, clock: Clock) {
  const { pool } = host
  return consoleRoutes({
    name: of.name,
    anywhere: emulator.console?.anywhere === true,
    environments: () => ({ environments: pool.snapshot(), queued: pool.waiting }),
    open(changed) {
      const history = new History({
        now: clock.now,
        epoch: clock.epoch,
        render: (outcome, { id, traceId }) =>
          renderBoth(outcome, { id, traceId, version: of.version, functionTimeoutMs: of.timeoutMs }),
        changed,
      })
      host.observe((id) => history.listener(id))
      pool.tap = history
      return history
    },
  })
}
