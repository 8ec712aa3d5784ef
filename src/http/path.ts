/**
 * The path of a request as it was sent. Bun hands out a full address, or only the path when there is no usable `Host`.
 */

/** Where the path begins; -1 when there is none. */
export const pathStart = (url: string): number => (url.charCodeAt(0) === 47 ? 0 : url.indexOf('/', 8))

/** Without the query. */
export function pathOf(url: string): string {
  const start = pathStart(url)
  if (start < 0) return '/'
  const query = url.indexOf('?', start)
  return query < 0 ? url.slice(start) : url.slice(start, query)
}

/**
 * Recognises one path, with no query behind it. The last address is remembered: the next one is nearly always the
 * same, and comparing costs a tenth of looking for the path.
 */
export function recognise(path: string): (url: string) => boolean {
  let last = ''
  return (url) => {
    if (url === last) return true
    if (!url.endsWith(path) || pathStart(url) !== url.length - path.length) return false
    last = url
    return true
  }
}
