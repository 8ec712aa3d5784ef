/** The table of contents. */
import { addresses } from './addresses.ts'
import { asynchronous } from './asynchronous.ts'
import { attached } from './attach.ts'
import type { Chapter } from './chapter.ts'
import { children } from './children.ts'
import { cli } from './cli.ts'
import { client } from './client.ts'
import { consoleChapter } from './console.ts'
import { delivery } from './delivery.ts'
import { diagnostics } from './diagnostics.ts'
import { dialects } from './dialects.ts'
import { durableChapter } from './durable.ts'
import { environmentChapter } from './environment.ts'
import { errors } from './errors.ts'
import { extensionsBudgets } from './extensions-budgets.ts'
import { extensionsEvents } from './extensions-events.ts'
import { extensionsFailures } from './extensions-failures.ts'
import { extensionsInternal } from './extensions-internal.ts'
import { extensionsInvoke } from './extensions-invoke.ts'
import { extensionsLaunch } from './extensions-launch.ts'
import { extensionsRegister } from './extensions-register.ts'
import { extensionsShutdown } from './extensions-shutdown.ts'
import { extensionsStates } from './extensions-states.ts'
import { firstLine } from './first-line.ts'
import { functionUrl } from './function-url.ts'
import { functionUrlAnswers } from './function-url-answers.ts'
import { functionUrlStreams } from './function-url-streams.ts'
import { functions } from './functions.ts'
import { handler } from './handler.ts'
import { handlerDebug } from './handler-debug.ts'
import { handlerNode } from './handler-node.ts'
import { handlerSeveral } from './handler-several.ts'
import { handlerStart } from './handler-start.ts'
import { handlerStream } from './handler-stream.ts'
import { handlerTsconfig } from './handler-tsconfig.ts'
import { health } from './health.ts'
import { http } from './http.ts'
import { httpClients } from './http-clients.ts'
import { initErrors } from './init-errors.ts'
import { invoke } from './invoke.ts'
import { lifecycle } from './lifecycle.ts'
import { logs } from './logs.ts'
import { managed } from './managed.ts'
import { managedExtensions } from './managed-extensions.ts'
import { managedTelemetry } from './managed-telemetry.ts'
import { metadata } from './metadata.ts'
import { methods } from './methods.ts'
import { order } from './order.ts'
import { overlap } from './overlap.ts'
import { pages } from './pages.ts'
import { polling } from './polling.ts'
import { requests } from './requests.ts'
import { responses } from './responses.ts'
import { robustness } from './robustness.ts'
import { runtimeApi } from './runtime-api.ts'
import { scaling } from './scaling.ts'
import { snapStartChapter } from './snapstart.ts'
import { stateTable } from './state-table.ts'
import { streams } from './streams.ts'
import { telemetry } from './telemetry.ts'
import { telemetryDelivery } from './telemetry-delivery.ts'
import { telemetryLogs } from './telemetry-logs.ts'
import { telemetryRecords } from './telemetry-records.ts'
import { timeout } from './timeout.ts'
import { valuesChapter } from './values.ts'
import { watch } from './watch.ts'

export const chapters: readonly Chapter[] = [
  invoke,
  http,
  methods,
  httpClients,
  requests,
  order,
  runtimeApi,
  delivery,
  responses,
  stateTable,
  polling,
  errors,
  initErrors,
  timeout,
  dialects,
  asynchronous,
  durableChapter,
  functions,
  metadata,
  extensionsRegister,
  extensionsEvents,
  extensionsStates,
  extensionsLaunch,
  extensionsInvoke,
  extensionsFailures,
  extensionsShutdown,
  extensionsBudgets,
  extensionsInternal,
  telemetry,
  telemetryRecords,
  telemetryDelivery,
  telemetryLogs,
  lifecycle,
  logs,
  environmentChapter,
  valuesChapter,
  children,
  cli,
  addresses,
  diagnostics,
  firstLine,
  handler,
  client,
  watch,
  attached,
  consoleChapter,
  handlerDebug,
  handlerNode,
  handlerSeveral,
  handlerStart,
  handlerStream,
  handlerTsconfig,
  scaling,
  managed,
  managedExtensions,
  managedTelemetry,
  snapStartChapter,
  overlap,
  health,
  streams,
  functionUrl,
  functionUrlAnswers,
  functionUrlStreams,
  pages,
  robustness,
]
