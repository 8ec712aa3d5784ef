/**
 * Which web pages may invoke. A browser sends a page's POST to any address, whoever wrote the page; without a rule every
 * page that someone visits could run the function. So a request that comes from a page is served only if the page is
 * the gateway's own, or its origin was named.
 */

import type { Exchange, Fields } from '../http/exchange.ts'

/** Origins as browsers send them, `https://example.com:8443`; `*` stands for all, `null` for pages from files. */
export type Origins = readonly string[]

/** The origins, or what is wrong with the list: a sentence that names the entry and what it may be. */
export function parseOrigins(text: string): Origins | string {
  const origins = text.split(',').map((origin) => origin.trim())
  for (const origin of origins) {
    if (origin === '*' || origin === 'null') continue
    const problem = originProblem(origin)
    if (problem !== null) return problem
  }
  return origins.map((origin) => (origin === '*' || origin === 'null' ? origin : new URL(origin).origin))
}

function originProblem(origin: string): string | null {
  const example = 'allowed are origins as http://localhost:3000, *, and null for pages from files'
  const url = URL.parse(origin)
  if (url === null || !/^https?:$/.test(url.protocol))
    return `${JSON.stringify(origin)} is no origin; ${example}`
  const bare =
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    !origin.endsWith('/')
  return bare ? null : `${JSON.stringify(origin)} is more than an origin; write ${url.origin}`
}

type Asked = Pick<Exchange, 'method' | 'header'>

/**
 * Who sent this: no page at all, or a page of ours (`own`), one that may (`named`), or one that may not (`foreign`). A
 * page whose address has the host and port that the request went to is ours, over TLS too, which a proxy may add.
 */
export function sender(origins: Origins, exchange: Asked): 'own' | 'named' | 'foreign' {
  const origin = exchange.header('origin')
  if (origin === null) {
    // pictures and links of a page have no origin, but browsers say where they come from
    const crosses = exchange.method !== 'POST' && exchange.header('sec-fetch-site') === 'cross-site'
    return crosses && !origins.includes('*') ? 'foreign' : 'own'
  }
  const host = exchange.header('host')?.toLowerCase()
  if (host !== undefined && origin.toLowerCase().replace(/^https?:\/\//, '') === host) return 'own'
  return origins.includes('*') || origins.includes(origin) ? 'named' : 'foreign'
}

/** Whether this is a preflight: a browser asks whether a page may send a request. */
export const isPreflight = (exchange: Asked): boolean =>
  exchange.method === 'OPTIONS' && exchange.header('access-control-request-method') !== null

/** The response headers that a page may read: every header that an answer to an invocation can have. */
const exposed = [
  'x-amz-durable-execution-arn',
  'x-amz-executed-version',
  'x-amz-function-error',
  'x-amz-log-result',
  'x-amzn-errortype',
  'x-amzn-remapped-content-type',
  'x-amzn-requestid',
  'x-amzn-trace-id',
  'retry-after',
].join(',')

/** Headers of an answer to a page that may have it; none for everybody else. */
export function corsFields(origins: Origins, exchange: Asked): Fields {
  const origin = exchange.header('origin')
  if (origin === null || sender(origins, exchange) !== 'named') return []
  return ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin', 'Access-Control-Expose-Headers', exposed]
}

/** Headers of the answer to a preflight: SDKs sign, and send more headers than one could name. */
export function preflightFields(origins: Origins, exchange: Asked): Fields {
  const fields = corsFields(origins, exchange)
  if (fields.length === 0) return fields
  const asked = exchange.header('access-control-request-headers')
  return [
    ...fields.slice(0, 4),
    'Access-Control-Allow-Methods',
    'GET,HEAD,POST,PUT,PATCH,DELETE',
    ...(asked === null ? [] : ['Access-Control-Allow-Headers', asked]),
    // browsers that ask before a page of the internet reaches into a private network
    ...(exchange.header('access-control-request-private-network') === 'true'
      ? ['Access-Control-Allow-Private-Network', 'true']
      : []),
    'Access-Control-Max-Age',
    '600',
  ]
}
