/**
 * `GET /2021-04-23/credentials`: where a function whose snapshot is restored gets its credentials, in the form that SDKs
 * read from a container's credentials address. Those of a snapshot would have expired.
 */

import type { Exchange } from '../http/exchange.ts'
import type { ApiAnswer } from './wire.ts'

export const credentialsPath = '/2021-04-23/credentials'

/** As they stand in the emulator's environment. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** empty for a user's own, which have none */
  readonly sessionToken: string
}

export interface CredentialsOptions {
  /** that of `AWS_CONTAINER_AUTHORIZATION_TOKEN` */
  readonly token: string
  readonly credentials: Credentials
  /** Unix milliseconds */
  epoch(): number
}

/** Nobody here knows when they expire; SDKs ask again before the time that they are told. */
const lifetimeMs = 60 * 60 * 1000

/** behaviour.md 3.11 */
const wrongToken: ApiAnswer = {
  status: 404,
  headers: ['Content-Type', 'text/plain; charset=utf-8', 'X-Content-Type-Options', 'nosniff'],
  body: 'cannot get credentials for the provided token\n',
}

export function credentials(
  exchange: Exchange,
  { token, credentials, epoch }: CredentialsOptions,
): ApiAnswer {
  if (exchange.header('authorization') !== token) return wrongToken
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const expiration = new Date(epoch() + lifetimeMs).toISOString().replace(/\.\d+Z$/, 'Z')
  const body = JSON.stringify({
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: expiration,
  })
  return { status: 200, headers: ['Content-Type', 'application/json'], body }
}
