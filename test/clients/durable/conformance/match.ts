/** How documents of AWS's conformance cases are read: `*` is anything, `${X}` a value that is the same
 * everywhere, `${/X/}` what matches. */

export type Bindings = Map<string, unknown>

const variable = /\$\{([A-Z0-9_]+)(?::(\d+))?\}/g

/** With every variable that is known; `${GEN_STR:n}` is a new text of that length. */
// biome-ignore lint/suspicious/noExplicitAny: a document of others
export function bound(value: any, bindings: Bindings): any {
  if (typeof value === 'string') {
    return value.replace(variable, (whole, name: string, length?: string) => {
      if (name === 'GEN_STR') return crypto.randomUUID().replaceAll('-', '').slice(0, Number(length))
      return bindings.has(name) ? String(bindings.get(name)) : whole
    })
  }
  if (Array.isArray(value)) return value.map((one) => bound(one, bindings))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, bound(member, bindings)]))
}

/** Where something is not as expected; null if it is. Of an object only the members that are expected count. */
export function mismatch(expected: unknown, actual: unknown, bindings: Bindings, at: string): string | null {
  if (expected === '*') return actual === undefined ? `${at} is missing` : null
  const name = typeof expected === 'string' ? /^\$\{([A-Z0-9_]+)\}$/.exec(expected)?.[1] : undefined
  if (name !== undefined) {
    if (!bindings.has(name)) bindings.set(name, actual)
    return bindings.get(name) === actual
      ? null
      : `${at} is ${JSON.stringify(actual)} and not the same ${name}`
  }
  const pattern = typeof expected === 'string' ? /^\$\{\/(.*)\/\}$/.exec(expected)?.[1] : undefined
  if (pattern !== undefined) {
    return new RegExp(pattern).test(String(actual))
      ? null
      : `${at} is ${JSON.stringify(actual)}, not ${pattern}`
  }
  if (typeof expected !== 'object' || expected === null) {
    return Object.is(expected ?? null, actual ?? null)
      ? null
      : `${at} is ${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`
  }
  if (typeof actual !== 'object' || actual === null) return `${at} is ${JSON.stringify(actual)}`
  for (const [member, value] of Object.entries(expected)) {
    const wrong = mismatch(value, (actual as Record<string, unknown>)[member], bindings, `${at}.${member}`)
    if (wrong !== null) return wrong
  }
  return null
}
