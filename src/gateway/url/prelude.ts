/**
 * The beginning of a stream of the type `application/vnd.awslambda.http-integration-response`: a JSON object with
 * status, headers and cookies, then eight zero bytes, then the body. It arrives in pieces of any size.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
 */

import { contentProblem } from '../content.ts'
import { type Invalid, shown, type UrlHead, urlHead } from './head.ts'

/** Content type of a stream that begins with a prelude. */
export const preludeType = 'application/vnd.awslambda.http-integration-response'

/** Longest JSON of a prelude, in bytes; the service's own limit is not documented. */
export const maxPreludeBytes = 1024 * 1024

/** Of a body whose function names no type, as of a stream without a prelude. */
export const streamType = 'application/octet-stream'

const zeros = 8

/** Whether a stream of this type begins with a prelude. */
export const hasPrelude = (contentType: string | null): boolean =>
  contentType !== null && contentType.split(';', 1)[0]?.trim().toLowerCase() === preludeType

export interface Prelude extends UrlHead {
  /** what came of the body with the last piece; may be empty */
  readonly rest: Uint8Array
}

/** Takes the pieces of a stream until its prelude is complete; what comes after that is the body's. */
export class PreludeReader {
  #pieces: Uint8Array[] = []
  /** bytes before the first zero */
  #length = 0
  #zeros = 0

  /** Null while more is needed. Not to be called again after anything else. */
  push(piece: Uint8Array): Prelude | Invalid | null {
    let at = 0
    if (this.#zeros === 0) {
      // JSON has no zero bytes, so the first one ends it
      const end = piece.indexOf(0)
      at = end < 0 ? piece.length : end
      this.#length += at
      if (this.#length > maxPreludeBytes) {
        return {
          invalid: `the prelude is longer than ${maxPreludeBytes} bytes, or has no ${zeros} zero bytes behind it`,
        }
      }
      if (at > 0) this.#pieces.push(piece.subarray(0, at))
    }
    for (; at < piece.length && this.#zeros < zeros; at++) {
      if (piece[at] !== 0) return missingZeros(this.#zeros)
      this.#zeros++
    }
    return this.#zeros < zeros ? null : parse(Buffer.concat(this.#pieces), piece.subarray(at))
  }

  /** The stream ended before its prelude did. One without a single byte is an empty answer. */
  end(): Prelude | Invalid {
    if (this.#length === 0 && this.#zeros === 0) {
      return { status: 200, fields: ['Content-Type', streamType], rest: new Uint8Array() }
    }
    return missingZeros(this.#zeros)
  }
}

const missingZeros = (found: number): Invalid => ({
  invalid: `behind the JSON of the prelude are ${found} zero bytes; ${zeros} are needed`,
})

function parse(json: Buffer, rest: Uint8Array): Prelude | Invalid {
  const problem = contentProblem(json)
  if (problem !== null) return { invalid: `the prelude is no JSON: ${problem}` }
  const text = json.toString('utf8').replace(/^\ufeff/, '')
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { invalid: `the prelude is ${shown(value)}; allowed is an object` }
  }
  const { statusCode = 200, headers, cookies } = value as Record<string, unknown>
  const head = urlHead({ statusCode, headers, cookies }, text, streamType, true)
  return 'invalid' in head ? { invalid: `the prelude's ${head.invalid}` } : { ...head, rest }
}
