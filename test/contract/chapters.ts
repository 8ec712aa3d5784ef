/** The table of contents. */
import { errors } from './errors.ts'
import { invoke } from './invoke.ts'
import { lifecycle } from './lifecycle.ts'
import { runtimeApi } from './runtime-api.ts'
import { stateTable } from './state-table.ts'
import type { Chapter } from './suite.ts'
import { timeout } from './timeout.ts'

export const chapters: readonly Chapter[] = [invoke, runtimeApi, stateTable, errors, timeout, lifecycle]
