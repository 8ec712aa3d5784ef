/** What a destination is told of an event that has ended: the invocation record of the service. */

import type { Payload } from '../core/failure.ts'
import type { EndedEvent } from '../engine/async-events.ts'

/** An outcome as an SDK would have been answered. */
export interface EventAnswer {
  readonly status: number
  readonly functionError: boolean
  readonly body: Payload | string | null
}

export interface EventRecordFacts {
  /** Unix milliseconds at which the event ended */
  readonly epoch: number
  /** as executed */
  readonly version: string
  /** of the outcome; null when the event never ran */
  readonly answer: EventAnswer | null
}

/** The record as JSON. An event that never ran has no response. */
export function recordOf(
  { request, condition, tries }: EndedEvent,
  { epoch, version, answer }: EventRecordFacts,
): string {
  const { id, arn, payload } = request
  const head = JSON.stringify({
    version: '1.0',
    timestamp: new Date(epoch).toISOString(),
    requestContext: {
      requestId: id,
      functionArn: arn.split(':').length > 7 ? arn : `${arn}:$LATEST`,
      condition,
      approximateInvokeCount: tries,
    },
  })
  const response = answer === null ? '' : responseOf(answer, version)
  return `${head.slice(0, -1)},"requestPayload":${jsonOrText(payload)}${response}}`
}

function responseOf({ status, functionError, body }: EventAnswer, executedVersion: string): string {
  const context = JSON.stringify({
    statusCode: status,
    executedVersion,
    ...(functionError && { functionError: 'Unhandled' }),
  })
  return `,"responseContext":${context},"responsePayload":${jsonOrText(body)}`
}

/** JSON as it was sent, on one line: written anew, long numbers would lose digits. Everything else as a text. */
function jsonOrText(body: Payload | string | null): string {
  if (body === null) return 'null'
  const text =
    typeof body === 'string' ? body : new TextDecoder().decode(Buffer.concat(body.chunks as Uint8Array[]))
  try {
    JSON.parse(text)
  } catch {
    return JSON.stringify(text)
  }
  // JSON has line breaks between its tokens only
  return text.replace(/[\r\n]\s*/g, '')
}
