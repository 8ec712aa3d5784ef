/**
 * The first value of a header that was sent more than once, which is the one that the reference reads. Bun hands out all
 * of them, with commas between.
 */
export function firstValue(headers: Headers, name: string): string | null {
  const all = headers.get(name)
  if (all === null) return null
  const comma = all.indexOf(', ')
  return comma < 0 ? all : all.slice(0, comma)
}
