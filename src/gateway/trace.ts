/** The trace header of an invocation: the caller's, completed, or one that is made up (behaviour.md 2.8). */

import type { RequestId } from '../core/ids.ts'
import type { Sent } from '../http/exchange.ts'
import { newRequestId } from './request.ts'

/**
 * The caller's trace header, or a new one that is not sampled. It is sent on in a header, where bytes beyond ASCII end
 * Rust's client and cut Java's; no trace has any.
 */
export function traceId(request: Sent, id: RequestId, epoch: number): string {
  const sent = request.header('x-amzn-trace-id')
  if (sent && /^[\x20-\x7e]+$/.test(sent)) return completed(sent, id)
  const second = Math.floor(epoch / 1000)
  if (second !== rootSecond) {
    rootSecond = second
    root = `Root=1-${second.toString(16).padStart(8, '0')}-${newRequestId().slice(24)}`
  }
  // twelve random digits of this second and twelve of the request; more pieces cost more than the rest of the headers
  return `${root}${id.slice(24)}${parentOf(id)};Sampled=0`
}

/** What all roots of one second begin with. */
let root = ''
let rootSecond = -1

const parentOf = (id: RequestId): string => `;Parent=${id.slice(19, 23)}${id.slice(24)}`

const hasRoot = /(?:^|;)\s*root=/i
const hasParent = /(?:^|;)\s*parent=/i
const hasSampled = /(?:^|;)\s*sampled=/i

/** Load balancers send a Root alone, of which X-Ray's SDK makes nothing. What has no Root is left as it is. */
function completed(sent: string, id: RequestId): string {
  if (!hasRoot.test(sent)) return sent
  const parent = hasParent.test(sent) ? '' : parentOf(id)
  return `${sent}${parent}${hasSampled.test(sent) ? '' : ';Sampled=0'}`
}

/** The trace as the service answers with it: names in lower case, no parent where nobody waits for the invocation. */
export function answeredTrace(trace: string, synchronous: boolean): string {
  return isUsual(trace) ? answeredUsual(trace, synchronous) : answeredAny(trace, synchronous)
}

/** As ours, and X-Ray's: `Root=` and 35 characters, `;Parent=` and 16, `;Sampled=` and the rest. */
function isUsual(trace: string): boolean {
  return (
    trace.startsWith('Root=') &&
    trace.indexOf(';', 5) === 40 &&
    trace.startsWith(';Parent=', 40) &&
    trace.indexOf(';', 48) === 64 &&
    trace.startsWith(';Sampled=', 64) &&
    trace.indexOf(';', 73) < 0
  )
}

function answeredUsual(trace: string, synchronous: boolean): string {
  const parent = synchronous ? `;parent=${trace.slice(48, 64)}` : ''
  return `root=${trace.slice(5, 40)}${parent};sampled=${trace.slice(73)}`
}

function answeredAny(trace: string, synchronous: boolean): string {
  let answered = ''
  let some = false
  for (let from = 0; from <= trace.length; ) {
    const semicolon = trace.indexOf(';', from)
    const to = semicolon < 0 ? trace.length : semicolon
    const field = lowerName(trace.slice(from, to))
    from = to + 1
    if (!synchronous && field.startsWith('parent=')) continue
    answered = some ? `${answered};${field}` : field
    some = true
  }
  return answered
}

function lowerName(field: string): string {
  const equals = field.indexOf('=')
  return equals < 0 ? field.toLowerCase() : field.slice(0, equals).toLowerCase() + field.slice(equals)
}
