/**
 * `PUT /2022-07-01/telemetry` and `PUT /2020-08-15/logs`: an extension subscribes to records of its environment. The
 * identifier is checked first, then the body; only who asks for something possible is told that it is too late.
 */

import { identify } from '../core/extensions.ts'
import { type Refusal, subscriptionClosed } from '../core/failure.ts'
import type { ExtensionId } from '../core/ids.ts'
import { maxSubscriptionBytes } from '../core/limits.ts'
import type { Environment } from '../engine/environment.ts'
import type { TelemetryApi, TelemetryPort } from '../engine/ports.ts'
import { type Collected, collect, joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { identifier } from './extension.ts'
import { type ApiAnswer, errorAnswer, refusal } from './wire.ts'

const invalid = (message: string): ApiAnswer => errorAnswer(400, 'ValidationError', message)
const ok: ApiAnswer = { status: 200, headers: ['Content-Type', 'text/plain; charset=utf-8'], body: '"OK"' }

/** What subscriptions are made of, and with. */
export interface SubscribeParts {
  readonly environment: Environment
  readonly telemetry: TelemetryPort
  readonly api: TelemetryApi
}

export function subscribe(
  parts: SubscribeParts,
  exchange: Exchange,
  done: (answer: ApiAnswer) => void,
): void {
  const id = identifier(exchange)
  if (typeof id === 'object') {
    done(id)
    return
  }
  const extension = find(parts.environment, id)
  if ('kind' in extension) {
    done(refusal(extension))
    return
  }
  const { name } = extension
  collect(exchange, maxSubscriptionBytes, (collected) => {
    const body = read(collected)
    if ('problem' in body) done(invalid(`Failed to read request body: ${body.problem}`))
    else void decide(parts, id, name, body.text).then(done)
  })
}

async function decide(
  { environment, telemetry, api }: SubscribeParts,
  id: ExtensionId,
  name: string,
  body: string,
): Promise<ApiAnswer> {
  // asked last: while a TCP connection is made, init may end, or a new one may begin
  let late: Refusal | undefined
  const accept = (): boolean => {
    const call = environment.newCall()
    const reply = (reply: Refusal | { readonly kind: string }): void => {
      if ('code' in reply) late = reply
    }
    environment.request({ type: 'extension/subscribe', call, id, api }, { reply })
    return late === undefined
  }
  const result = await telemetry.subscribe({ api, name, body, accept })
  switch (result.kind) {
    case 'invalid':
      return invalid(result.message)
    case 'refused':
      return refusal(late ?? subscriptionClosed(api))
    case 'subscribed':
      environment.subscribed(api, name, result.types)
      return ok
  }
}

function find({ state }: Environment, id: ExtensionId): ReturnType<typeof identify> {
  return identify('extensions' in state ? state.extensions : [], id, 'next')
}

function read(collected: Collected): { readonly text: string } | { readonly problem: string } {
  switch (collected.kind) {
    case 'oversize':
      return { problem: `larger than ${maxSubscriptionBytes} bytes` }
    case 'truncated':
      return { problem: 'the connection ended before the body was complete' }
    case 'complete':
      return { text: new TextDecoder().decode(joined(collected.chunks)) }
  }
}
