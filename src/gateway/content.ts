/** Whether an event is JSON in UTF-8. The service requires it, the reference does not. */

import { isUtf8 } from 'node:buffer'
import { jsonProblem } from '../http/json.ts'

const mark = [0xef, 0xbb, 0xbf] as const

/** What is wrong with these bytes; null if they are JSON. A byte-order mark is allowed. */
export function contentProblem(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return 'invalid UTF-8'
  return jsonProblem(mark.every((byte, index) => bytes[index] === byte) ? bytes.subarray(mark.length) : bytes)
}
