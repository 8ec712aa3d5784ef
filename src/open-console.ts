/** Ties the console to the emulator. Loaded with the first request that no other route answers. */

import type { Config } from './config/config.ts'
import { History } from './console/history.ts'
import { consoleRoutes } from './console/routes.ts'
import type { Failure } from './engine/last-failure.ts'
import type { Clock } from './engine/ports.ts'
import { projectEvents } from './events/project.ts'
import { renderBoth } from './gateway/rendered.ts'
import type { FunctionHost } from './host.ts'
import { reportedError } from './telemetry/code-frame.ts'

/** The routes of the console. Nothing is kept before one of them is visited. `functionUrl` is `http://HOST:PORT`. */
export function openConsole(
  { emulator, function: of }: Config,
  host: FunctionHost,
  clock: Clock,
  functionUrl: string | null,
) {
  const { pool } = host
  const failureNow = failureOf(host)
  const taskRoot = of.environment.LAMBDA_TASK_ROOT || of.taskRoot
  return consoleRoutes({
    anywhere: emulator.console?.anywhere === true,
    introduction: () => ({
      name: of.name,
      files: projectEvents(taskRoot),
      functionUrl,
      watches: emulator.watch !== null,
    }),
    liveState: () => ({
      environments: pool.snapshot(),
      queued: pool.waiting,
      failure: host.buildFailure ?? failureNow(),
    }),
    open(updates) {
      const history = new History({
        now: clock.now,
        epoch: clock.epoch,
        render: (outcome, { id, traceId }) =>
          renderBoth(outcome, {
            id,
            traceId,
            version: of.version,
            functionTimeoutMs: of.timeoutMs,
            managed: of.maxConcurrency !== null,
          }),
        changed: () => updates.due(),
      })
      host.observe((id) => history.listener(id))
      host.onCodeChange = (files) => updates.codeChanged(files)
      pool.tap = history
      return history
    },
  })
}

/** Gives the last failure, with the line of code and the trace where the runtime told them; each is read once. */
function failureOf({ lastFailure }: FunctionHost): () => object | null {
  let known: Failure | null = null
  let shown: object | null = null
  return () => {
    const { value, document } = lastFailure
    if (value !== known) {
      known = value
      const stack = document === null ? null : (reportedError(document)?.stack ?? null)
      shown = value === null ? null : { ...value, stack }
    }
    return shown
  }
}
