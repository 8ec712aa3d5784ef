/**
 * The path of a request as it was sent, without the query. Bun hands out a full address, or only the path when there
 * is no usable `Host`.
 */
export function pathOf(url: string): string {
  const start = url.charCodeAt(0) === 47 ? 0 : url.indexOf('/', 8)
  if (start < 0) return '/'
  const query = url.indexOf('?', start)
  return query < 0 ? url.slice(start) : url.slice(start, query)
}
