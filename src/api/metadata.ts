/**
 * `/2026-01-15/metadata/execution-environment`: runtime and extensions ask where their environment runs (behaviour.md
 * 3.10). Every environment has a token of its own.
 */

import type { Exchange } from '../http/exchange.ts'
import { type ApiAnswer, goJson } from './wire.ts'

export interface MetadataOptions {
  /** what `AWS_LAMBDA_METADATA_TOKEN` of the environment's processes is */
  readonly token: string
  /** such as `use1-az1` */
  readonly availabilityZoneId: string
}

/** The reference answers with a slash at the end too. */
export const metadataPaths = [
  '/2026-01-15/metadata/execution-environment',
  '/2026-01-15/metadata/execution-environment/',
] as const

const unauthorized: ApiAnswer = {
  status: 401,
  headers: ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
  body: 'Unauthorized\n',
}

export function metadata(exchange: Exchange, { token, availabilityZoneId }: MetadataOptions): ApiAnswer {
  if (exchange.header('authorization') !== `Bearer ${token}`) return unauthorized
  return {
    status: 200,
    headers: ['Content-Type', 'application/json', 'Cache-Control', 'private, max-age=43200, immutable'],
    body: goJson({ AvailabilityZoneID: availabilityZoneId }),
  }
}
