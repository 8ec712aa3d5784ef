/** Lists of headers: name, value, name, value, … */

import type { Body, Fields } from './exchange.ts'

/** First value of a header, by its lower-case name; null when there is none. */
export function firstField(fields: Fields, name: string): string | null {
  for (let index = 0; index < fields.length; index += 2) {
    const sent = fields[index] as string
    if (sent.length === name.length && (sent === name || sent.toLowerCase() === name)) {
      return fields[index + 1] as string
    }
  }
  return null
}

// RFC 9110, section 5.6.2: a name is a token
const badName = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/
// section 5.5: a value has no control characters but the tab, and nothing beyond Latin-1
const badValue = /[^\t\x20-\x7e\x80-\xff]/

/** What cannot be sent of these headers as it is; null if all can. The native handles send anything unchecked. */
export function fieldProblem(fields: Fields): string | null {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    if (name === '' || badName.test(name)) return `${JSON.stringify(name)} is not a header name`
    const value = fields[index + 1] as string
    if (badValue.test(value)) {
      return `header ${name} has a character that cannot be sent: ${JSON.stringify(value.slice(0, 64))}`
    }
  }
  return null
}

const encoder = new TextEncoder()

/** The pieces of a body, none of them empty. */
export function piecesOf(body: Body | undefined): readonly Uint8Array[] {
  if (body === undefined) return []
  if (typeof body === 'string') return body === '' ? [] : [encoder.encode(body)]
  if (!isList(body)) return body.byteLength === 0 ? [] : [body]
  return body.every((piece) => piece.byteLength > 0) ? body : body.filter((piece) => piece.byteLength > 0)
}

export function isList(body: Body): body is readonly Uint8Array[] {
  return Array.isArray(body)
}

export function sizeOf(pieces: readonly Uint8Array[]): number {
  let size = 0
  for (const piece of pieces) size += piece.byteLength
  return size
}
