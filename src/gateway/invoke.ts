/**
 * `POST /2015-03-31/functions/{name}/invocations`: one request of a caller becomes an invocation, and its outcome the
 * answer. The caller may go away meanwhile; that changes nothing.
 */

import { maxAsyncRequestBytes, maxRequestBytes } from '../core/failure.ts'
import type { Pool } from '../engine/pool.ts'
import { readBody } from './body.ts'
import { Call, type InvokeOptions } from './call.ts'
import { ask, newRequestId, ownRequestId } from './request.ts'
import { respond } from './respond.ts'

export type { InvokeOptions } from './call.ts'

/** `segment` names the function as it stands in the path; null for the usual path, which has no qualifier. */
export function invoke(
  pool: Pool,
  options: InvokeOptions,
  request: Request,
  segment: string | null,
): Promise<Response> {
  const { headers } = request
  const sent = ownRequestId(headers)
  const own = sent !== null && !pool.has(sent)
  const id = own ? sent : newRequestId()
  const asked = ask(request, segment, options.dialect)
  if ('status' in asked) return Promise.resolve(respond(asked, id))
  const limit = asked.type === 'Event' ? maxAsyncRequestBytes : maxRequestBytes
  return new Promise((resolve) => {
    const call = new Call(pool, options, headers, asked, id, own, resolve)
    readBody(request, limit, (body) => call.begin(body, limit))
  })
}
