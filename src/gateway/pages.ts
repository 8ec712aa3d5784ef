/** Requests that a web page in a browser has sent. */

import { FieldsExchange } from '../http/delegate.ts'
import type { Exchange } from '../http/exchange.ts'
import { corsFields, isPreflight, type Origins, preflightFields, sender } from './cors.ts'
import { serviceError } from './dialect.ts'
import { newRequestId } from './request.ts'
import { respond } from './respond.ts'

/**
 * Hands the request of a page that may invoke on to `handle`, and answers the preflight before it. A page that may not
 * gets 403, and nothing runs: the person who visits the page did not ask for it.
 */
export function handlePage(origins: Origins, exchange: Exchange, handle: (exchange: Exchange) => void): void {
  const from = sender(origins, exchange)
  if (from === 'foreign') {
    const origin = exchange.header('origin')
    // a link or a picture: whoever followed the link can type the address
    const remedy = origin ? `--cors ${origin} lets this one` : 'open the address yourself, not by a link'
    const message = `A web page of another origin may not call the emulator; ${remedy}`
    const answer = serviceError(403, 'AccessDeniedException', { Type: 'User', Message: message })
    respond(exchange, answer, newRequestId())
  } else if (from === 'own') {
    handle(exchange)
  } else if (isPreflight(exchange)) {
    exchange.respond(204, preflightFields(origins, exchange))
  } else {
    handle(new FieldsExchange(exchange, corsFields(origins, exchange)))
  }
}
