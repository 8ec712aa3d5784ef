/** Paths as they were sent, out of targets and out of addresses. */

/** Without the query. An address without a path, or what is none, has the path `/`. */
export function pathOf(target: string): string {
  const start = target.charCodeAt(0) === 47 ? 0 : target.indexOf('/', target.indexOf('//') + 2)
  if (start < 0) return '/'
  const query = target.indexOf('?', start)
  return query < 0 ? target.slice(start) : target.slice(start, query)
}

/** With its question mark; empty when there is none. */
export function queryOf(target: string): string {
  const query = target.indexOf('?')
  return query < 0 ? '' : target.slice(query)
}

const dots = /\/(?:\.|%2e){1,2}(?:\/|$)/i

/** A path for what it comes to: without segments of one dot or two. */
export function withoutDots(path: string): string {
  return dots.test(path) ? new URL(`http://x${path}`).pathname : path
}
