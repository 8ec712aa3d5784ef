/**
 * `POST /2021-11-15/functions/{name}/response-streaming-invocations`: the operation InvokeWithResponseStream, always as
 * the service has it. The answer is an event stream, whatever the invocation comes to; only what was not run is told by
 * a status.
 */

import type { Outcome } from '../core/failure.ts'
import type { RequestId } from '../core/ids.ts'
import { maxRequestBytes } from '../core/limits.ts'
import type { Receiver } from '../engine/invocation.ts'
import { joined } from '../http/collect.ts'
import type { Exchange } from '../http/exchange.ts'
import { CallerStream } from './caller-stream.ts'
import { type InvokeAnswer, render, serviceError } from './dialect.ts'
import { eventStreamType, invokeComplete, payloadChunk, payloadChunks } from './eventstream.ts'
import { type InvokeSettings, noContent, readEvent } from './invoke.ts'
import { type Front, InvokeRequest } from './invoke-request.ts'
import { executedVersion, type InvokeParameters, newRequestId, ownRequestId, parseInvoke } from './request.ts'
import { noMetadata, respond } from './respond.ts'
import type { ServedFunction } from './served.ts'
import { answeredTrace, traceId } from './trace.ts'

/** `segment` names the function as it stands in the path. */
export function invokeWithResponseStream(
  served: ServedFunction,
  options: InvokeSettings,
  exchange: Exchange,
  segment: string,
): void {
  const sent = ownRequestId(exchange)
  const own = sent !== null && !served.has(sent)
  const id = own ? sent : newRequestId()
  const parameters = parseInvoke(exchange, segment, 'lambda', served.managed)
  if ('status' in parameters) {
    respond(exchange, parameters, id)
    return
  }
  if (parameters.type === 'Event') {
    respond(exchange, eventRefused, id)
    return
  }
  if (served.durable !== null) {
    respond(exchange, durableRefused, id)
    return
  }
  const front = new StreamFront(served, exchange, parameters, options.epoch)
  const request = new InvokeRequest(served.arn, parameters, id, own, front)
  readEvent(exchange, maxRequestBytes, true, (event) => {
    if ('status' in event) respond(exchange, event, request.id)
    else if (parameters.type === 'DryRun') respond(exchange, noContent, request.id)
    else request.run(served, event)
  })
}

const durableRefused: InvokeAnswer = serviceError(400, 'InvalidParameterValueException', {
  Type: 'User',
  message:
    'A durable function has no response stream; invoke it with POST /2015-03-31/functions/NAME/invocations',
})

const eventRefused: InvokeAnswer = serviceError(400, 'InvalidParameterValueException', {
  Type: 'User',
  message: "X-Amz-Invocation-Type 'Event' must be RequestResponse or DryRun where the response is a stream",
})

class StreamFront implements Front {
  /** Go's client does not declare its streams. */
  readonly streams = 'chunked'
  readonly #served: ServedFunction
  readonly #exchange: Exchange
  readonly #parameters: InvokeParameters
  readonly #epoch: () => number
  #stream: CallerStream | null = null

  constructor(served: ServedFunction, exchange: Exchange, parameters: InvokeParameters, epoch: () => number) {
    this.#served = served
    this.#exchange = exchange
    this.#parameters = parameters
    this.#epoch = epoch
  }

  traceFor(id: RequestId): string {
    return traceId(this.#exchange, id, this.#epoch())
  }

  begin(request: InvokeRequest, contentType: string): Receiver | null {
    this.#stream = CallerStream.open(this.#exchange, 200, this.#headers(request, contentType), false, true)
    return this.#stream === null ? null : new Framed(this.#stream)
  }

  answer(request: InvokeRequest, outcome: Outcome, log: Uint8Array | null): void {
    const begun = request.receiver !== null
    if (!begun && (outcome.kind === 'throttled' || outcome.kind === 'shutdown')) {
      const trace = answeredTrace(request.traceId, true)
      respond(this.#exchange, this.#rendered(request, outcome), request.id, { ...noMetadata, trace })
      return
    }
    const logResult = log === null ? undefined : Buffer.from(log).toString('base64')
    const end = outcome.kind === 'response' ? {} : this.#failure(request, outcome)
    const complete = invokeComplete({ ...end, LogResult: logResult })
    if (begun) {
      this.#stream?.write(complete)
      this.#stream?.end()
    } else {
      const isResponse = outcome.kind === 'response'
      const type = isResponse ? (outcome.contentType ?? 'application/json') : 'application/octet-stream'
      const event =
        isResponse && outcome.payload.size > 0 ? [payloadChunk(joined(outcome.payload.chunks))] : []
      this.#exchange.respond(200, this.#headers(request, type), [...event, complete])
    }
  }

  /** Type and document of what went wrong. */
  #failure(request: InvokeRequest, outcome: Outcome): { ErrorCode: string; ErrorDetails: string } {
    const { body, headers } = this.#rendered(request, outcome)
    const details = typeof body === 'string' ? body : body === null ? '' : joined(body.chunks).toString()
    const sent = outcome.kind === 'broken-stream' ? outcome.sentType : undefined
    // an error of the service itself, in mid-stream: the emulator shuts down
    const errorCode = sent ?? headers?.['x-amzn-ErrorType'] ?? typeIn(details) ?? typeOf(outcome)
    return { ErrorCode: errorCode, ErrorDetails: details }
  }

  #rendered({ id }: InvokeRequest, outcome: Outcome): InvokeAnswer {
    const timeoutSeconds = this.#served.timeoutMs / 1000
    return render(outcome, { dialect: 'lambda', id, timeoutSeconds })
  }

  #headers({ id, traceId }: InvokeRequest, contentType: string): string[] {
    return [
      ...['Content-Type', eventStreamType],
      ...['x-amzn-RequestId', id],
      ...['X-Amz-Executed-Version', executedVersion(this.#parameters.qualifier, this.#served.version)],
      ...['X-Amzn-Remapped-Content-Type', contentType],
      ...['X-Amzn-Trace-Id', answeredTrace(traceId, true)],
    ]
  }
}

/** The pieces of a stream as events. */
class Framed implements Receiver {
  readonly #stream: CallerStream

  constructor(stream: CallerStream) {
    this.#stream = stream
  }

  get onDrain(): (() => void) | null {
    return this.#stream.onDrain
  }

  set onDrain(drained: (() => void) | null) {
    this.#stream.onDrain = drained
  }

  write(bytes: Uint8Array): boolean {
    let fast = true
    for (const event of payloadChunks(bytes)) fast = this.#stream.write(event)
    return fast
  }
}

/** The `errorType` of an error document. */
function typeIn(text: string): string | undefined {
  try {
    const { errorType } = JSON.parse(text)
    return typeof errorType === 'string' && errorType !== '' ? errorType : undefined
  } catch {
    return undefined
  }
}

function typeOf(outcome: Outcome): string {
  if (outcome.kind === 'fault') return outcome.fault.errorType
  return ('errorType' in outcome ? outcome.errorType : null) ?? 'Unhandled'
}
