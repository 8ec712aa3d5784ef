/**
 * Where the records of events go that have ended: a file, an address, or another function.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */

import { destinationsAllowed } from './allowed.ts'

export type EventDestination =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'http'; readonly url: string }
  /** `name` is its name, or a whole or partial ARN, as it was given */
  | { readonly kind: 'function'; readonly name: string }

const functionName =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:[a-z]{2,4}(?:-[a-z]+)+-\d:)?(?:\d{12}:(?:function:)?|function:)?[a-zA-Z0-9-_.]+(?::(?:\$LATEST|[a-zA-Z0-9-_]+))?$/

/** A sentence where the text is no destination. A path stays as it is; whose it is knows where it starts. */
export function parseDestination(text: string): EventDestination | string {
  if (text.startsWith('file:')) {
    const path = text.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
    return path === '' ? `${JSON.stringify(text)} names no file; write file:PATH` : { kind: 'file', path }
  }
  if (/^https?:/i.test(text)) {
    const url = URL.parse(text)
    if (url === null || url.hostname === '') return `${JSON.stringify(text)} is no address`
    return { kind: 'http', url: url.href }
  }
  if (functionName.test(text)) return { kind: 'function', name: text }
  return `${JSON.stringify(text)} is no destination; allowed is ${destinationsAllowed}`
}
