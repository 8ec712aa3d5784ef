/** Whether what a caller sends is JSON in UTF-8, for those whose service is strict about it. */

import { isUtf8 } from 'node:buffer'
import { jsonProblem } from '../http/json.ts'

const mark = [0xef, 0xbb, 0xbf] as const

/** What is wrong with it, null if nothing is; a byte-order mark is no mistake. */
export function contentProblem(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return 'invalid UTF-8'
  return jsonProblem(mark.every((byte, index) => bytes[index] === byte) ? bytes.subarray(mark.length) : bytes)
}
