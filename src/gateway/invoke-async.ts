/**
 * `POST /2014-11-13/functions/{name}/invoke-async`: the older operation InvokeAsync, which is an Event by another name.
 * Always as the service has it. https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html
 */

import { maxInvokeAsyncBytes } from '../core/limits.ts'
import type { Exchange } from '../http/exchange.ts'
import { type InvokeAnswer, notAccepted, requestTooLarge } from './dialect.ts'
import { type InvokeSettings, readEvent } from './invoke.ts'
import { emptyObject } from './invoke-request.ts'
import { newRequestId, ownRequestId, parseTarget } from './request.ts'
import { respond } from './respond.ts'
import type { ServedFunction } from './served.ts'
import { traceId } from './trace.ts'

/** `segment` names the function as it stands in the path. */
export function invokeAsync(
  served: ServedFunction,
  { epoch }: InvokeSettings,
  exchange: Exchange,
  segment: string,
): void {
  const sent = ownRequestId(exchange)
  const asked = sent !== null && !served.has(sent) ? sent : newRequestId()
  const target = parseTarget(segment, null)
  if ('status' in target) {
    respond(exchange, target, asked)
    return
  }
  readEvent(exchange, maxInvokeAsyncBytes, true, (event) => {
    if ('status' in event) {
      const tooLarge = event.status === 413
      respond(exchange, tooLarge ? requestTooLarge(maxInvokeAsyncBytes, 'InvokeAsync') : event, asked)
      return
    }
    // another request may have come with the same id while this body was read
    const id = served.has(asked) ? newRequestId() : asked
    const acceptance = served.accept({
      id,
      payload: event.size > 0 ? event : emptyObject,
      arn: target.qualifier === null ? served.arn : `${served.arn}:${target.qualifier}`,
      // the caller's is not handed on
      traceId: traceId(withoutHeaders, id, epoch()),
      clientContext: null,
      cognitoIdentity: null,
      tenant: null,
    })
    respond(exchange, acceptance === 'accepted' ? accepted : notAccepted(acceptance), id)
  })
}

const withoutHeaders = { header: () => null }

const accepted: InvokeAnswer = {
  status: 202,
  body: '{"Status":202}',
  contentType: 'application/json',
  functionError: false,
}
