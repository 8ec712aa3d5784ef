/** Which function a chained invoke means. */

import type { InvokeTarget } from './core/operation.ts'
import type { RunFunction, RunFunctions } from './function.ts'

/** A name, a name with a qualifier, or an ARN. */
const pattern =
  /^(?:arn:aws[a-zA-Z-]*:lambda:[a-z0-9-]+:\d{12}:function:|(?:\d{12}:)?function:)?([a-zA-Z0-9-_.]{1,140})(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]{1,128}))?$/

export const unqualified = 'You cannot invoke a durable function using an unqualified ARN.'

/** The target as the rules have it, with a new ARN for the run of a durable one. Never throws. */
export function resolveTarget(functions: RunFunctions, functionName: string): InvokeTarget {
  const match = pattern.exec(functionName)
  const [, name = functionName, qualifier] = match ?? []
  const found = match === null ? null : functions.find(name)
  if (found === null) {
    const arn = `${functions.arnOf(name)}${qualifier === undefined ? '' : `:${qualifier}`}`
    return unresolved('ResourceNotFoundException', `Function not found: ${arn}`)
  }
  const { arn, version, durable } = found
  if (durable === null) return { kind: 'plain', arn, version }
  if (qualifier === undefined) return unresolved('InvalidParameterValueException', unqualified)
  return { kind: 'durable', arn, version, executionArn: newExecution(found).arn }
}

const unresolved = (errorType: string, errorMessage: string): InvokeTarget => ({
  kind: 'unresolved',
  error: { ErrorType: errorType, ErrorMessage: errorMessage },
})

/** ARN, name and id of a run that begins; without a name it has a UUID for one. */
export function newExecution({ arn, version }: RunFunction, name: string = crypto.randomUUID()) {
  const executionId: string = crypto.randomUUID()
  return { arn: `${arn}:${version}/durable-execution/${name}/${executionId}`, name, executionId }
}

/** Name and id out of the ARN of a run. */
export function partsOf(executionArn: string): { readonly name: string; readonly executionId: string } {
  const [executionId = '', name = ''] = executionArn.split('/').reverse()
  return { name, executionId }
}
