/** The updates of a checkpoint out of JSON, or the answer that says what is wrong with them. */

import type { Action, Update } from '../core/event.ts'
import type { ErrorObject, InvokeTarget } from '../core/operation.ts'
import { apiError, constraint, type DurableAnswer } from './answer.ts'

type Json = Readonly<Record<string, unknown>>

const types = ['STEP', 'CONTEXT', 'WAIT', 'CALLBACK', 'CHAINED_INVOKE', 'EXECUTION']
const actions = ['START', 'SUCCEED', 'FAIL', 'RETRY', 'CANCEL']
const idPattern = /^[a-zA-Z0-9-_]{1,64}$/
/** seconds: a year of 366 days */
const maxDelay = 31_622_400
const maxCallbackTimeout = 99_999_999

/** A member is not what the model says; caught where updates are parsed. */
class Wrong {
  readonly answer: DurableAnswer
  constructor(answer: DurableAnswer) {
    this.answer = answer
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `resolve` looks up the function of a chained invoke. */
export function parseUpdates(
  value: unknown,
  resolve: (functionName: string) => InvokeTarget,
): readonly Update[] | DurableAnswer {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return apiError('SerializationException', 'Updates must be a list')
  return parsed(() => value.map((each, index) => parseUpdate(each, `updates.${index + 1}.member`, resolve)))
}

/** The error that the body of a request is. */
export function parseError(value: Json): ErrorObject | DurableAnswer {
  return parsed(() => errorObject(value, 'error') ?? {})
}

function parsed<T>(parse: () => T): T | DurableAnswer {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Wrong) return error.answer
    throw error
  }
}

function parseUpdate(value: unknown, at: string, resolve: (functionName: string) => InvokeTarget): Update {
  if (!isObject(value)) throw new Wrong(apiError('SerializationException', `${at} must be an object`))
  const type = oneOf(value.Type, types, `${at}.type`) as Update['type']
  const action = oneOf(value.Action, actions, `${at}.action`) as Action
  const id = required(text(value.Id, `${at}.id`), `${at}.id`)
  if (!idPattern.test(id)) {
    throw new Wrong(constraint(id, `${at}.id`, 'satisfy regular expression pattern: [a-zA-Z0-9-_]{1,64}'))
  }
  const step = object(value.StepOptions, `${at}.stepOptions`)
  const wait = object(value.WaitOptions, `${at}.waitOptions`)
  const context = object(value.ContextOptions, `${at}.contextOptions`)
  const replayChildren = context?.ReplayChildren
  return {
    id,
    type,
    action,
    parentId: text(value.ParentId, `${at}.parentId`, 64),
    name: text(value.Name, `${at}.name`, 256),
    subType: text(value.SubType, `${at}.subType`, 32),
    payload: text(value.Payload, `${at}.payload`),
    error: errorObject(value.Error, `${at}.error`),
    replayChildren: typeof replayChildren === 'boolean' ? replayChildren : null,
    nextAttemptDelaySeconds: seconds(
      step?.NextAttemptDelaySeconds,
      'stepOptions.nextAttemptDelaySeconds',
      1,
      maxDelay,
    ),
    waitSeconds: seconds(wait?.WaitSeconds, 'waitOptions.waitSeconds', 1, maxDelay),
    callback: callbackOptions(object(value.CallbackOptions, `${at}.callbackOptions`)),
    invoke: invokeOptions(
      object(value.ChainedInvokeOptions, `${at}.chainedInvokeOptions`),
      at,
      action,
      resolve,
    ),
  }
}

function callbackOptions(options: Json | null): Update['callback'] {
  if (options === null) return null
  const { TimeoutSeconds, HeartbeatTimeoutSeconds } = options
  const limit = maxCallbackTimeout
  return {
    timeoutSeconds: seconds(TimeoutSeconds, 'callbackOptions.timeoutSeconds', 0, limit) ?? 0,
    heartbeatSeconds:
      seconds(HeartbeatTimeoutSeconds, 'callbackOptions.heartbeatTimeoutSeconds', 0, limit) ?? 0,
  }
}

function invokeOptions(
  options: Json | null,
  at: string,
  action: Action,
  resolve: (functionName: string) => InvokeTarget,
): Update['invoke'] {
  if (options === null) return null
  const member = `${at}.chainedInvokeOptions.functionName`
  const functionName = required(text(options.FunctionName, member), member)
  const tenantId = text(options.TenantId, `${at}.chainedInvokeOptions.tenantId`, 256)
  // a target has an ARN of its own: only what starts gets one
  const target: InvokeTarget = action === 'START' ? resolve(functionName) : { kind: 'unresolved', error: {} }
  return { functionName, tenantId, target }
}

function oneOf(value: unknown, allowed: readonly string[], member: string): string {
  if (typeof value === 'string' && allowed.includes(value)) return value
  throw new Wrong(
    value === undefined || value === null
      ? constraint(null, member, 'not be null')
      : constraint(value, member, `satisfy enum value set: [${allowed.join(', ')}]`),
  )
}

function text(value: unknown, member: string, longest?: number): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string')
    throw new Wrong(apiError('SerializationException', `${member} must be a string`))
  if (longest !== undefined && value.length > longest) {
    throw new Wrong(constraint(value, member, `have length less than or equal to ${longest}`))
  }
  return value
}

function required(value: string | null, member: string): string {
  if (value === null) throw new Wrong(constraint(null, member, 'not be null'))
  return value
}

function object(value: unknown, member: string): Json | null {
  if (value === undefined || value === null) return null
  if (!isObject(value)) throw new Wrong(apiError('SerializationException', `${member} must be an object`))
  return value
}

function seconds(value: unknown, member: string, least: number, most: number): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new Wrong(apiError('SerializationException', `${member} must be a whole number`))
  }
  if (value < least)
    throw new Wrong(constraint(value, member, `have value greater than or equal to ${least}`))
  if (value > most) throw new Wrong(constraint(value, member, `have value less than or equal to ${most}`))
  return value
}

function errorObject(value: unknown, member: string): ErrorObject | null {
  const error = object(value, member)
  if (error === null) return null
  const { StackTrace } = error
  for (const name of ['ErrorMessage', 'ErrorType', 'ErrorData']) text(error[name], `${member}.${name}`)
  if (StackTrace !== undefined && StackTrace !== null && !Array.isArray(StackTrace)) {
    throw new Wrong(apiError('SerializationException', `${member}.StackTrace must be a list`))
  }
  const members = ['ErrorMessage', 'ErrorType', 'ErrorData', 'StackTrace']
  return Object.fromEntries(
    Object.entries(error).filter(
      ([name, member]) => members.includes(name) && member !== null && member !== undefined,
    ),
  )
}
