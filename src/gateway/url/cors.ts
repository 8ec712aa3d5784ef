/**
 * Cross-origin resource sharing of the Function URL: the service's own configuration, and the headers that follow from
 * it. https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html
 */

import type { Exchange, Fields } from '../../http/exchange.ts'

export interface UrlCors {
  readonly AllowCredentials: boolean
  readonly AllowHeaders: readonly string[]
  readonly AllowMethods: readonly string[]
  readonly AllowOrigins: readonly string[]
  readonly ExposeHeaders: readonly string[]
  /** in seconds; null when it was not given */
  readonly MaxAge: number | null
}

/** What the service allows in each list: how many entries, how long, and what they may be. */
const lists = {
  AllowHeaders: {
    most: 100,
    entry: /^(?:\*|[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,1024})$/,
    kind: 'names of headers or *',
  },
  AllowMethods: { most: 6, entry: /^(?:\*|[A-Z]{1,6})$/, kind: 'GET, PUT, HEAD, POST, PATCH, DELETE or *' },
  AllowOrigins: { most: 100, entry: /^[\x21-\x7e]{1,253}$/, kind: 'origins as https://example.com, or *' },
  ExposeHeaders: {
    most: 100,
    entry: /^(?:\*|[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,1024})$/,
    kind: 'names of headers or *',
  },
} as const

const maxAgeSeconds = 86_400
const members = ['AllowCredentials', ...Object.keys(lists), 'MaxAge']

/** The configuration, or what is wrong with it: a sentence that names the member and what it may be. */
export function parseUrlCors(text: string): UrlCors | string {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    return `it is no JSON: ${(error as Error).message}`
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return `it is no object, as {"AllowOrigins":["*"]}`
  }
  const config = given as Record<string, unknown>
  const unknown = Object.keys(config).find((name) => !members.includes(name))
  if (unknown !== undefined)
    return `${JSON.stringify(unknown)} is no member of it; members are ${members.join(', ')}`
  const { AllowCredentials = false, MaxAge = null } = config
  if (typeof AllowCredentials !== 'boolean') return 'AllowCredentials must be true or false'
  const aged =
    MaxAge === null ||
    (Number.isInteger(MaxAge) && (MaxAge as number) >= 0 && (MaxAge as number) <= maxAgeSeconds)
  if (!aged) return `MaxAge must be a whole number of seconds from 0 to ${maxAgeSeconds}`
  for (const [name, { most, entry, kind }] of Object.entries(lists)) {
    const list = config[name] ?? []
    if (!Array.isArray(list) || list.length > most) return `${name} must be a list of at most ${most} ${kind}`
    const wrong = list.find((one) => typeof one !== 'string' || !entry.test(one))
    if (wrong !== undefined) return `${name} has ${JSON.stringify(wrong)}; allowed are ${kind}`
  }
  const listOf = (name: keyof typeof lists): readonly string[] => (config[name] as string[] | undefined) ?? []
  return {
    AllowCredentials,
    AllowHeaders: listOf('AllowHeaders'),
    AllowMethods: listOf('AllowMethods'),
    AllowOrigins: listOf('AllowOrigins'),
    ExposeHeaders: listOf('ExposeHeaders'),
    MaxAge: MaxAge as number | null,
  }
}

type Asked = Pick<Exchange, 'method' | 'header'>

/** Whether this is a preflight, which the function never sees. */
export const isPreflight = (exchange: Asked): boolean =>
  exchange.method === 'OPTIONS' &&
  exchange.header('origin') !== null &&
  exchange.header('access-control-request-method') !== null

/** Headers of the answer to a preflight; none for an origin that is not allowed: the browser sends nothing then. */
export function preflightFields(cors: UrlCors, exchange: Asked): Fields {
  const fields = [...allowed(cors, exchange.header('origin'))]
  if (fields.length === 0) return fields
  // a star stands for what was asked for: browsers take it by the letter where there are credentials
  const list = (entries: readonly string[], asked: string | null): string | null =>
    entries.includes('*') ? asked : entries.length === 0 ? null : entries.join(',')
  const methods = list(cors.AllowMethods, exchange.header('access-control-request-method'))
  const headers = list(cors.AllowHeaders, exchange.header('access-control-request-headers'))
  if (methods !== null) fields.push('Access-Control-Allow-Methods', methods)
  if (headers !== null) fields.push('Access-Control-Allow-Headers', headers)
  if (cors.MaxAge !== null) fields.push('Access-Control-Max-Age', String(cors.MaxAge))
  return fields
}

/**
 * The headers of an answer, with those of the configuration in place of the function's. Two values for one of them are
 * an error in every browser.
 */
export function withCors(fields: Fields, cors: UrlCors, exchange: Asked): Fields {
  const all: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    if (!/^access-control-/i.test(name)) all.push(name, fields[at + 1] as string)
  }
  const ours = allowed(cors, exchange.header('origin'))
  all.push(...ours)
  if (ours.length > 0 && cors.ExposeHeaders.length > 0) {
    all.push('Access-Control-Expose-Headers', cors.ExposeHeaders.join(','))
  }
  return all
}

/** The service answers a star with the origin that asked, so that credentials work with it. */
function allowed({ AllowOrigins, AllowCredentials }: UrlCors, origin: string | null): Fields {
  if (origin === null || !(AllowOrigins.includes('*') || AllowOrigins.includes(origin))) return []
  const fields = ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin']
  return AllowCredentials ? [...fields, 'Access-Control-Allow-Credentials', 'true'] : fields
}
