/** What a handler may return, and what it means. */

import { tooLarge } from './actions.ts'
import type { Closure } from './effect.ts'
import { failure } from './enter.ts'
import { bytesOf } from './limits.ts'
import type { ErrorObject } from './operation.ts'

/** The end of the run, or that it is suspended. `maxResultBytes` is the limit of its result. */
export function parseReturn(payload: string, maxResultBytes: number): Closure | 'suspended' {
  const value = parsed(payload)
  const { Status, Result, Error: error } = value ?? {}
  switch (Status) {
    case 'PENDING':
      return 'suspended'
    case 'SUCCEEDED':
      if (isThere(error)) return failure('Cannot provide an Error for SUCCEEDED status.')
      if (!isThere(Result)) return { status: 'SUCCEEDED', result: null, error: null }
      if (typeof Result !== 'string') return failure('Invalid Result in invocation output.')
      if (bytesOf(Result) > maxResultBytes) return failure(tooLarge('EXECUTION', maxResultBytes))
      return { status: 'SUCCEEDED', result: Result, error: null }
    case 'FAILED':
      if (isThere(Result)) return failure('Cannot provide a Result for FAILED status.')
      return { status: 'FAILED', result: null, error: isObject(error) ? (error as ErrorObject) : {} }
    default:
      return failure('Invalid Status in invocation output.')
  }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

const isThere = (value: unknown): boolean => value !== undefined && value !== null

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
