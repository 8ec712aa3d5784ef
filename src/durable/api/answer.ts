/** Answers of the API as the service writes them; the dialect of callers makes no difference. */

import type { RunRefusal } from '../core/refusal.ts'

export interface DurableAnswer {
  readonly status: number
  /** null for none */
  readonly error: string | null
  readonly body: string
}

export const ok = (body: object, status = 200): DurableAnswer => ({
  status,
  error: null,
  body: JSON.stringify(body),
})

/** A body that is JSON already. */
export const okText = (body: string): DurableAnswer => ({ status: 200, error: null, body })

const statuses: Readonly<Record<string, number>> = {
  ResourceNotFoundException: 404,
  DurableExecutionAlreadyStartedException: 409,
  ResourceConflictException: 409,
  RequestEntityTooLargeException: 413,
  TooManyRequestsException: 429,
  ServiceException: 500,
}

/** Errors whose text is in `message`; all others but ValidationException have `Message`. */
const smallMessage = [
  'InvalidParameterValueException',
  'TooManyRequestsException',
  'ResourceConflictException',
]

export function apiError(error: string, message: string): DurableAnswer {
  const status = statuses[error] ?? 400
  const told = smallMessage.includes(error) ? { message } : { Message: message }
  const document =
    error === 'ValidationException' ? { message } : { Type: status < 500 ? 'User' : 'Service', ...told }
  return { status, error, body: JSON.stringify(document) }
}

export const refusal = ({ name, message }: RunRefusal): DurableAnswer => apiError(name, message)

export const invalidParameter = (message: string): DurableAnswer =>
  apiError('InvalidParameterValueException', message)

/** One member that breaks a constraint of the model, in the words of the service. */
export function constraint(value: unknown, member: string, rule: string): DurableAnswer {
  const shown = value === null || value === undefined ? 'null' : `'${String(value).slice(0, 64)}'`
  const noun = value === null || value === undefined ? 'Value null' : `Value ${shown}`
  const message = `1 validation error detected: ${noun} at '${member}' failed to satisfy constraint: Member must ${rule}`
  return apiError('ValidationException', message)
}

export const noExecution: DurableAnswer = apiError(
  'ResourceNotFoundException',
  'Durable Execution does not exist',
)
