/** What the gateway serves of durable executions. */

import type { Exchange } from '../http/exchange.ts'

/** The API of runs, on the port of callers. */
export interface DurableApi {
  /** Whether the target of a request is one of its paths. */
  serves(target: string): boolean
  serve(exchange: Exchange): void
}
