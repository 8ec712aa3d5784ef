/**
 * What calls are refused with: the errors of the service by their names and texts. The documents are at
 * https://docs.aws.amazon.com/lambda/latest/api/API_CheckpointDurableExecution.html and its neighbours; texts that no
 * page has are those of AWS's local test libraries.
 */

export type RefusalName =
  | 'InvalidParameterValueException'
  | 'CallbackTimeoutException'
  | 'ResourceConflictException'
  | 'ServiceException'

export interface RunRefusal {
  readonly kind: 'refused'
  readonly name: RefusalName
  readonly message: string
}

export const refused = (name: RefusalName, message: string): RunRefusal => ({
  kind: 'refused',
  name,
  message,
})

export const invalid = (message: string): RunRefusal => refused('InvalidParameterValueException', message)

/** Of a token that was used, is stale, or belongs to an invocation that has ended. SDKs know it by this text. */
export const invalidToken: RunRefusal = invalid('Invalid checkpoint token')

export const callbackClosed: RunRefusal = refused(
  'CallbackTimeoutException',
  'The callback is either timed out or already completed',
)

/** Of a step that could not be stored. SDKs repeat the call. */
export const unstored: RunRefusal = refused(
  'ServiceException',
  "The durable execution could not be stored; the emulator's log says why",
)

export const conflict = (message: string): RunRefusal => refused('ResourceConflictException', message)
