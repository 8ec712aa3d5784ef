/** Ties the listener for callers to the functions: who they are, their figures, the console. */

import type { Config, EmulatorConfig, SystemConfig } from './config/config.ts'
import type { Clock, Log } from './engine/ports.ts'
import type { ServedFunctions } from './gateway/served.ts'
import { type Gateway, openGateway } from './gateway/server.ts'
import { arnOf, type FunctionHost } from './host.ts'
import type { RequestTrace } from './http/traced.ts'
import { listen } from './listen.ts'
import type { Durable } from './open-durable.ts'

export interface FrontParts {
  readonly clock: Clock
  readonly log: Log
  /** with the first; callers name one of them, or there is but one */
  readonly hosts: readonly FunctionHost[]
  /** By name or alias; null: there is none. */
  find(name: string): FunctionHost | null
  /** The address of the Function URL of one, by its name; null: it has none. */
  urlOf(name: string): string | null
  /** null: no function is a durable one */
  readonly durable: Durable | null
}

function prometheus(): typeof import('./telemetry/prometheus.ts') {
  return require('./telemetry/prometheus.ts')
}

function dashboard(): typeof import('./telemetry/dashboard.ts') {
  return require('./telemetry/dashboard.ts')
}

function consoleOf(): typeof import('./open-console.ts') {
  return require('./open-console.ts')
}

/** Opens the listener. Throws `ListenError`. */
export function openFront(config: Config | SystemConfig, parts: FrontParts): Gateway {
  const { emulator } = config
  const { clock, log, hosts, urlOf, durable } = parts
  const address = emulator.gateway
  const named = 'functions' in config
  return listen('--runtime-interface-emulator-address', address, () =>
    openGateway(servedBy(parts, named), {
      ...address,
      dialect: emulator.dialect,
      origins: emulator.origins,
      metrics: () => prometheus().createExposition(hosts.map(measured), named),
      durable: durable?.api ?? null,
      dashboard: () => dashboard().dashboard(),
      console:
        emulator.console === null
          ? null
          : () => consoleOf().openConsole(emulator, { hosts, named, urlOf }, clock),
      epoch: clock.epoch,
      log,
      trace: traceOf(emulator, parts, 'request answered'),
    }),
  )
}

function servedBy({ hosts, find }: FrontParts, named: boolean): ServedFunctions {
  const [first] = hosts as [FunctionHost, ...FunctionHost[]]
  if (!named) return { only: first }
  const { region, accountId } = first.config
  return { only: null, all: hosts, find, arnOf: (name) => arnOf({ region, accountId, name }) }
}

/** What the metrics of a function are made of, each time they are asked for. */
function measured(host: FunctionHost) {
  const { pool, metrics, name } = host
  return {
    name,
    metrics,
    situation: () => ({
      waiting: pool.waiting,
      waitingEvents: host.asyncEvents.waiting,
      durable: host.durable?.counts ?? null,
      environments: pool.snapshot(),
      limits: host.limits,
    }),
  }
}

/** Where each request is told of, if the level of the log lets it through. */
export function traceOf(
  { logLevel }: EmulatorConfig,
  { log, clock }: Pick<FrontParts, 'log' | 'clock'>,
  message: string,
) {
  if (logLevel !== 'debug' && logLevel !== 'trace') return undefined
  return { now: clock.now, tell: (trace: RequestTrace) => log.debug(trace, message) }
}
