/**
 * What a function returned as the answer of its URL, in the mode BUFFERED: an object with a status code is the answer,
 * any other value is its body. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html; where that page and
 * the service differ (a text is sent without quotation marks), the service counts.
 */

import { isUtf8 } from 'node:buffer'
import { bufferOf } from '../../http/collect.ts'
import { jsonProblem } from '../../http/json.ts'
import { type HeadSource, type Invalid, shown, type UrlHead, urlHead } from './head.ts'
import { hasPrelude, PreludeReader } from './prelude.ts'

export interface UrlAnswer extends UrlHead {
  readonly body: string | Uint8Array
}

const json = 'application/json'

/**
 * What the runtime posted, all of it, as the answer. `contentType` is that of a stream, null for a buffered answer.
 *
 * A stream with a prelude says what it is. In the mode RESPONSE_STREAM everything else goes out as it is; in BUFFERED
 * that is so for streams of another type than JSON only.
 */
export function wholeAnswer(
  payload: Uint8Array,
  contentType: string | null,
  mode: 'BUFFERED' | 'RESPONSE_STREAM',
): UrlAnswer | Invalid {
  // Go's client does not declare its streams; JSON has no zero bytes
  if (hasPrelude(contentType) || (contentType === null && mode === 'BUFFERED' && payload.includes(0))) {
    const reader = new PreludeReader()
    const prelude = reader.push(payload) ?? reader.end()
    return 'invalid' in prelude ? prelude : { ...prelude, body: prelude.rest }
  }
  const isJson = contentType === null || /^application\/json *(;|$)/i.test(contentType)
  if (mode === 'BUFFERED' && isJson) return urlAnswer(payload)
  return { status: 200, fields: ['Content-Type', contentType ?? json], body: payload }
}

/** `payload` is what a function returned, as JSON. */
export function urlAnswer(payload: Uint8Array): UrlAnswer | Invalid {
  const bytes = bufferOf(payload)
  if (!isUtf8(bytes)) return { invalid: 'the answer is no JSON: invalid UTF-8' }
  const first = bytes[firstOf(bytes)]
  if (first !== brace && first !== quote) {
    const problem = jsonProblem(bytes)
    return problem === null ? plain(compact(bytes)) : { invalid: `the answer is no JSON: ${problem}` }
  }
  const text = bytes.toString('utf8')
  let value: string | AnswerObject
  try {
    value = JSON.parse(text)
  } catch {
    return { invalid: `the answer is no JSON: ${jsonProblem(bytes) ?? 'it cannot be parsed'}` }
  }
  if (typeof value === 'string') return plain(value)
  return Object.hasOwn(value, 'statusCode') ? whole(value, text) : plain(compact(bytes))
}

interface AnswerObject extends HeadSource {
  readonly body?: unknown
  readonly isBase64Encoded?: unknown
}

const plain = (body: UrlAnswer['body']): UrlAnswer => ({ status: 200, fields: ['Content-Type', json], body })

function whole(value: AnswerObject, text: string): UrlAnswer | Invalid {
  const head = urlHead(value, text, json)
  if ('invalid' in head) return head
  const { body = null, isBase64Encoded = null } = value
  if (body !== null && typeof body !== 'string') {
    return { invalid: `body is ${shown(body)}; allowed is a text, for example one made by JSON.stringify` }
  }
  if (isBase64Encoded !== null && typeof isBase64Encoded !== 'boolean') {
    return { invalid: `isBase64Encoded is ${shown(isBase64Encoded)}; allowed is true or false` }
  }
  if (isBase64Encoded !== true) return { status: head.status, fields: head.fields, body: body ?? '' }
  const decoded = fromBase64(body ?? '')
  return decoded === null
    ? { invalid: 'body is no base64, although isBase64Encoded is true' }
    : { ...head, body: decoded }
}

/** Null if it is not base64. Line breaks and missing padding are allowed. */
function fromBase64(text: string): Buffer | null {
  const characters = text.replace(/[\r\n]+/g, '').replace(/={1,2}$/, '')
  if (characters.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(characters)) return null
  return Buffer.from(characters, 'base64')
}

const quote = 0x22
const backslash = 0x5c
const brace = 0x7b

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

function firstOf(bytes: Uint8Array): number {
  let at = 0
  while (isBlank(bytes[at])) at++
  return at
}

/** Valid JSON without the blanks between its tokens. Parsed and printed anew, long numbers would lose digits. */
function compact(bytes: Buffer): Uint8Array {
  if (![0x20, 0x0a, 0x0d, 0x09].some((blank) => bytes.includes(blank))) return bytes
  const kept = Buffer.allocUnsafe(bytes.length)
  let length = 0
  let inText = false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (!inText && isBlank(byte)) continue
    kept[length++] = byte
    if (byte === quote) inText = !inText
    else if (inText && byte === backslash) kept[length++] = bytes[++at] as number
  }
  return kept.subarray(0, length)
}
