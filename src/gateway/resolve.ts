/** Which function a caller means, where several are served. Loaded with the first request for one. */

import { type InvokeAnswer, serviceError } from './dialect.ts'
import { parseTarget } from './request.ts'
import type { NamedFunctions, ServedFunction } from './served.ts'

/**
 * The function that a segment of a path names, as it was sent, or the answer to one that there is not: that of the
 * service, in both dialects. Region and account of an ARN are not looked at: templates have those of an account in the
 * cloud.
 */
export function resolve(functions: NamedFunctions, segment: string): ServedFunction | InvokeAnswer {
  const target = parseTarget(segment, null)
  if ('status' in target) return target
  return functions.find(target.name) ?? notFound(functions.arnOf(target.name), target.qualifier)
}

function notFound(arn: string, qualifier: string | null): InvokeAnswer {
  return serviceError(404, 'ResourceNotFoundException', {
    Type: 'User',
    Message: `Function not found: ${arn}:${qualifier ?? '$LATEST'}`,
  })
}
