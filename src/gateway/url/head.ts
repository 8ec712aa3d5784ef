/**
 * Status, headers and cookies of an answer, as a function gives them: in the object that it returns, or in the prelude
 * of its stream. What cannot be sent over HTTP is refused with a reason for the emulator's log.
 */

/** What goes out before the body. */
export interface UrlHead {
  readonly status: number
  /** name, value, …; each cookie is a `Set-Cookie` of its own */
  readonly fields: string[]
}

/** Why what a function gave is no answer; the caller gets 502 and does not see it. */
export interface Invalid {
  readonly invalid: string
}

/** The members of an answer that make its head; what a function puts there may be anything. */
export interface HeadSource {
  readonly statusCode?: unknown
  readonly headers?: unknown
  readonly cookies?: unknown
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const unsendable = /[^\t\x20-\x7e\x80-\xff]/

/** Those that belong to the connection or to the emulator: sent by a function, they would contradict ours. */
const ours = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-amzn-requestid',
  'x-amzn-trace-id',
])

/**
 * `text` is the JSON that the source was parsed from: a number in a header keeps the digits that it has there.
 * Without a content type of the function's, `contentType` is added. With `lists` a header may have a list of values:
 * AWS's client for Rust writes a header of a stream so that was set more than once.
 */
export function urlHead(
  source: HeadSource,
  text: string,
  contentType: string,
  lists = false,
): UrlHead | Invalid {
  const status = statusOf(source.statusCode)
  if (status === null) {
    return { invalid: `statusCode is ${shown(source.statusCode)}; allowed is a whole number from 200 to 599` }
  }
  const fields: string[] = []
  const { headers = null, cookies = null } = source
  if (headers !== null && (typeof headers !== 'object' || Array.isArray(headers))) {
    return { invalid: `headers is ${shown(headers)}; allowed is an object of names and values` }
  }
  let typed = false
  for (const [name, given] of Object.entries(headers ?? {})) {
    const before = fields.length
    if (lists && Array.isArray(given)) {
      for (const one of given) {
        const problem = put(fields, name, one, text)
        if (problem !== null) return problem
      }
    } else {
      const problem = put(fields, name, given, text)
      if (problem !== null) return problem
    }
    if (fields.length > before && name.toLowerCase() === 'content-type') typed = true
  }
  if (cookies !== null && !Array.isArray(cookies)) {
    return { invalid: `cookies is ${shown(cookies)}; allowed is a list of texts` }
  }
  for (const cookie of (cookies ?? []) as unknown[]) {
    if (typeof cookie !== 'string' || unsendable.test(cookie)) {
      return { invalid: `cookie ${shown(cookie)} is no text that can stand in a header` }
    }
    fields.push('Set-Cookie', cookie)
  }
  if (!typed) fields.push('Content-Type', contentType)
  return { status, fields }
}

/** One more header, unless it is ours; null, or why it cannot be sent. */
function put(fields: string[], name: string, given: unknown, text: string): Invalid | null {
  const value = typeof given === 'number' ? digits(given, text, name) : given
  if (typeof value !== 'string' && typeof value !== 'boolean') {
    return { invalid: `header ${shown(name)} is ${shown(value)}; allowed is a text, a number or a boolean` }
  }
  if (!token.test(name)) return { invalid: `${shown(name)} is no name of a header` }
  if (unsendable.test(String(value))) {
    return { invalid: `header ${name} is ${shown(value)}, which has characters that no header can have` }
  }
  if (!ours.has(name.toLowerCase())) fields.push(name, String(value))
  return null
}

/** Null for what is no status of an answer; the service takes a text of three digits too. */
function statusOf(given: unknown): number | null {
  const status = typeof given === 'string' && /^\d{3}$/.test(given) ? Number(given) : given
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599
    ? status
    : null
}

/** The number as the function wrote it, which is not always how it would be printed again. */
function digits(value: number, text: string, header: string): string {
  let written = String(value)
  JSON.parse(text, function (this: unknown, name, member, context?: { source?: string }) {
    if (name === header && member === value && context?.source !== undefined) written = context.source
    return member
  })
  return written
}

/** A value in a message: as JSON, shortened. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 64 ? `${text.slice(0, 64)}…` : text
}
