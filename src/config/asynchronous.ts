/** What the options say of events whose callers do not wait. */

import { resolve } from 'node:path'
import type { RetryTerms } from '../core/asynchronous.ts'
import type { EventDestination } from '../destinations/destination.ts'
import { ConfigError } from './kinds.ts'
import { type Option, ownOptions, type Variable } from './options.ts'

/** How the events of one function are tried, and where their records go; null: nowhere. */
export interface AsyncConfig extends RetryTerms {
  readonly onSuccess: EventDestination | null
  readonly onFailure: EventDestination | null
}

export interface AsyncOutside {
  value<T>(option: Variable<T>): T
  /** how whoever gave it calls an option; undefined when nobody did */
  nameOf(option: Variable<unknown>): string | undefined
  /** where relative paths of destinations start */
  readonly directory: string
  /** whether another function of this emulator is meant by this name or ARN */
  isOther(name: string): boolean
}

/** Throws `ConfigError` for a destination that there is not. */
export function asyncOf(outside: AsyncOutside): AsyncConfig {
  const { value } = outside
  return {
    maxRetries: value(ownOptions.asyncMaxRetries),
    maxAgeMs: value(ownOptions.asyncMaxAgeMs),
    retryDelaysMs: value(ownOptions.asyncRetryDelaysMs),
    onSuccess: destinationOf(ownOptions.onSuccess, outside),
    onFailure: destinationOf(ownOptions.onFailure, outside),
  }
}

function destinationOf(
  option: Option<EventDestination | null>,
  { value, nameOf, directory, isOther }: AsyncOutside,
): EventDestination | null {
  const found = value(option)
  if (found?.kind === 'file') return { kind: 'file', path: resolve(directory, found.path) }
  if (found?.kind === 'function' && !isOther(found.name)) {
    throw new ConfigError(
      `${nameOf(option)} is ${JSON.stringify(found.name)}; there is no other function of this name here. ` +
        'A file is file:PATH, an address begins with http:// or https://',
    )
  }
  return found
}
