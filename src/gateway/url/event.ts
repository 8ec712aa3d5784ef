/**
 * A request of the Function URL as the event of the function: payload format 2.0, in the form that a URL without
 * authentication has. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
 */

import { isUtf8 } from 'node:buffer'
import { maxRequestBytes } from '../../core/limits.ts'
import { bufferOf } from '../../http/collect.ts'
import type { Exchange, Fields } from '../../http/exchange.ts'

/** The made-up id of our only URL; those of the service are 32 such characters too. */
export const urlId = 'functionurlofthisemulator0000000'

/** What the event tells of a request. */
export type UrlRequest = Pick<Exchange, 'method' | 'target' | 'peer' | 'protocol' | 'headers'>

/** What the event tells besides. */
export interface UrlFacts {
  readonly requestId: string
  /** the trace header of this invocation */
  readonly traceId: string
  readonly region: string
  /** of the listener, for `x-forwarded-port` */
  readonly port: number
  /** arrival of the request, in milliseconds since 1970 */
  readonly epoch: number
}

/**
 * The event in UTF-8, or `too-large` if it is longer than 6 MiB (6 291 456 bytes): the service measures it after the
 * body is encoded.
 */
export function urlEvent(request: UrlRequest, body: Uint8Array, facts: UrlFacts): Buffer | 'too-large' {
  if (body.length > maxRequestBytes) return 'too-large'
  const { headers, cookies } = headersOf(request.headers)
  const { peer } = request
  const forwardedFor = headers['x-forwarded-for']
  headers['x-forwarded-for'] = forwardedFor === undefined ? peer : `${forwardedFor}, ${peer}`
  headers['x-forwarded-port'] = String(facts.port)
  headers['x-forwarded-proto'] = 'http'
  headers['x-amzn-trace-id'] = facts.traceId
  const question = request.target.indexOf('?')
  const rawPath = question < 0 ? request.target : request.target.slice(0, question)
  const rawQueryString = question < 0 ? '' : request.target.slice(question + 1)
  const path = quoted(rawPath)
  const query = rawQueryString === '' ? '""' : quoted(rawQueryString)
  // Written here: an object of all this, and looking through it, takes twice as long.
  const text = `{"version":"2.0","routeKey":"$default","rawPath":${path},"rawQueryString":${query}${
    cookies.length === 0 ? '' : `,"cookies":${JSON.stringify(cookies)}`
  },"headers":${JSON.stringify(headers)}${rawQueryString === '' ? '' : parametersOf(rawQueryString)}${contextOf(
    facts.region,
  )}"http":{"method":${quoted(request.method)},"path":${path},"protocol":"${request.protocol}","sourceIp":"${peer}","userAgent":${
    headers['user-agent'] === undefined ? '""' : quoted(headers['user-agent'])
  }},"requestId":"${facts.requestId}","routeKey":"$default","stage":"$default","time":"${logTime(
    facts.epoch,
  )}","timeEpoch":${facts.epoch}},${bodyOf(body, headers['content-type'])}}`
  const bytes = Buffer.from(text)
  return bytes.length > maxRequestBytes ? 'too-large' : bytes
}

/** An object without a prototype: names come from outside, and `__proto__` is one. */
const dictionary = (): Record<string, string> => Object.create(null)

/** Names in lower case; the values of a name that was sent more than once are joined by commas. Cookies stand apart. */
function headersOf(fields: Fields): { headers: Record<string, string>; cookies: string[] } {
  const headers = dictionary()
  const cookies: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] as string).toLowerCase()
    const value = fields[at + 1] as string
    if (name === 'cookie') {
      for (const cookie of value.split(';')) if (cookie.trim() !== '') cookies.push(cookie.trim())
    } else {
      headers[name] = name in headers ? `${headers[name]},${value}` : value
    }
  }
  return { headers, cookies }
}

const quoted = (text: string): string => JSON.stringify(text)

/** of the region before: all requests of a URL have one */
let lastRegion: string | null = null
let lastContext = ''

/** What begins the context of every request of a region. */
function contextOf(region: string): string {
  if (region !== lastRegion) {
    lastRegion = region
    const domain = quoted(`${urlId}.lambda-url.${region}.on.aws`)
    lastContext = `,"requestContext":{"accountId":"anonymous","apiId":"${urlId}","domainName":${domain},"domainPrefix":"${urlId}",`
  }
  return lastContext
}

/** Decoded: `+` is a blank, a name without a value has an empty one; what is no escape stays as it is. */
function parametersOf(text: string): string {
  const parameters = dictionary()
  let some = false
  for (const [name, value] of new URLSearchParams(text)) {
    parameters[name] = name in parameters ? `${parameters[name]},${value}` : value
    some = true
  }
  return some ? `,"queryStringParameters":${JSON.stringify(parameters)}` : ''
}

const textType =
  /^(?:text\/.*|application\/(?:json|xml|javascript|x-javascript|ecmascript|x-www-form-urlencoded)|.*\+(?:json|xml))$/

/** Whether bodies of this type are text: by the type itself, or because it has a charset. */
export function isTextType(contentType: string | undefined): boolean {
  if (contentType === undefined) return false
  const lower = contentType.toLowerCase()
  const [type = ''] = lower.split(';', 1)
  return textType.test(type.trim()) || /;\s*charset\s*=/.test(lower)
}

/** of the request before: a caller sends one type mostly, and looking at it takes two patterns */
let lastType: string | undefined
let lastIsText = false

function sentAsText(contentType: string | undefined): boolean {
  if (contentType !== lastType) {
    lastType = contentType
    lastIsText = isTextType(contentType)
  }
  return lastIsText
}

function bodyOf(body: Uint8Array, contentType: string | undefined): string {
  if (body.length === 0) return '"isBase64Encoded":false'
  const bytes = bufferOf(body)
  return sentAsText(contentType) && isUtf8(bytes)
    ? `"body":${quoted(bytes.toString('utf8'))},"isBase64Encoded":false`
    : `"body":"${bytes.toString('base64')}","isBase64Encoded":true`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** of the request before: many have the same second */
let lastSecond = -1
let lastTime = ''

/** As in access logs: `12/Mar/2020:19:03:58 +0000`. */
function logTime(epoch: number): string {
  const second = Math.floor(epoch / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastTime = logTimeOf(epoch)
  }
  return lastTime
}

function logTimeOf(epoch: number): string {
  const iso = new Date(epoch).toISOString()
  const month = months[Number(iso.slice(5, 7)) - 1]
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`
}
