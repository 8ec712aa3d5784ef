/** The table of contents. */
import { cli } from './cli.ts'
import { environmentChapter } from './environment.ts'
import { errors } from './errors.ts'
import { health } from './health.ts'
import { invoke } from './invoke.ts'
import { lifecycle } from './lifecycle.ts'
import { logs } from './logs.ts'
import { robustness } from './robustness.ts'
import { runtimeApi } from './runtime-api.ts'
import { scaling } from './scaling.ts'
import { stateTable } from './state-table.ts'
import type { Chapter } from './suite.ts'
import { timeout } from './timeout.ts'

export const chapters: readonly Chapter[] = [
  invoke,
  runtimeApi,
  stateTable,
  errors,
  timeout,
  lifecycle,
  logs,
  environmentChapter,
  cli,
  scaling,
  health,
  robustness,
]
