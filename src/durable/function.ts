/** Functions as runs see them. */

import type { Outcome } from '../core/failure.ts'
import type { Invocation } from '../engine/invocation.ts'
import type { ErrorObject } from './core/operation.ts'
import type { RunPolicy } from './core/state.ts'

/** What is configured for the runs of one function. */
export interface DurableConfig {
  /** seconds; null: no limit */
  readonly executionTimeoutSeconds: number | null
  readonly retentionDays: number
  readonly policy: RunPolicy
}

export interface RunFunction {
  readonly name: string
  /** without a qualifier */
  readonly arn: string
  readonly version: string
  /** null: it is an ordinary one, which runs may invoke */
  readonly durable: DurableConfig | null
  invoke(invocation: Invocation): void
  /** Takes back an invocation that has not begun; false if it has. */
  withdraw(invocation: Invocation): boolean
  /** What an outcome that is no success is called. */
  errorOf(outcome: Outcome, requestId: string): ErrorObject
}

/** The functions of this emulator. */
export interface RunFunctions {
  /** By its name without account and qualifier; null: there is none. */
  find(name: string): RunFunction | null
  /** ARN of a function of this name, whether there is one or not */
  arnOf(name: string): string
}

/** By an ARN without a qualifier, whatever its account and region; null: there is none. */
export function functionOfArn(functions: RunFunctions, arn: string): RunFunction | null {
  return functions.find(arn.slice(arn.lastIndexOf(':') + 1))
}
