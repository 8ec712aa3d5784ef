/** Ties the console to the emulator. Loaded with the first request that no other route answers. */

import type { EmulatorConfig, FunctionConfig } from './config/config.ts'
import { History } from './console/history.ts'
import { consoleRoutes } from './console/routes.ts'
import type { Failure } from './engine/last-failure.ts'
import type { Clock } from './engine/ports.ts'
import { projectEvents } from './events/project.ts'
import { renderBoth } from './gateway/rendered.ts'
import type { FunctionHost } from './host.ts'
import { reportedError } from './telemetry/code-frame.ts'

/** The functions that are shown. */
export interface ShownFunctions {
  readonly hosts: readonly FunctionHost[]
  /** there are several, and each is shown with its name */
  readonly named: boolean
  /** `http://HOST:PORT`, with a path if it has one */
  urlOf(functionName: string): string | null
}

/** The routes of the console. Nothing is kept before one of them is visited. */
export function openConsole(emulator: EmulatorConfig, { hosts, named, urlOf }: ShownFunctions, clock: Clock) {
  const [first] = hosts as [FunctionHost, ...FunctionHost[]]
  const byArn = new Map(hosts.map((host) => [host.arn, host]))
  const failures = hosts.map(failureOf)
  return consoleRoutes({
    anywhere: emulator.console?.anywhere === true,
    introduction: () => ({
      name: first.name,
      functions: named ? hosts.map(({ name }) => ({ name, functionUrl: urlOf(name) })) : [],
      files: Object.assign({}, ...hosts.map(({ config }) => projectEvents(rootOf(config)))),
      functionUrl: urlOf(first.name),
      watches: emulator.watch !== null,
      durable: hosts.some(({ durable }) => durable !== null),
    }),
    liveState: () => ({
      environments: hosts.flatMap(({ name, pool }) =>
        pool.snapshot().map((one) => (named ? { function: name, ...one } : one)),
      ),
      queued: hosts.reduce((sum, { pool }) => sum + pool.waiting, 0),
      failure:
        hosts.find(({ buildFailure }) => buildFailure)?.buildFailure ??
        latest(failures.map((failure) => failure())),
    }),
    open(updates) {
      const history = new History({
        now: clock.now,
        epoch: clock.epoch,
        render(outcome, { id, traceId, arn }) {
          const { version, timeoutMs, maxConcurrency } = (byArn.get(unqualified(arn)) ?? first).config
          const managed = maxConcurrency !== null
          return renderBoth(outcome, { id, traceId, version, functionTimeoutMs: timeoutMs, managed })
        },
        changed: () => updates.due(),
      })
      for (const host of hosts) {
        const name = named ? host.name : null
        host.observe((id) => history.listener(id, name))
        host.onCodeChange = (files) => updates.codeChanged(files)
        host.pool.tap = history.tap(name)
      }
      return history
    },
  })
}

function rootOf({ environment, taskRoot }: FunctionConfig): string {
  return environment.LAMBDA_TASK_ROOT || taskRoot
}

/** The ARN of a function without version or alias. */
function unqualified(arn: string | null): string {
  return arn === null ? '' : arn.split(':').slice(0, 7).join(':')
}

type ShownFailure = Failure & { readonly stack: unknown }

/** The failure that came last. */
function latest(failures: readonly (ShownFailure | null)[]): ShownFailure | null {
  return failures.reduce(
    (last, one) => (one !== null && (last === null || one.at > last.at) ? one : last),
    null,
  )
}

/** Gives the last failure, with the line of code and the trace where the runtime told them; each is read once. */
function failureOf({ lastFailure }: FunctionHost): () => ShownFailure | null {
  let known: Failure | null = null
  let shown: ShownFailure | null = null
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
